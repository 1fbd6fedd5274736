"""Exact null of the independence test, by simulation, and the recipe it calibrates.

Under independence the ranks are a uniform random permutation, so one table serves
every pair of variables with n points. The fit draws turn observables into group
p-values; independent calibration draws give the null of the finished statistic,
so that over table and data P(p <= level) <= level exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from qglib.spacetime.rank_observables import (
    PAIR_LIMIT,
    RankObservables,
    rank_observables,
)

_RIDGE = 0.01
_BLOCK = 1000  # rows of observables worked on at a time

Recipe = Mapping[str, tuple[tuple[str, ...], str]]
PAIR_RECIPE: Recipe = {
    "regions": (("inside", "beside", "beyond"), "squares"),
    "neighbourhoods": (("inside", "beside"), "squares"),
    "fullest": (("fullest",), "squares"),
    "chains": (("chains",), "metric"),
    "spectrum": (("waves",), "excess"),
    "peak": (("waves", "separations"), "largest"),
}
"""Groups up to 1000 points: families of observables and how they are combined."""
GRID_RECIPE: Recipe = {
    "relations": (("relations",), "squares"),
    "chains": (("chains",), "metric"),
    "boundary": (("boundary",), "metric"),
    "past_volume": (("past_volume",), "excess"),
    "boxes": (("boxes",), "excess"),
    "spectrum": (("waves",), "excess"),
    "peak": (("waves", "separations"), "largest"),
}
"""Groups beyond 1000 points, where sums over all pairs are too slow."""


@dataclass(frozen=True, eq=False)
class NullTable:
    """Null distribution of the statistic for samples of n points.

    Attributes:
        n: number of points.
        draws: size of each of the two samples of null permutations.
        groups: names of the groups of observables.
        mean, sd: of each observable over the fit draws, shape (P,).
        metric_draws: sorted fit draws of the observables that enter through
            normal scores, shape (draws, C).
        group_null: sorted group statistics of the fit draws, shape (G, draws).
        null: sorted statistics of the calibration draws, shape (draws,).
        metrics: inverse ridge correlations of those scores, by group.
    """

    n: int
    draws: int
    mean: np.ndarray
    sd: np.ndarray
    metric_draws: np.ndarray
    group_null: np.ndarray
    null: np.ndarray
    metrics: dict[str, np.ndarray]

    @property
    def observables(self) -> RankObservables:
        """The observables of samples of n points."""
        return rank_observables(self.n)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(recipe_of(self.n))

    def group_pvalues(self, values: np.ndarray) -> np.ndarray:
        """p-value of each group against the fit draws (descriptive).

        Args:
            values: observables, shape (P,) or (rows, P).

        Returns:
            shape (G,) or (rows, G).
        """
        values = np.asarray(values, float)
        statistics = _group_statistics(
            self.n,
            np.atleast_2d(values),
            self.mean,
            self.sd,
            self.metric_draws,
            self.metrics,
        )
        above = [
            self.draws - np.searchsorted(null, row)
            for null, row in zip(self.group_null, statistics, strict=True)
        ]
        pvalues = (1 + np.array(above).T) / (self.draws + 1)
        return pvalues if values.ndim == 2 else pvalues[0]

    def statistic(self, permutation: np.ndarray) -> float:
        """Fisher combination -sum log p over the groups, of one permutation."""
        return float(fisher(self.group_pvalues(self.observables(permutation))))

    def pvalue(self, statistic: float) -> float:
        """Share of the calibration draws at or above `statistic`, never 0."""
        above = self.draws - np.searchsorted(self.null, statistic)
        return float((1 + above) / (self.draws + 1))


def fisher(pvalues: np.ndarray) -> np.ndarray:
    """Fisher combination -sum log p over the last axis."""
    # One fixed order of summation: equal p-values must give equal statistics.
    total = np.zeros(pvalues.shape[:-1])
    for g in range(pvalues.shape[-1]):
        total = total - np.log(pvalues[..., g])
    return total


def recipe_of(n: int) -> Recipe:
    """The groups for samples of n points."""
    return PAIR_RECIPE if n <= PAIR_LIMIT else GRID_RECIPE


@lru_cache(maxsize=256)
def members_of(n: int, families: tuple[str, ...]) -> np.ndarray:
    """Places of the observables of some families."""
    return np.flatnonzero(np.isin(rank_observables(n).families, families))


@lru_cache(maxsize=64)
def metric_members(n: int) -> np.ndarray:
    """Places of the observables that enter through normal scores."""
    chosen = [f for f, form in recipe_of(n).values() if form == "metric"]
    return members_of(n, tuple(name for families in chosen for name in families))


def _scores(
    values: np.ndarray, draws: np.ndarray, mean: np.ndarray, sd: np.ndarray
) -> np.ndarray:
    """Normal scores of columns against sorted draws; beyond them the z-score."""
    size = len(draws)
    half = 0.5 / (size + 1)
    below, up_to = np.empty_like(values), np.empty_like(values)
    for c in range(values.shape[1]):
        below[:, c] = np.searchsorted(draws[:, c], values[:, c])
        up_to[:, c] = np.searchsorted(draws[:, c], values[:, c], "right")
    live = sd > 1e-9
    w = ndtri(np.clip((below + up_to + 1) * half, half, 1 - half))
    z = (values - mean) / np.where(live, sd, 1.0)
    w = np.where(up_to == 0, np.minimum(w, z), w)
    w = np.where(below == size, np.maximum(w, z), w)
    return np.where(live, w, 0.0)


def _group_statistics(
    n: int,
    values: np.ndarray,
    mean: np.ndarray,
    sd: np.ndarray,
    metric_draws: np.ndarray,
    metrics: dict[str, np.ndarray],
) -> np.ndarray:
    """Group statistics of rows of observables, shape (G, rows)."""
    live = sd > 1e-9
    z = np.where(live, (values - mean) / np.where(live, sd, 1.0), 0.0)
    # Dependence draws neighbours together: small separations are the excess.
    z[:, members_of(n, ("separations",))] *= -1
    metric = metric_members(n)
    scores = _scores(values[:, metric], metric_draws, mean[metric], sd[metric])
    result = []
    for name, (families, form) in recipe_of(n).items():
        members = members_of(n, families)
        if form == "metric":
            part = scores[:, np.isin(metric, members)]
            result.append(np.einsum("ij,jk,ik->i", part, metrics[name], part))
        elif form == "squares":
            result.append((z[:, members] ** 2).sum(axis=1))
        elif form == "excess":
            result.append((np.maximum(z[:, members], 0) ** 2).sum(axis=1))
        else:
            result.append(z[:, members[live[members]]].max(axis=1))
    # Equal observables must give equal statistics, however the sums are ordered.
    return np.round(result, 9)


def simulate(n: int, rng: np.random.Generator, draws: int) -> NullTable:
    """Simulate the null of samples of n points from 2 x draws permutations."""
    observe = rank_observables(n)
    fit = np.array([observe(rng.permutation(n)) for _ in range(draws)])
    mean, sd, metric = fit.mean(axis=0), fit.std(axis=0), metric_members(n)
    sorted_draws = np.sort(fit[:, metric], axis=0)
    scores = _scores(fit[:, metric], sorted_draws, mean[metric], sd[metric])
    metrics = {}
    for name, (families, form) in recipe_of(n).items():
        if form == "metric":
            part = scores[:, np.isin(metric, members_of(n, families))]
            spread = part.std(axis=0)
            unit = part / np.where(spread > 1e-9, spread, 1.0)
            correlation = unit.T @ unit / draws
            metrics[name] = np.linalg.inv(correlation + _RIDGE * np.eye(len(unit.T)))
    group_null = np.concatenate(
        [
            _group_statistics(n, fit[k : k + _BLOCK], mean, sd, sorted_draws, metrics)
            for k in range(0, draws, _BLOCK)
        ],
        axis=1,
    )
    del fit
    group_null.sort(axis=1)
    table = NullTable(
        n, draws, mean, sd, sorted_draws, group_null, np.empty(0), metrics
    )
    null = np.empty(draws)
    for k in range(0, draws, _BLOCK):
        part = null[k : k + _BLOCK]
        rows = np.array([observe(rng.permutation(n)) for _ in part])
        part[:] = fisher(table.group_pvalues(rows))
    null.sort()
    return NullTable(n, draws, mean, sd, sorted_draws, group_null, null, metrics)
