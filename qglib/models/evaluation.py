"""Scores of tag sequences: whole entities, strict, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from qglib.data import entities
from qglib.stats import Interval, group_weights

Tags = Sequence[Sequence[str]]


def check_tags(gold: Tags, predicted: Tags) -> None:
    """Refuse sentences or tags that do not pair up.

    Raises:
        ValueError: no sentences, or different numbers of sentences or tags.
    """
    if len(gold) != len(predicted):
        raise ValueError(
            f"gold has {len(gold)} sentences, predicted has {len(predicted)}"
        )
    if not len(gold):
        raise ValueError("gold is empty: nothing to score")
    for number, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        if len(g) != len(p):
            raise ValueError(
                f"sentence {number}: {len(g)} gold tags, {len(p)} predicted tags"
            )


def span_counts(gold: Tags, predicted: Tags) -> np.ndarray:
    """Per sentence: entities found, entities predicted, entities in gold; (S, 3)."""
    rows = []
    for g, p in zip(gold, predicted, strict=True):
        true, found = set(entities(g)), set(entities(p))
        rows.append((len(true & found), len(found), len(true)))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


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
    check_tags(gold, predicted)
    return float(f1_of_counts(span_counts(gold, predicted).sum(axis=0)))


def resampled(
    counts: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
    draws: int = 2000,
) -> Interval:
    """A statistic of summed counts with its 95 % percentile bootstrap interval.

    Args:
        counts: shape (n, m), one row per sentence or example.
        statistic: sums (..., m) to numbers (...).
        groups: the unit of each row; units are drawn whole, because sentences of one
            document err together. None: every row is one.
        rng: source of the resamples.
        draws: number of resamples.

    Raises:
        ValueError: another number of groups than rows, fewer than two groups.

    Source: Efron and Tibshirani (1993), chapter 13.
    """
    if groups is not None and len(groups) != len(counts):
        raise ValueError(
            f"groups names {len(groups)} sentences, there are {len(counts)}"
        )
    units = range(len(counts)) if groups is None else groups
    codes, weights = group_weights(units, rng, draws)
    totals = np.zeros((codes.max() + 1, counts.shape[1]), dtype=np.int64)
    np.add.at(totals, codes, counts)
    drawn = statistic(weights @ totals)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(statistic(totals.sum(axis=0))), float(low), float(high))


def f1_interval(
    gold: Tags,
    predicted: Tags,
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
) -> Interval:
    """Entity F1 with its 95 % interval over groups (documents), see `resampled`."""
    check_tags(gold, predicted)
    return resampled(span_counts(gold, predicted), f1_of_counts, groups, rng)


def f1_difference(
    gold: Tags,
    predicted: Tags,
    rival: Tags,
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
) -> Interval:
    """Entity F1 of ``predicted`` minus that of ``rival``, paired bootstrap.

    Both are scored on the same drawn groups, so the interval is that of the
    difference and not of two unrelated numbers.
    """
    check_tags(gold, predicted)
    check_tags(gold, rival)
    counts = np.hstack([span_counts(gold, predicted), span_counts(gold, rival)])

    def gain(sums: np.ndarray) -> np.ndarray:
        return f1_of_counts(sums[..., :3]) - f1_of_counts(sums[..., 3:])

    return resampled(counts, gain, groups, rng)
