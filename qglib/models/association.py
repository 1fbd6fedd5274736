"""Does any of several features go with an outcome? One p-value for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from qglib.data import Sentence


class Association(NamedTuple):
    """The strongest rank correlation and its p-value over all features."""

    feature: str
    statistic: float
    pvalue: float
    n: int


def strongest_association(
    features: pd.DataFrame,
    outcome: pd.Series,
    rng: np.random.Generator,
    draws: int = 1000,
) -> Association:
    """Largest absolute Spearman correlation, tested against permuted outcomes.

    Every draw takes the largest correlation of *all* features with a permuted
    outcome (Westfall and Young 1993), so trying many features costs its price.
    Rows are joined by index; constant features are left out.

    Raises
    ------
    ValueError
        fewer than 4 common rows, no feature that varies, or missing values.
    """
    rows = features.index.intersection(outcome.index)
    table = features.loc[rows].select_dtypes("number")
    table = table.loc[:, table.nunique() > 1]
    if len(rows) < 4 or table.empty:
        raise ValueError(
            f"features and outcome share {len(rows)} rows and {table.shape[1]} "
            "features that vary: at least 4 rows and 1 feature are needed"
        )
    values = outcome.loc[rows].to_numpy(float)
    if table.isna().to_numpy().any() or np.isnan(values).any():
        raise ValueError("features or outcome hold missing values: drop those rows")
    standard = np.apply_along_axis(_standard_ranks, 0, table.to_numpy(float))
    target = _standard_ranks(values)
    found = standard.T @ target / len(rows)
    best = int(np.abs(found).argmax())
    permuted = np.stack([rng.permutation(target) for _ in range(draws)], axis=1)
    null = np.abs(standard.T @ permuted / len(rows)).max(axis=0)
    # the observed order is one of the possible ones: never a p-value of zero
    p = (1 + (null >= abs(found[best]) - 1e-12).sum()) / (1 + draws)
    return Association(table.columns[best], float(found[best]), float(p), len(rows))


def document_error_rate(
    sentences: Sequence[Sentence], predicted: Sequence[Sequence[str]]
) -> pd.Series:
    """Share of words with a wrong tag, by document name."""
    rows = [
        (s.document, found != tag)
        for s, tags in zip(sentences, predicted, strict=True)
        for tag, found in zip(s.tags, tags, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["document", "error_rate"])
    return table.groupby("document")["error_rate"].mean()


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    ranks = rankdata(values)
    spread = ranks.std()
    return (ranks - ranks.mean()) / (spread if spread > 0 else 1.0)
