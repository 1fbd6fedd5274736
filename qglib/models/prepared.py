"""Examples as numbers, and how a model's answers on them are scored."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qglib.data import Examples, labels_of
from qglib.data.examples import SPLITS, check_examples
from qglib.models.decoding import decode_all
from qglib.models.evaluation import f1_of_counts, resampled, span_counts
from qglib.models.features import FeatureFunction, check_features, features_of
from qglib.stats import Interval

METRICS = ("accuracy", "macro_f1", "entity_f1")
DRAWS = 1000


@dataclass(frozen=True, repr=False)
class Prepared:
    """What heads and baselines learn from, the same for all of them.

    Attributes:
        features: part to array (rows, columns) float32, not standardised.
        gold: part to class numbers, shape (rows,).
        labels: names of the classes.
        tags: part to the tags of its sentences, where every word has a label; a row
            is a word then.
        groups: part to the independent unit of each example, or None.
        metric: how answers are scored.
    """

    features: dict[str, np.ndarray]
    gold: dict[str, np.ndarray]
    labels: tuple[str, ...]
    tags: dict[str, list[tuple[str, ...]]] | None
    groups: dict[str, list[Hashable]] | None
    metric: str

    @property
    def width(self) -> int:
        """Columns of the features."""
        return self.features["train"].shape[1]

    def tags_of(self, logits: np.ndarray, part: str) -> list[list[str]]:
        """Tags of the sentences of a part by Viterbi from (n_words, n_labels)."""
        stops = np.cumsum([len(t) for t in self.tags[part]])[:-1]
        return decode_all(np.split(logits, stops), self.labels)

    def score(self, logits: np.ndarray, part: str) -> float:
        """One number in [0, 1] for logits of a part, shape (rows, n_labels)."""
        counts, statistic = self._counts(logits, part)
        return float(statistic(counts.sum(axis=0)))

    def interval(
        self, logits: np.ndarray, part: str, rng: np.random.Generator
    ) -> Interval:
        """The score with its bootstrap interval over groups, else examples."""
        counts, statistic = self._counts(logits, part)
        groups = None if self.groups is None else self.groups[part]
        return resampled(counts, statistic, groups, rng, DRAWS)

    def _counts(
        self, logits: np.ndarray, part: str
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Counts per example whose sums decide the metric, and the metric of sums."""
        if self.metric == "entity_f1":
            return span_counts(self.tags[part], self.tags_of(logits, part)), (
                f1_of_counts
            )
        gold, found, k = self.gold[part], logits.argmax(axis=1), len(self.labels)
        if self.metric == "accuracy":
            hits = np.column_stack([gold == found, np.ones(len(gold), dtype=int)])
            return hits, lambda sums: sums[..., 0] / sums[..., 1]
        cells = np.zeros((len(gold), 3 * k), dtype=np.int64)
        rows = np.arange(len(gold))
        cells[rows, 3 * gold] = gold == found  # hits, answers, truths of each class
        cells[rows, 3 * found + 1] = 1
        cells[rows, 3 * gold + 2] = 1
        return cells, lambda sums: _macro_f1(sums.reshape(*sums.shape[:-1], k, 3))


def _macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes in gold or predicted, (..., k, 3) to (...)."""
    there = (counts[..., 1:].sum(axis=-1) > 0).sum(axis=-1)
    return f1_of_counts(counts).sum(axis=-1) / np.maximum(there, 1)


def prepare(
    examples: Examples, metric: str = "", features: FeatureFunction | None = None
) -> Prepared:
    """Check examples and compute their features once.

    Args:
        examples: inputs, labels and split.
        metric: "accuracy" (the default), "macro_f1" (classes of unequal size) or
            "entity_f1" (the default where every word has a tag).
        features: raw inputs to numbers, (n, columns); those of the kind by default.

    Raises:
        ValueError: what `check_examples`, `features_of` and `check_features` refuse,
            an unknown metric, or one that does not fit the labels.
    """
    check_examples(examples)
    metric = metric or ("entity_f1" if examples.tagged else "accuracy")
    if metric not in METRICS or (metric == "entity_f1") != examples.tagged:
        raise ValueError(
            f"metric is {metric!r}: use entity_f1 where every word has a tag, else "
            "accuracy or macro_f1"
        )
    read = features or features_of(examples.kind, examples.tagged)
    parts = np.asarray(examples.split)
    rows = np.asarray(read(examples.inputs))
    check_features(rows)
    tags = groups = None
    flat: list[Any] = [str(label) for label in examples.labels]
    if examples.groups is not None:
        groups = _by_part(examples.groups, parts)
    if examples.tagged:
        tags = _by_part([tuple(t) for t in examples.labels], parts)
        parts = np.repeat(parts, [len(t) for t in examples.labels])
        flat = [tag for sentence in examples.labels for tag in sentence]
        labels = labels_of(tuple(sorted({t[2:] for t in flat if t != "O"})))
    else:
        labels = tuple(sorted(set(flat)))
    if len(rows) != len(flat):
        raise ValueError(
            f"features gave {len(rows)} rows for {len(flat)} labels; expected one each"
        )
    number = {label: k for k, label in enumerate(labels)}
    gold = np.array([number[label] for label in flat])
    return Prepared(
        {name: rows[parts == name].astype(np.float32) for name in SPLITS},
        {name: gold[parts == name] for name in SPLITS},
        tuple(labels),
        tags,
        groups,
        metric,
    )


def _by_part(values: Sequence[Any], parts: np.ndarray) -> dict[str, list[Any]]:
    return {
        name: [v for v, p in zip(values, parts, strict=True) if p == name]
        for name in SPLITS
    }
