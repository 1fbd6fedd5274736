"""Training of a head alone on frozen features that were computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from qglib.models.decoding import decode_all
from qglib.models.evaluation import entity_f1
from qglib.models.fitting import DEFAULTS, SMALL_FACTOR, fit
from qglib.models.heads import head_kind
from qglib.models.inference import WordFeatures
from qglib.models.tagger import TokenTagger
from qglib.models.targets import check_training, label_numbers

READY_BYTES = 2**31


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
    small_factor: float = SMALL_FACTOR,
    seed: int = 0,
    report: Callable[[int, float], None] | None = None,
    checkpoint: str | Path | None = None,
    stale: str = "error",
    progress: bool = False,
) -> pd.DataFrame:
    """Train ``model.head`` in place on `frozen_features`; the encoder stays.

    The standardising buffers take mean and deviation of these features; the loop
    is `qglib.models.fitting.fit`, where the other arguments are explained. With
    ``dev`` the epoch with the best entity F1 (Viterbi) is kept.

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
    default_epochs, default_rate = DEFAULTS[head_kind(model.config.head)[0]]
    device = model.feature_mean.device
    gold = torch.from_numpy(np.concatenate(label_numbers(labels, tags))).to(device)
    hidden = torch.from_numpy(features.hidden).to(device)
    shapes = torch.from_numpy(features.shapes).to(device)
    variance, mean = torch.var_mean(hidden.float(), dim=0, correction=0)
    model.standardise(mean, variance.sqrt())
    # standardised once where that fits, batch by batch on very large corpora
    if len(gold) * len(model.feature_mean) * 4 <= READY_BYTES:
        inputs = model.features(hidden, shapes)
    else:

        def inputs(rows: torch.Tensor) -> torch.Tensor:
            return model.features(hidden[rows], shapes[rows])

    def score() -> float:
        return entity_f1(dev[1], decode_all(head_logits(model, dev[0]), labels))

    history = fit(
        model.head,
        inputs,
        gold,
        epochs=default_epochs if epochs is None else epochs,
        rate=default_rate if rate is None else rate,
        batch_size=batch_size,
        weight_decay=weight_decay,
        warmup=warmup,
        small_factor=small_factor,
        seed=seed,
        score=score if dev is not None else None,
        report=report,
        checkpoint=checkpoint,
        stale=stale,
        progress=progress,
    )
    model.eval()
    return history.rename(columns={"score": "dev_f1"})
