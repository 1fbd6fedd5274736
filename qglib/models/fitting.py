"""One training loop for every head, on inputs that were computed once."""

from __future__ import annotations

import hashlib
import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from qglib.models.checkpoint import (
    Progress,
    copy_state,
    load_checkpoint,
    save_checkpoint,
)

# Epochs and peak learning rate per head. The rates are those of the best dev F1 in
# data/reference/results/head_rates.json (`qglib.models.rate_search`).
DEFAULTS = {
    "linear": (30, 1e-2),
    "mlp": (20, 5e-3),
    "bottleneck": (25, 5e-3),
    "quantum": (25, 3e-3),
}

WIDE = 100  # inputs of a unit from which it counts as wide
SMALL_FACTOR = 5.0

Reader = Callable[[torch.Tensor], torch.Tensor]


def is_wide(parameter: nn.Parameter) -> bool:
    """Whether a parameter is a matrix that reads many numbers."""
    return parameter.ndim == 2 and parameter.shape[1] >= WIDE


def head_groups(
    head: nn.Module,
    rate: float,
    weight_decay: float,
    small_factor: float = SMALL_FACTOR,
) -> list[dict[str, Any]]:
    """AdamW groups: matrices that read all features at ``rate``, the rest faster.

    A step of AdamW moves every weight by about the rate, so a unit with hundreds of
    inputs moves hundreds of times further than one with a few. Where nothing is
    wide (a small table), all learn at ``rate``. Frozen parameters are left out.
    """
    learning = [p for p in head.parameters() if p.requires_grad]
    wide = [p for p in learning if is_wide(p)]
    rest = [p for p in learning if not is_wide(p)]
    factor = small_factor if wide else 1.0
    groups = [
        (wide, rate, weight_decay),
        ([p for p in rest if p.ndim == 2], factor * rate, weight_decay),
        ([p for p in rest if p.ndim != 2], factor * rate, 0.0),
    ]
    return [
        {"params": members, "lr": lr, "weight_decay": decay}
        for members, lr, decay in groups
        if members
    ]


def _fingerprint(*tensors: torch.Tensor) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def fit(
    head: nn.Module,
    inputs: torch.Tensor | Reader,
    gold: torch.Tensor,
    *,
    epochs: int,
    rate: float,
    batch_size: int = 512,
    weight_decay: float = 0.01,
    warmup: float = 0.1,
    small_factor: float = SMALL_FACTOR,
    seed: int = 0,
    score: Callable[[], float] | None = None,
    report: Callable[[int, float], None] | None = None,
    checkpoint: str | Path | None = None,
    stale: str = "error",
    progress: bool = False,
) -> pd.DataFrame:
    """Train a head in place with cross-entropy; it is left in eval mode.

    AdamW (`head_groups`), linear warm-up, then cosine decay, clip 1.0; with
    ``score`` the epoch with the best score is kept. Deterministic for the same seed
    and number of threads.

    Parameters
    ----------
    inputs : ``(n, n_inputs)``, or a function from row numbers to inputs where all
        together would not fit in memory.
    gold : ``(n,)`` class numbers on the head's device.
    score : called after every epoch, larger is better (dev F1).
    report : called with epoch and score after every epoch; may raise to stop.
    checkpoint : folder written after every epoch; if it holds a checkpoint of the
        same run, training goes on from there with the same result.
    stale : ``"error"`` or ``"restart"`` when the checkpoint is of another run.

    Returns
    -------
    DataFrame with one row per epoch: epoch, loss, score (NaN without), seconds.

    Raises
    ------
    ValueError
        settings below 1, a loss that is not finite, a checkpoint of another run.
    """
    if epochs < 1 or batch_size < 1:
        raise ValueError(
            f"epochs and batch_size must be at least 1, got {epochs}, {batch_size}"
        )
    device = gold.device
    groups = head_groups(head, rate, weight_decay, small_factor)
    optimiser = torch.optim.AdamW(groups, lr=rate, fused=True)
    steps = epochs * -(-len(gold) // batch_size)
    # a rise of exactly one step would divide by zero
    single = 1e-9 if warmup * steps == 1 else 0.0
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        [group["lr"] for group in groups],
        total_steps=steps,
        pct_start=max(warmup, 1e-9) + single,
    )
    done = Progress()
    # no batch is drawn from it, the checkpoint keeps the state of a generator
    unused = np.random.default_rng(seed)
    settings: dict[str, Any] = {}
    if checkpoint is not None:
        settings = {
            "epochs": epochs, "rate": rate, "batch_size": batch_size,
            "weight_decay": weight_decay, "warmup": warmup,
            "small_factor": small_factor, "seed": seed,
            "head": _fingerprint(*head.state_dict().values()),
            "data": _fingerprint(gold, _rows(inputs, torch.arange(min(64, len(gold))))),
        }  # fmt: skip
    bar = tqdm(total=epochs, unit="epoch", disable=not progress, leave=False)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        order = torch.Generator().manual_seed(seed)
        if checkpoint is not None:
            place = Path(checkpoint)
            done = load_checkpoint(place, head, optimiser, unused, settings, stale)
            _catch_up(done, schedule, order, len(gold))
            bar.update(done.epoch)
        while done.epoch < epochs:
            began = time.perf_counter()
            head.train()
            total = torch.zeros((), device=device)
            for batch in torch.randperm(len(gold), generator=order).split(batch_size):
                batch = batch.to(device)
                x = _rows(inputs, batch)
                loss = nn.functional.cross_entropy(head(x), gold[batch])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(head.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                total += loss.detach() * len(batch)
                done.step += 1
            mean_loss = float(total) / len(gold)
            if not math.isfinite(mean_loss):
                raise ValueError(
                    f"the loss became {mean_loss} in epoch {done.epoch + 1}: lower "
                    f"rate ({rate})"
                )
            seconds = time.perf_counter() - began
            done.epoch += 1
            head.eval()
            value = math.nan if score is None else score()
            if score is not None and value > done.best_f1:
                done.best, done.best_f1 = copy_state(head), value
                done.best_epoch = done.epoch
            row = (done.epoch, mean_loss, value, seconds)
            done.history.append(
                dict(zip(("epoch", "loss", "score", "seconds"), row, strict=True))
            )
            if checkpoint is not None:
                save_checkpoint(place, done, head, optimiser, unused, settings)
            bar.update()
            if report is not None:
                report(done.epoch, value)
    bar.close()
    if done.best is not None and score is not None:
        head.load_state_dict(done.best)
    head.eval()
    return pd.DataFrame(done.history, columns=["epoch", "loss", "score", "seconds"])


def _rows(inputs: torch.Tensor | Reader, rows: torch.Tensor) -> torch.Tensor:
    if isinstance(inputs, torch.Tensor):
        return inputs.index_select(0, rows.to(inputs.device))
    return inputs(rows)


def _catch_up(
    done: Progress,
    schedule: torch.optim.lr_scheduler.OneCycleLR,
    order: torch.Generator,
    n: int,
) -> None:
    """Bring schedule and order of the batches to where a checkpoint was written."""
    with warnings.catch_warnings():
        # the optimiser made its steps in the run that was interrupted
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        for _ in range(done.step):
            schedule.step()
    for _ in range(done.epoch):
        torch.randperm(n, generator=order)
