"""Training of a head on inputs that were computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from qglib.models.decoding import decode_all
from qglib.models.evaluation import entity_f1
from qglib.models.heads import head_kind
from qglib.models.inference import WordFeatures
from qglib.models.loop import run_epochs
from qglib.models.tagger import TokenTagger
from qglib.models.targets import check_training, label_numbers

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

Reader = Callable[[torch.Tensor], Any]


def head_groups(head: nn.Module, rate: float) -> list[dict[str, Any]]:
    """AdamW groups: matrices that read all features at ``rate``, the rest faster.

    A step of AdamW moves every weight by about the rate, so a unit with hundreds of
    inputs moves hundreds of times further than one with a few. Where nothing is
    wide (a small table), all learn at ``rate``. Frozen parameters are left out.
    """
    wide, matrices, vectors = [], [], []
    for p in head.parameters():
        if p.requires_grad:
            is_wide = p.ndim == 2 and p.shape[1] >= WIDE
            (wide if is_wide else matrices if p.ndim == 2 else vectors).append(p)
    rest = rate * (SMALL_FACTOR if wide else 1.0)
    groups = (
        {"params": wide, "lr": rate, "weight_decay": WEIGHT_DECAY},
        {"params": matrices, "lr": rest, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "lr": rest, "weight_decay": 0.0},
    )
    return [group for group in groups if group["params"]]


def fit(
    head: nn.Module,
    inputs: torch.Tensor | Reader,
    gold: torch.Tensor,
    *,
    epochs: int,
    rate: float,
    batch_size: int = 512,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Train a head in place with cross-entropy; it is left in eval mode.

    AdamW (`head_groups`), linear warm-up, then cosine decay, clip 1.0; the loop and
    what it returns: `qglib.models.loop.run_epochs`.

    Args:
        inputs: ``(n, n_inputs)``, or a function from row numbers to what the head
            reads, where all together would not fit in memory.
        gold: ``(n,)`` class numbers on the head's device.
        rate: peak learning rate, see `head_groups`.
        seed: of dropout and of the order of the batches.
        options: score and report of the loop.

    Raises:
        ValueError: settings below 1, and what the loop refuses.
    """
    if epochs < 1 or batch_size < 1:
        raise ValueError(
            f"epochs and batch_size must be at least 1, got {epochs}, {batch_size}"
        )
    groups = head_groups(head, rate)
    optimiser = torch.optim.AdamW(groups, lr=rate, fused=True)
    steps = epochs * -(-len(gold) // batch_size)
    # a rise of exactly one step would divide by zero
    single = 1e-9 if WARMUP * steps == 1 else 0.0
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        [group["lr"] for group in groups],
        total_steps=steps,
        pct_start=WARMUP + single,
    )
    order = torch.Generator().manual_seed(seed)

    def batches() -> Iterator[torch.Tensor]:
        shuffled = torch.randperm(len(gold), generator=order)
        return iter(shuffled.split(batch_size))

    def loss(rows: torch.Tensor) -> torch.Tensor:
        rows = rows.to(gold.device)
        read = inputs[rows] if isinstance(inputs, torch.Tensor) else inputs(rows)
        return nn.functional.cross_entropy(head(read), gold[rows])

    return run_epochs(
        head, loss, batches, optimiser, schedule, epochs=epochs, seed=seed, **options
    )


def train_head(
    model: TokenTagger,
    features: WordFeatures,
    tags: Sequence[Sequence[str]],
    dev: tuple[WordFeatures, Sequence[Sequence[str]]] | None = None,
    *,
    epochs: int | None = None,
    rate: float | None = None,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Train ``model.head`` in place on `frozen_features`; the encoder stays.

    The standardising buffers take mean and deviation of these features. With
    ``dev`` the epoch with the best entity F1 (Viterbi) is kept.

    Args:
        model: a tagger; its head is trained.
        features, tags: frozen features and IOB2 tags of the same sentences.
        dev: the same of other sentences.
        epochs, rate: default to tried values of the head in use (``DEFAULTS``).
        seed: of dropout and of the order of the batches.
        options: further arguments of `fit`.

    Returns:
        One row per epoch: epoch, loss, dev_f1, seconds.

    Raises:
        ValueError: features of other sentences, labels that cannot be learnt, a
            loss that is not finite.
    """
    labels = model.config.labels
    check_training(labels, tags)
    _check_features(features, tags)
    if dev is not None:
        _check_features(*dev)
        label_numbers(labels, dev[1], "dev")
    usual_epochs, usual_rate = DEFAULTS[head_kind(model.config.head)[0]]
    device = model.feature_mean.device
    gold = torch.from_numpy(np.concatenate(label_numbers(labels, tags))).to(device)
    hidden = torch.from_numpy(features.hidden).to(device)
    shapes = torch.from_numpy(features.shapes).to(device)
    variance, mean = torch.var_mean(hidden.float(), dim=0, correction=0)
    model.standardise(mean, variance.sqrt())

    def score() -> float:
        return entity_f1(dev[1], decode_all(head_logits(model, dev[0]), labels))

    history = fit(
        model.head,
        model.features(hidden, shapes),
        gold,
        epochs=usual_epochs if epochs is None else epochs,
        rate=usual_rate if rate is None else rate,
        seed=seed,
        score=score if dev is not None else None,
        **options,
    )
    model.eval()
    return history.rename(columns={"score": "dev_f1"})


def head_logits(
    model: TokenTagger, features: WordFeatures, batch_size: int = 4096
) -> list[np.ndarray]:
    """Logits ``(n_words, n_labels)`` per sentence from frozen features.

    Equal to `word_logits` up to the precision the features were stored in; the head
    is left in eval mode.
    """
    device = model.feature_mean.device
    model.head.eval()
    hidden, shapes = (
        torch.from_numpy(values).split(batch_size)
        for values in (features.hidden, features.shapes)
    )
    with torch.inference_mode():
        rows = [
            model.head(model.features(h.to(device), s.to(device))).float().cpu()
            for h, s in zip(hidden, shapes, strict=True)
        ]
    return features.split(torch.cat(rows).numpy())


def _check_features(features: WordFeatures, tags: Sequence[Sequence[str]]) -> None:
    found = [len(t) for t in tags]
    if found != features.lengths.tolist():
        raise ValueError(
            f"features hold {len(features.lengths)} sentences and "
            f"{int(features.lengths.sum())} words, tags {len(found)} and {sum(found)}: "
            "give the tags of the sentences the features were computed from"
        )
    if not np.isfinite(features.hidden).all():
        raise ValueError("features hold NaN or infinity: compute them again")
