"""The one training loop of the package: heads, taggers and classifiers."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from qglib.models.checkpoint import (
    Progress,
    copy_state,
    load_checkpoint,
    save_checkpoint,
)

CLIP = 1.0  # largest norm of the gradient of all parameters
COLUMNS = ["epoch", "loss", "score", "seconds"]


def run_epochs(
    module: nn.Module,
    loss: Callable[[Any], torch.Tensor],
    batches: Callable[[], Iterable[Sized]],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    *,
    epochs: int,
    seed: int,
    score: Callable[[], float] | None = None,
    report: Callable[[int, float], None] | None = None,
    checkpoint: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    stale: str = "error",
) -> pd.DataFrame:
    """Train a module in place; the epoch with the best score is kept, in eval mode.

    Deterministic for the same seed and number of threads; torch's own generator is
    left as it was.

    Args:
        module: what is trained, and put into train and eval mode.
        loss: mean loss of one batch.
        batches: the batches of an epoch, drawn anew at every call; called as often
            again when a run is resumed.
        optimiser, schedule: of the parameters; the schedule makes one step a batch.
        epochs: passes over the data.
        seed: of dropout.
        score: called after every epoch, larger is better. Without it, or where it is
            NaN, the last epoch is kept.
        report: called with epoch and score after every epoch; may raise to stop.
        checkpoint: folder written after every epoch; if it holds a checkpoint of the
            same run, training goes on from there with the same result.
        settings: what makes it the same run.
        stale: "error" or "restart" when the checkpoint is of another run.

    Returns:
        One row per epoch: epoch, loss (mean over items), score (NaN without),
        seconds. ``attrs``: best_epoch, resumed_after.

    Raises:
        ValueError: a loss that is not finite, a checkpoint of another run.
    """
    done = Progress()
    with _reproducible(next(module.parameters()).device, seed):
        if checkpoint is not None:
            place = Path(checkpoint)
            done = load_checkpoint(place, module, optimiser, settings or {}, stale)
            _catch_up(done, schedule, batches)
        resumed = done.epoch
        while done.epoch < epochs:
            row = _epoch(module, loss, batches(), optimiser, schedule, done)
            done.epoch += 1
            module.eval()
            value = math.nan if score is None else score()
            if math.isnan(value):
                done.best, done.best_epoch = None, done.epoch
            elif value > done.best_score:
                done.best, done.best_score = copy_state(module), value
                done.best_epoch = done.epoch
            done.history.append({"epoch": done.epoch, "score": value, **row})
            if checkpoint is not None:
                save_checkpoint(place, done, module, optimiser, settings or {})
            if report is not None:
                report(done.epoch, value)
    if done.best is not None and done.best_epoch != done.epoch:
        module.load_state_dict(done.best)
    module.eval()
    history = pd.DataFrame(done.history, columns=COLUMNS)
    history.attrs = {"best_epoch": done.best_epoch, "resumed_after": resumed}
    return history


def _epoch(
    module: nn.Module,
    loss: Callable[[Any], torch.Tensor],
    batches: Iterable[Sized],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    done: Progress,
) -> dict[str, float]:
    """One pass over all batches; mean loss and seconds."""
    began = time.perf_counter()
    module.train()
    total, items = 0.0, 0
    for batch in batches:
        value = loss(batch)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(module.parameters(), CLIP)
        optimiser.step()
        schedule.step()
        total = total + value.detach() * len(batch)
        items += len(batch)
        done.step += 1
    mean = float(total) / items
    if not math.isfinite(mean):
        raise ValueError(
            f"the loss became {mean} in epoch {done.epoch + 1}: the weights hold NaN "
            "or the learning rate is too high; lower rate"
        )
    return {"loss": mean, "seconds": time.perf_counter() - began}


def _catch_up(
    done: Progress,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    batches: Callable[[], Iterable[Sized]],
) -> None:
    """Bring schedule and order of the batches to where a checkpoint was written."""
    with warnings.catch_warnings():
        # the optimiser made its steps in the run that was interrupted
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        for _ in range(done.step):
            schedule.step()
    for _ in range(done.epoch):
        list(batches())


@contextmanager
def _reproducible(device: torch.device, seed: int) -> Iterator[None]:
    """Seeded generators and deterministic kernels; all restored."""
    filled = torch.utils.deterministic.fill_uninitialized_memory
    exact = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # costs a tenth
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(exact, warn_only=warn_only)
            torch.utils.deterministic.fill_uninitialized_memory = filled
