"""Power of independence tests on the same samples, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from .independence import NullTable, independence_test

Alternative = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def _around(x: np.ndarray, shape: np.ndarray, noise: np.ndarray) -> tuple:
    return x, shape + noise


ALTERNATIVES: dict[str, Alternative] = {
    "independent": lambda r, n: (r.random(n), r.random(n)),
    "weak linear": lambda r, n: _around(x := r.random(n), x, 0.7 * r.normal(size=n)),
    "parabola": lambda r, n: _around(
        x := r.random(n), 4 * (x - 0.5) ** 2, 0.4 * r.normal(size=n)
    ),
    "two branches": lambda r, n: _around(
        x := r.random(n), r.choice([-1, 1], n) * x, 0.4 * r.normal(size=n)
    ),
}
"""Four pairs for a first look: none, a trend, a bend, a trend of random sign."""


def _centred(values: np.ndarray) -> np.ndarray:
    gap = np.abs(values[:, None] - values)
    return gap - gap.mean(axis=0) - gap.mean(axis=1)[:, None] + gap.mean()


def power_table(
    alternatives: Mapping[str, Alternative],
    null: NullTable,
    trials: int,
    rng: np.random.Generator,
    level: float = 0.05,
) -> pd.DataFrame:
    """Share of rejections of three rank tests at one level.

    Args:
        alternatives: name to a function (rng, n) that returns x and y, shape (n,);
            include an independent pair, or power means nothing.
        null: table of the causal-set test; its n is the size of the samples.
        trials: samples per alternative.
        rng: source of the samples and of the null of the distance correlation.
        level: nominal size.

    Returns:
        One row per alternative; columns causal set, Kendall, distance correlation
        (of ranks, its null from as many permutations as the table has draws).

    Raises:
        ValueError: no trial, or a level outside (0, 1).
    """
    if trials < 1 or not 0 < level < 1:
        raise ValueError(
            f"trials is {trials} and level {level}: at least 1 and inside (0, 1)"
        )
    n = null.n
    fixed = _centred(np.arange(n))
    shuffles = [(fixed * _centred(rng.permutation(n))).sum() for _ in range(null.draws)]
    limit = np.quantile(shuffles, 1 - level)
    rows = {}
    for name, draw in alternatives.items():
        rejected = np.zeros(3)
        for _ in range(trials):
            x, y = draw(rng, n)
            ranks = np.argsort(np.argsort(y[np.argsort(x)]))
            rejected += [
                independence_test(x, y, null=null).pvalue <= level,
                kendalltau(x, y).pvalue <= level,
                (fixed * _centred(ranks)).sum() > limit,
            ]
        rows[name] = rejected / trials
    columns = ["causal set", "Kendall", "distance correlation"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
