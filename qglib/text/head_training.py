"""Training of a head alone on frozen features that were computed once."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from qglib.text.checkpoint import copy_state
from qglib.text.decoding import decode_all
from qglib.text.evaluation import entity_f1
from qglib.text.inference import WordFeatures
from qglib.text.tagger import TokenTagger
from qglib.text.targets import check_training, label_numbers

# Epochs and peak learning rate per head. The rates are those of the best dev F1 in
# data/reference/results/head_rates.json (`qglib.text.rate_search`).
DEFAULTS = {
    "linear": (30, 1e-2),
    "mlp": (20, 5e-3),
    "bottleneck": (25, 5e-3),
    "quantum": (25, 3e-3),
}

READY_BYTES = 2**31
WIDE = 100  # inputs of a unit from which it counts as wide
SMALL_FACTOR = 5.0


def head_groups(
    head: nn.Module, rate: float, weight_decay: float
) -> list[dict[str, object]]:
    """AdamW groups: matrices that read all features at ``rate``, the rest faster.

    A step of AdamW moves every weight by about the rate, so a unit with hundreds of
    inputs moves hundreds of times further than one with a few.
    """
    wide = [p for p in head.parameters() if p.ndim == 2 and p.shape[1] >= WIDE]
    rest = [p for p in head.parameters() if not any(p is w for w in wide)]
    groups = [
        (wide, rate, weight_decay),
        ([p for p in rest if p.ndim == 2], SMALL_FACTOR * rate, weight_decay),
        ([p for p in rest if p.ndim != 2], SMALL_FACTOR * rate, 0.0),
    ]
    return [
        {"params": members, "lr": lr, "weight_decay": decay}
        for members, lr, decay in groups
        if members
    ]


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


def head_logits(
    model: TokenTagger, features: WordFeatures, batch_size: int = 4096
) -> list[np.ndarray]:
    """Logits ``(n_words, n_labels)`` per sentence from frozen features.

    Equal to `word_logits` up to the precision the features were stored in.
    """
    device = model.feature_mean.device
    training = model.head.training
    model.head.eval()
    rows = []
    try:
        with torch.inference_mode():
            for start in range(0, len(features.shapes), batch_size):
                part = slice(start, start + batch_size)
                hidden = torch.from_numpy(features.hidden[part]).to(device)
                shapes = torch.from_numpy(features.shapes[part]).to(device)
                out = model.head(model.features(hidden, shapes))
                rows.append(out.float().cpu().numpy())
    finally:
        model.head.train(training)
    return features.split(np.concatenate(rows))


def train_head(
    model: TokenTagger,
    features: WordFeatures,
    tags: Sequence[Sequence[str]],
    dev: tuple[WordFeatures, Sequence[Sequence[str]]] | None = None,
    *,
    epochs: int | None = None,
    rate: float | None = None,
    batch_size: int = 512,
    weight_decay: float = 0.01,
    warmup: float = 0.1,
    seed: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Train ``model.head`` in place on `frozen_features`; the encoder stays.

    The standardising buffers take mean and deviation of these features. AdamW,
    linear warm-up and decay, clip 1.0; with ``dev`` the epoch with the best entity
    F1 (Viterbi) is kept. Deterministic for the same seed and number of threads.

    Parameters
    ----------
    features, tags : frozen features and IOB2 tags of the same sentences.
    epochs, rate : default to tried values of the head in use (``DEFAULTS``).

    Returns
    -------
    DataFrame with one row per epoch: epoch, loss, dev_f1, seconds.

    Raises
    ------
    ValueError
        features of other sentences, labels that cannot be learnt, a loss that is
        not finite.
    """
    labels = model.config.labels
    check_training(labels, tags)
    _check_features(features, tags)
    if dev is not None:
        _check_features(*dev)
        label_numbers(labels, dev[1], "dev")
    default_epochs, default_rate = DEFAULTS[model.config.head]
    epochs = default_epochs if epochs is None else epochs
    rate = default_rate if rate is None else rate
    if epochs < 1 or batch_size < 1:
        raise ValueError(
            f"epochs and batch_size must be at least 1, got {epochs}, {batch_size}"
        )
    device = model.feature_mean.device
    gold = torch.from_numpy(np.concatenate(label_numbers(labels, tags))).to(device)
    hidden = torch.from_numpy(features.hidden).to(device)
    shapes = torch.from_numpy(features.shapes).to(device)
    variance, mean = torch.var_mean(hidden.float(), dim=0, correction=0)
    model.standardise(mean, variance.sqrt())
    # standardised once where that fits, batch by batch on very large corpora
    ready = len(gold) * len(model.feature_mean) * 4 <= READY_BYTES
    inputs = model.features(hidden, shapes) if ready else None
    groups = head_groups(model.head, rate, weight_decay)
    optimiser = torch.optim.AdamW(groups, lr=rate, fused=True)
    n_batches = -(-len(gold) // batch_size)
    steps = epochs * n_batches
    # a rise of exactly one step would divide by zero
    single = 1e-9 if warmup * steps == 1 else 0.0
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        [group["lr"] for group in groups],
        total_steps=steps,
        pct_start=max(warmup, 1e-9) + single,
    )
    rows, best, best_f1 = [], None, -1.0
    bar = tqdm(total=epochs, unit="epoch", disable=not progress, leave=False)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        order = torch.Generator().manual_seed(seed)
        for epoch in range(1, epochs + 1):
            began = time.perf_counter()
            model.head.train()
            total = torch.zeros((), device=device)
            for batch in torch.randperm(len(gold), generator=order).split(batch_size):
                batch = batch.to(device)
                if inputs is not None:
                    x = inputs.index_select(0, batch)
                else:
                    x = model.features(hidden[batch], shapes[batch])
                loss = nn.functional.cross_entropy(model.head(x), gold[batch])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(model.head.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                total += loss.detach() * len(batch)
            mean_loss = float(total) / len(gold)
            if not math.isfinite(mean_loss):
                raise ValueError(
                    f"the loss became {mean_loss} in epoch {epoch}: lower rate ({rate})"
                )
            seconds = time.perf_counter() - began
            f1 = math.nan
            if dev is not None:
                f1 = entity_f1(dev[1], decode_all(head_logits(model, dev[0]), labels))
                if f1 > best_f1:
                    best, best_f1 = copy_state(model.head), f1
            rows.append((epoch, mean_loss, f1, seconds))
            bar.update()
    bar.close()
    if best is not None:
        model.head.load_state_dict(best)
    model.eval()
    return pd.DataFrame(rows, columns=["epoch", "loss", "dev_f1", "seconds"])
