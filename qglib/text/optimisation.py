"""How a tagger is optimised: schedule, parameter groups, reproducible mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from qglib.text.tagger import TokenTagger


def linear_schedule(step: int, total: int, warmup: float) -> float:
    """Factor on the learning rate: linear rise over ``warmup``, then linear to 0."""
    rise = max(1, round(warmup * total))
    if step < rise:
        return (step + 1) / rise
    return max(0.0, (total - step) / max(1, total - rise))


def parameter_groups(
    model: TokenTagger, rate: float, head_factor: float, weight_decay: float
) -> list[dict[str, Any]]:
    """AdamW groups: head and shape vectors learn faster, vectors do not decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            fast = not name.startswith("encoder.")
            groups.setdefault((fast, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": members,
            "lr": rate * (head_factor if fast else 1.0),
            "peak": rate * (head_factor if fast else 1.0),
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (fast, decays), members in groups.items()
    ]


@contextmanager
def training_mode(model: TokenTagger, dropout: float, seed: int) -> Iterator[None]:
    """Seeded generators, deterministic kernels, the encoder's dropout; all restored."""
    modules = [m for m in model.encoder.modules() if isinstance(m, nn.Dropout)]
    rates = [m.p for m in modules]
    exact = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = [torch.cuda.current_device()] if next(model.parameters()).is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        for m in modules:
            m.p = dropout
        try:
            yield
        finally:
            for m, p in zip(modules, rates, strict=True):
                m.p = p
            torch.use_deterministic_algorithms(exact, warn_only=warn_only)
            model.eval()
