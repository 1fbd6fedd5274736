"""The verdict on features: named differences with corrected intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

GAIN, ORDER = "baseline + F - baseline", "baseline + F - (baseline + shuffled F)"
ALONE = "F alone - shuffled F alone"
_CONTRASTS = {
    GAIN: ("baseline + F", "baseline"),
    ORDER: ("baseline + F", "baseline + shuffled F"),
    ALONE: ("F alone", "F of shuffled order"),
    "baseline + shuffled F - baseline": ("baseline + shuffled F", "baseline"),
    "F alone - baseline": ("F alone", "baseline"),
    "F alone - PCA of the same size": ("F alone", "PCA of the same size"),
}


@dataclass(frozen=True, repr=False)
class FeatureVerdict:
    """What features are worth on one task.

    Attributes:
        scores: accuracy of each variant (columns) on each outer test part (rows).
        table: one row per variant: accuracy, and the difference to the baseline on
            the same parts with its 95 % interval low, high.
        contrasts: one row per named difference: difference, low, high.
        verdict: "gain" if baseline + F beats both the baseline and baseline +
            shuffled F with intervals above zero; "gain, order not needed" if it
            beats the baseline only; "loss" if the interval of baseline + F minus
            baseline lies below zero; else "no gain".
        order_speaks: whether F alone beats F of shuffled order, interval above 0.
    """

    scores: pd.DataFrame
    table: pd.DataFrame
    contrasts: pd.DataFrame

    @property
    def verdict(self) -> str:
        """The rule of the class in words."""
        low, high = self.contrasts.loc[GAIN, ["low", "high"]]
        if low > 0:
            kept = self.contrasts.loc[ORDER, "low"] > 0
            return "gain" if kept else "gain, order not needed"
        return "loss" if high < 0 else "no gain"

    @property
    def order_speaks(self) -> bool:
        """Whether the order itself says something about the label."""
        return bool(self.contrasts.loc[ALONE, "low"] > 0)

    def __repr__(self) -> str:
        """Verdict and its number in one line."""
        mean, low, high = self.contrasts.loc[GAIN]
        return (
            f"{self.verdict}: F changes accuracy by {mean:+.3f} [{low:+.3f}, "
            f"{high:+.3f}] beside {self.table.accuracy['baseline']:.3f}"
        )


def verdict_of(scores: pd.DataFrame, share: float) -> FeatureVerdict:
    """Means and corrected intervals of the differences.

    Args:
        scores: accuracy of each variant on each outer test part.
        share: test items over training items of a part.

    Source: Nadeau, Bengio, Mach. Learn. 52 (2003) 239: variance s^2 (1/J + share),
    with J - 1 degrees of freedom for J parts.
    """
    count = len(scores)
    widen = student.ppf(0.975, count - 1) * np.sqrt(1 / count + share)

    def interval(difference: pd.Series) -> tuple[float, float, float]:
        half = widen * difference.std(ddof=1)
        mean = round(difference.mean(), 12) + 0.0  # no rounding dust around zero
        return mean, mean - half, mean + half

    rows = [
        (scores[name].mean(), *interval(scores[name] - scores["baseline"]))
        for name in scores
    ]
    table = pd.DataFrame(
        rows,
        index=pd.Index(scores.columns, name="variant"),
        columns=["accuracy", "difference", "low", "high"],
    )
    contrasts = pd.DataFrame.from_dict(
        {k: interval(scores[a] - scores[b]) for k, (a, b) in _CONTRASTS.items()},
        orient="index",
        columns=["difference", "low", "high"],
    ).rename_axis("contrast")
    return FeatureVerdict(scores, table, contrasts)


def verdict_table(
    found: Mapping[str, FeatureVerdict] | Iterable[Mapping[str, Any]],
) -> pd.DataFrame:
    """Verdicts side by side, computed ones or rows of the recorded study.

    Args:
        found: name of each task to its `FeatureVerdict`, or rows of the file
            features_judged.json (task, part, reading, baseline, accuracy, contrasts,
            verdict, order_speaks).

    Returns:
        One row per verdict: accuracies `baseline`, `F alone`, `shuffled F`; `gain`,
        `gain low`, `gain high` of baseline + F minus baseline; `order`, `order low`,
        `order high` of F alone minus shuffled F alone; `verdict`.
    """
    if isinstance(found, Mapping):
        entries = [
            ((name,), v.table.accuracy, v.contrasts.T, v.verdict)
            for name, v in found.items()
        ]
        names = ["task"]
    else:
        names = ["task", "part", "reading", "rival"]
        entries = [
            (
                (row["task"], row["part"], row["reading"], row["baseline"]),
                row["accuracy"],
                row["contrasts"],
                row["verdict"],
            )
            for row in found
        ]
    rows = [
        (
            accuracy["baseline"],
            accuracy["F alone"],
            accuracy["F of shuffled order"],
            *contrasts[GAIN],
            *contrasts[ALONE],
            verdict,
        )
        for _, accuracy, contrasts, verdict in entries
    ]
    columns = ["baseline", "F alone", "shuffled F", "gain", "gain low", "gain high"]
    columns += ["order", "order low", "order high", "verdict"]
    index = pd.MultiIndex.from_tuples([entry[0] for entry in entries], names=names)
    return pd.DataFrame(rows, index=index, columns=columns)
