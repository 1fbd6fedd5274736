"""Scores of tag sequences: whole entities, strict, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from qglib.data import entities
from qglib.stats import Interval, group_weights

Tags = Sequence[Sequence[str]]


def span_counts(gold: Tags, predicted: Tags) -> np.ndarray:
    """Per sentence: entities found, entities predicted, entities in gold; (S, 3).

    Raises:
        ValueError: no sentences, or different numbers of sentences or tags.
    """
    if len(gold) != len(predicted):
        raise ValueError(
            f"gold has {len(gold)} sentences, predicted has {len(predicted)}"
        )
    if not len(gold):
        raise ValueError("gold is empty: nothing to score")
    rows = []
    for number, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        if len(g) != len(p):
            raise ValueError(
                f"sentence {number}: {len(g)} gold tags, {len(p)} predicted tags"
            )
        true, found = set(entities(g)), set(entities(p))
        rows.append((len(true & found), len(found), len(true)))
    return np.array(rows, dtype=np.int64)


def f1_of_counts(counts: np.ndarray) -> np.ndarray:
    """F1 of sums of `span_counts`, shape (..., 3) to (...); 0 where undefined."""
    both = counts[..., 1] + counts[..., 2]
    return np.divide(
        2.0 * counts[..., 0], both, where=both > 0, out=np.zeros(both.shape)
    )


def entity_f1(gold: Tags, predicted: Tags) -> float:
    """Micro-averaged F1 over whole entities, strict IOB2, in [0, 1].

    An entity counts when type, start and end all agree.

    Raises:
        ValueError: sentences or tags that do not pair up.
    """
    return float(f1_of_counts(span_counts(gold, predicted).sum(axis=0)))


def f1_interval(
    gold: Tags,
    predicted: Tags,
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
    rival: Tags | None = None,
) -> Interval:
    """Entity F1 with its 95 % percentile bootstrap interval over groups.

    Args:
        gold, predicted: tags of the same sentences.
        groups: the document of each sentence; documents are drawn whole, because
            their sentences err together. None: every sentence is one.
        rng: source of 2000 resamples.
        rival: other predictions: F1 of ``predicted`` minus theirs, both on the same
            draws, so the interval is that of the difference.

    Raises:
        ValueError: sentences, tags or groups that do not pair up, fewer than two
            groups.

    Source: Efron and Tibshirani (1993), chapter 13.
    """
    if groups is not None and len(groups) != len(gold):
        raise ValueError(f"groups names {len(groups)} sentences, there are {len(gold)}")
    answers = [predicted] if rival is None else [predicted, rival]
    units = range(len(gold)) if groups is None else groups
    codes, weights = group_weights(units, rng)
    values = []
    for found in answers:
        totals = np.zeros((codes.max() + 1, 3), dtype=np.int64)
        np.add.at(totals, codes, span_counts(gold, found))
        # row 0: every group once, the sample itself
        drawn = np.vstack([np.ones_like(weights[:1]), weights]) @ totals
        values.append(f1_of_counts(drawn))
    gain = values[0] if rival is None else values[0] - values[1]
    low, high = np.quantile(gain[1:], [0.025, 0.975])
    return Interval(float(gain[0]), float(low), float(high))
