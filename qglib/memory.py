"""How much memory a computation may take before it is started."""

from __future__ import annotations

from pathlib import Path

import torch


def available_bytes(device: torch.device | str = "cpu") -> int | None:
    """Bytes free on a torch device; None where the system does not tell.

    On Linux the control group's limit counts too, so that a container does not
    promise the memory of its host.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = None
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    limit, used = (_group_bytes(f"memory.{name}") for name in ("max", "current"))
    if limit is not None and used is not None:
        left = max(0, limit - used)
        free = left if free is None else min(free, left)
    return free


def _group_bytes(name: str) -> int | None:
    path = Path("/sys/fs/cgroup") / name
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def require(needed: int, device: torch.device | str, what: str, remedy: str) -> None:
    """Raise MemoryError, before allocating, when ``needed`` bytes are not free.

    Args:
        needed: Bytes the computation will take.
        device: Torch device it runs on.
        what: The thing computed, for the message.
        remedy: What the caller can do instead.
    """
    free = available_bytes(device)
    if free is not None and needed > free:
        raise MemoryError(
            f"{what} needs about {needed / 2**30:.3g} GiB, and "
            f"{free / 2**30:.3g} GiB are free on {device}: {remedy}"
        )
