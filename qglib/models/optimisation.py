"""How a tagger is optimised: schedule, parameter groups, reproducible mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from qglib.models.batching import collate, kept_positions
from qglib.models.tagger import TokenTagger
from qglib.models.windows import Window


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
    filled = torch.utils.deterministic.fill_uninitialized_memory
    exact = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = [torch.cuda.current_device()] if next(model.parameters()).is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # costs a tenth
        for m in modules:
            m.p = dropout
        try:
            yield
        finally:
            for m, p in zip(modules, rates, strict=True):
                m.p = p
            torch.use_deterministic_algorithms(exact, warn_only=warn_only)
            torch.utils.deterministic.fill_uninitialized_memory = filled
            model.eval()


def word_loss(
    model: TokenTagger,
    batch: Sequence[Window],
    targets: Sequence[np.ndarray],
    pad_id: int,
    bf16: bool,
) -> torch.Tensor:
    """Cross-entropy of the kept words of a batch, mean; bfloat16 in the encoder."""
    device = model.feature_mean.device
    inputs = collate(batch, pad_id, device)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        hidden, shapes, _ = model.hidden(**inputs)
    row, column = (k.to(device) for k in kept_positions(batch))
    flat = row * hidden.shape[1] + column
    # the head sees labelled words only and always computes in float32
    picked = hidden.flatten(0, 1).index_select(0, flat).float()
    logits = model.head(model.features(picked, shapes.flatten()[flat]))
    gold = np.concatenate([targets[w.sentence][w.words] for w in batch])
    return nn.functional.cross_entropy(logits, torch.from_numpy(gold).to(device))
