"""The one training loop of the package, and a head on inputs computed once."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

import pandas as pd
import torch
from torch import nn

# Epochs and peak learning rate per head. The rates are those of the best dev F1 in
# data/reference/results/head_rates.json: rates 1e-3 to 2e-2, seeds 101 to 103, 12
# epochs on the embedded corpus; no notebook uses these seeds.
DEFAULTS = {
    "linear": (30, 1e-2),
    "mlp": (20, 5e-3),
    "bottleneck": (25, 5e-3),
    "quantum": (25, 3e-3),
}

WIDE = 100  # inputs of a unit from which it counts as wide
SMALL_FACTOR = 5.0  # how much faster the others learn
WEIGHT_DECAY, WARMUP = 0.01, 0.1
CLIP = 1.0  # largest norm of the gradient of all parameters


def head_groups(head: nn.Module, rate: float) -> list[dict[str, Any]]:
    """AdamW groups: matrices that read all features at ``rate``, the rest faster.

    A step of AdamW moves every weight by about the rate, so a unit with hundreds of
    inputs moves hundreds of times further than one with a few. Where nothing is
    wide (a small table), all learn at ``rate``. Frozen parameters are left out.
    """
    learnt = [p for p in head.parameters() if p.requires_grad]
    wide = [p.ndim == 2 and p.shape[1] >= WIDE for p in learnt]
    rest = rate * (SMALL_FACTOR if any(wide) else 1.0)
    rates = [rate if reads_all else rest for reads_all in wide]
    decays = [WEIGHT_DECAY if p.ndim == 2 else 0.0 for p in learnt]
    groups = zip(learnt, rates, decays, strict=True)
    return [{"params": [p], "lr": r, "weight_decay": d} for p, r, d in groups]


def check_settings(epochs: int, batch_size: int) -> None:
    """Refuse numbers below 1 with a ValueError."""
    if epochs < 1 or batch_size < 1:
        found = f"{epochs}, {batch_size}"
        raise ValueError(f"epochs and batch_size must be at least 1, got {found}")


def fit(
    head: nn.Module,
    inputs: torch.Tensor | Callable[[torch.Tensor], Any],
    gold: torch.Tensor,
    *,
    epochs: int,
    rate: float,
    batch_size: int = 512,
    seed: int = 0,
    measure: nn.Module | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Train a head in place with cross-entropy; it is left in eval mode.

    AdamW (`head_groups`), linear warm-up, then cosine decay, clip 1.0; the loop, its
    ``options``, what it returns and refuses: `run_epochs`.

    Args:
        inputs: ``(n, n_inputs)``, or a function from row numbers to what the head
            reads, where all together would not fit in memory.
        gold: ``(n,)`` class numbers on the head's device, or rows of them.
        rate: peak learning rate, see `head_groups`.
        seed: of dropout and of the order of the batches.
        measure: loss of logits and gold, trained as well, in place of cross-entropy.
    """
    measure = measure or nn.CrossEntropyLoss()
    both = nn.ModuleList([head, measure])
    check_settings(epochs, batch_size)
    groups = head_groups(both, rate)
    optimiser = torch.optim.AdamW(groups, lr=rate, fused=True)
    steps = epochs * -(-len(gold) // batch_size)
    # a rise of exactly one step would divide by zero
    rise = WARMUP + (1e-9 if WARMUP * steps == 1 else 0.0)
    peaks = [group["lr"] for group in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peaks, total_steps=steps, pct_start=rise
    )
    order = torch.Generator().manual_seed(seed)

    def batches() -> Iterator[torch.Tensor]:
        shuffled = torch.randperm(len(gold), generator=order)
        return iter(shuffled.split(batch_size))

    def loss(rows: torch.Tensor) -> torch.Tensor:
        rows = rows.to(gold.device)
        read = inputs[rows] if isinstance(inputs, torch.Tensor) else inputs(rows)
        return measure(head(read), gold[rows])

    return run_epochs(
        both, loss, batches, optimiser, schedule, epochs=epochs, seed=seed, **options
    )


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
    patience: int = 0,
) -> pd.DataFrame:
    """Train a module in place; the epoch with the best score is kept, in eval mode.

    Deterministic for the same seed and number of threads; torch's own generator is
    left as it was. A loss that is not finite is a ValueError.

    Args:
        module, optimiser, schedule: what is trained; the schedule steps every batch.
        loss: mean loss of one batch.
        batches: the batches of an epoch, drawn anew at every call.
        epochs, seed: passes over the data, seed of dropout.
        score: called after every epoch, larger is better. Without it, or where it is
            NaN, the last epoch is kept.
        report: called with epoch and score after every epoch; may raise to stop.
        patience: stop after as many epochs without a better score; 0 never does.

    Returns:
        One row per epoch: epoch, loss (mean over items), score (NaN without),
        seconds. ``attrs``: best_epoch.
    """
    history, best, best_score, best_epoch = [], None, -math.inf, epochs
    with _reproducible(next(module.parameters()).device, seed):
        for epoch in range(1, epochs + 1):
            began, total, items = time.perf_counter(), torch.zeros(()), 0
            module.train()
            for batch in batches():
                value = loss(batch)
                optimiser.zero_grad(set_to_none=True)
                value.backward()
                nn.utils.clip_grad_norm_(module.parameters(), CLIP)
                optimiser.step()
                schedule.step()
                total = total + value.detach() * len(batch)
                items += len(batch)
            mean = float(total) / items
            if not math.isfinite(mean):
                raise ValueError(
                    f"the loss became {mean} in epoch {epoch}: the weights hold NaN, "
                    "or lower rate"
                )
            seconds = time.perf_counter() - began
            module.eval()
            found = math.nan if score is None else score()
            if found > best_score:
                best_score, best_epoch = found, epoch
                best = {k: v.detach().clone() for k, v in module.state_dict().items()}
            history.append((epoch, mean, found, seconds))
            if report is not None:
                report(epoch, found)
            if best is not None and 0 < patience <= epoch - best_epoch:
                break
    if best is not None and best_epoch != len(history):
        module.load_state_dict(best)
    table = pd.DataFrame(history, columns=["epoch", "loss", "score", "seconds"])
    table.attrs = {"best_epoch": best_epoch}
    return table


@contextmanager
def _reproducible(device: torch.device, seed: int) -> Iterator[None]:
    """Seeded generators and deterministic kernels; all restored."""
    memory: Any = torch.utils.deterministic  # its attributes are made at run time
    filled = memory.fill_uninitialized_memory
    exact = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        memory.fill_uninitialized_memory = False  # costs a tenth
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(exact, warn_only=warn_only)
            memory.fill_uninitialized_memory = filled
