"""Whether to train in bfloat16: only where the processor computes in it."""

from __future__ import annotations

import torch

PRECISIONS = ("auto", "bf16", "fp32")


def choose_precision(device: torch.device, precision: str = "auto") -> tuple[bool, str]:
    """``(use bfloat16 autocast, why)`` for a device.

    ``"auto"`` takes bfloat16 on a GPU that supports it and on a CPU with
    avx512_bf16 or AMX; elsewhere emulation would be slower than float32.

    Raises:
        ValueError: an unknown ``precision``.
    """
    if precision not in PRECISIONS:
        wanted = ", ".join(PRECISIONS)
        raise ValueError(f"precision must be one of {wanted}, got {precision!r}")
    if precision != "auto":
        return precision == "bf16", "as asked"
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
        return able, f"the GPU {'computes' if able else 'does not compute'} in bfloat16"
    if device.type != "cpu":
        return False, f"bfloat16 is not used on {device.type}"
    # private, but the only run-time test that torch offers; absent: float32
    for name, unit in (
        ("_is_amx_tile_supported", "amx"),
        ("_is_avx512_bf16_supported", "avx512_bf16"),
    ):
        if getattr(torch.cpu, name, bool)():
            return True, f"the CPU has {unit}"
    return False, "the CPU has neither avx512_bf16 nor amx"
