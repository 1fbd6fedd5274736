"""Scores of tag sequences: whole entities first, the article's token table beside."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from sklearn.metrics import precision_recall_fscore_support

from qglib.data import entities

Tags = Sequence[Sequence[str]]
COLUMNS = ["precision", "recall", "f1", "support"]

# The table of the source article for CoNLL-2003 test, BERT-base-cased. Its micro
# and weighted averages are kept as printed; see `implied_averages`.
_ARTICLE_ROWS = {
    "B-LOC": (0.926, 0.906, 0.916, 1668),
    "I-LOC": (0.900, 0.805, 0.850, 257),
    "B-MISC": (0.875, 0.856, 0.865, 702),
    "I-MISC": (0.838, 0.782, 0.809, 216),
    "B-ORG": (0.914, 0.898, 0.906, 1661),
    "I-ORG": (0.911, 0.894, 0.902, 835),
    "B-PER": (0.964, 0.957, 0.960, 1617),
    "I-PER": (0.983, 0.980, 0.982, 1156),
    "O": (0.993, 0.995, 0.994, 38323),
    "micro": (np.nan, np.nan, 0.973, 46435),
    "macro": (0.923, 0.897, 0.909, 46435),
    "weighted": (np.nan, np.nan, 0.973, 46435),
}
AVERAGES = ("micro", "macro", "weighted")


def article_table() -> pd.DataFrame:
    """The article's token-level table: rows as in `token_report`, as printed."""
    return pd.DataFrame.from_dict(_ARTICLE_ROWS, orient="index", columns=COLUMNS)


def implied_averages(table: pd.DataFrame) -> pd.DataFrame:
    """Micro, macro and weighted averages that follow from a table's own rows.

    Recall times support gives the correct tokens, so micro (= accuracy, every
    token has one label) is their sum over the total support. For the article this
    gives .981, not the printed .973.
    """
    rows = table.drop(index=[a for a in AVERAGES if a in table.index])
    weight = rows["support"] / rows["support"].sum()
    accuracy = float((rows["recall"] * weight).sum())
    scores = rows[COLUMNS[:3]]
    out = pd.DataFrame(
        [
            [accuracy] * 3,
            scores.mean().tolist(),
            scores.mul(weight, axis=0).sum().tolist(),
        ],
        index=list(AVERAGES),
        columns=COLUMNS[:3],
    )
    out["support"] = rows["support"].sum()
    return out


def _check(gold: Tags, predicted: Tags) -> None:
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


def entity_report(gold: Tags, predicted: Tags) -> pd.DataFrame:
    """Precision, recall, F1 and support of whole entities, strict IOB2 (seqeval).

    An entity counts when type, start and end all agree. Rows: the types, sorted,
    then micro, macro and weighted averages. Undefined ratios are 0.

    Raises
    ------
    ValueError
        sentences or tags that do not pair up, or no entity on either side.
    """
    _check(gold, predicted)
    if not any(t != "O" for s in (*gold, *predicted) for t in s):
        raise ValueError("neither gold nor predicted holds an entity: nothing to score")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = classification_report(
            [list(t) for t in gold],
            [list(t) for t in predicted],
            output_dict=True,
            mode="strict",
            scheme=IOB2,
            zero_division=0,
        )
    table = pd.DataFrame(report).T.rename(
        columns={"f1-score": "f1"}, index=lambda name: name.removesuffix(" avg")
    )
    table["support"] = table["support"].astype(int)
    return table[COLUMNS]


def token_report(gold: Tags, predicted: Tags) -> pd.DataFrame:
    """The article's table: every label of every word, ``O`` included.

    Rows: B and I of each type, ``O``, then micro (= accuracy), macro and weighted.
    The micro average is inflated by ``O``, which most words are: read rows and
    macro, and `entity_report` first. Undefined ratios are 0.
    """
    _check(gold, predicted)
    true = [t for s in gold for t in s]
    found = [t for s in predicted for t in s]
    types = sorted({t[2:] for t in (*true, *found) if t != "O"})
    present = {*true, *found}
    labels = [f"{p}-{t}" for t in types for p in "BI" if f"{p}-{t}" in present]
    labels += ["O"] if "O" in present else []
    rows = precision_recall_fscore_support(
        true, found, labels=labels, average=None, zero_division=0
    )
    table = pd.DataFrame(dict(zip(COLUMNS, rows, strict=True)), index=labels)
    accuracy = float(np.mean([a == b for a, b in zip(true, found, strict=True)]))
    averages = implied_averages(table)
    averages.loc["micro", COLUMNS[:3]] = accuracy
    table = pd.concat([table, averages])
    table["support"] = table["support"].astype(int)
    return table


def span_counts(gold: Tags, predicted: Tags) -> np.ndarray:
    """Per sentence: entities found, entities predicted, entities in gold; (S, 3)."""
    rows = []
    for g, p in zip(gold, predicted, strict=True):
        true, found = set(entities(g)), set(entities(p))
        rows.append((len(true & found), len(found), len(true)))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _f1(counts: np.ndarray) -> np.ndarray:
    both = counts[..., 1] + counts[..., 2]
    return np.divide(
        2.0 * counts[..., 0], both, where=both > 0, out=np.zeros(both.shape)
    )


def entity_f1(gold: Tags, predicted: Tags) -> float:
    """Micro-averaged F1 over whole entities, strict IOB2, in [0, 1]."""
    _check(gold, predicted)
    return float(_f1(span_counts(gold, predicted).sum(axis=0)))


class Interval(NamedTuple):
    """An estimate with the ends of its confidence interval."""

    value: float
    low: float
    high: float

    def claim(self) -> dict[str, float]:
        """The three numbers under the names that `Record.claim` takes."""
        return {"effect": self.value, "low": self.low, "high": self.high}


def _totals(counts: np.ndarray, groups: Sequence[Hashable] | None) -> np.ndarray:
    if groups is None:
        return counts
    if len(groups) != len(counts):
        raise ValueError(
            f"groups names {len(groups)} sentences, there are {len(counts)}"
        )
    codes, _ = pd.factorize(np.array([str(g) for g in groups], dtype=object))
    totals = np.zeros((codes.max() + 1, counts.shape[1]), dtype=np.int64)
    np.add.at(totals, codes, counts)
    return totals


def _resamples(n: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    if n < 2:
        raise ValueError(f"groups must hold at least 2 different groups, got {n}")
    return rng.multinomial(n, np.full(n, 1 / n), size=draws)


def f1_interval(
    gold: Tags,
    predicted: Tags,
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 2000,
) -> Interval:
    """Entity F1 with its percentile bootstrap interval.

    Whole groups (documents; sentences when ``groups`` is None) are drawn with
    replacement, because sentences of one document err together. Reference: Efron
    and Tibshirani (1993), chapter 13.
    """
    _check(gold, predicted)
    totals = _totals(span_counts(gold, predicted), groups)
    weights = _resamples(len(totals), rng, draws)
    low, high = np.quantile(_f1(weights @ totals), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(_f1(totals.sum(axis=0))), float(low), float(high))


def f1_difference(
    gold: Tags,
    predicted: Tags,
    rival: Tags,
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 2000,
) -> Interval:
    """Entity F1 of ``predicted`` minus that of ``rival``, paired bootstrap.

    Both are scored on the same drawn groups, so the interval is that of the
    difference and not of two unrelated numbers.
    """
    _check(gold, predicted)
    _check(gold, rival)
    counts = np.hstack([span_counts(gold, predicted), span_counts(gold, rival)])
    totals = _totals(counts, groups)
    drawn = _resamples(len(totals), rng, draws) @ totals
    gain = _f1(drawn[:, :3]) - _f1(drawn[:, 3:])
    low, high = np.quantile(gain, [(1 - level) / 2, (1 + level) / 2])
    total = totals.sum(axis=0)
    value = float(_f1(total[:3]) - _f1(total[3:]))
    return Interval(value, float(low), float(high))
