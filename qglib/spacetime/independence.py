"""An independence test from causal-set observables, with an exact simulated null.

Under independence the ranks of two continuous variables are a uniform random
permutation, that is a sprinkling of the flat 2d diamond: the null depends on n
only, and one table serves every pair of variables with n points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import norm

from .constructions import _numbers, rank_permutation
from .rank_observables import RankObservables, rank_observables

_RIDGE = 0.1
_NULL_SEED = 20_260_101  # the cached tables do not depend on the order of calls


@dataclass(frozen=True, eq=False)
class NullTable:
    """Null distribution of the statistic for samples of n points.

    The fit draws give scores, group matrices and group p-values; independent
    calibration draws give the null of the finished statistic, so that over table
    and data P(p <= level) <= level exactly.
    """

    observables: RankObservables
    draws: int
    fit: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    groups: dict[str, np.ndarray]
    inverses: dict[str, np.ndarray]
    group_null: dict[str, np.ndarray]
    null: np.ndarray

    @property
    def n(self) -> int:
        """Number of points the table belongs to."""
        return self.observables.n

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Normal scores of observables against the fit draws."""
        below = (self.fit < values).sum(axis=0)
        up_to = (self.fit <= values).sum(axis=0)
        half = 0.5 / (self.draws + 1)
        share = (below + up_to + 1) * half
        scores = norm.ppf(np.clip(share, half, 1 - half))
        live = self.sd > 1e-9
        z = (values - self.mean) / np.where(live, self.sd, 1.0)
        scores = np.where(up_to == 0, np.minimum(scores, z), scores)
        scores = np.where(below == self.draws, np.maximum(scores, z), scores)
        return np.where(live, scores, 0.0)

    def group_pvalues(self, values: np.ndarray) -> dict[str, float]:
        """p-value of each group of observables against the fit draws."""
        scores, result = self.scores(values), {}
        for name, members in self.groups.items():
            vector = scores[members]
            distance = vector @ self.inverses[name] @ vector
            null = self.group_null[name]
            above = len(null) - np.searchsorted(null, distance)
            result[name] = float((1 + above) / (len(null) + 1))
        return result


@dataclass(frozen=True)
class IndependenceResult:
    """Outcome of the test.

    Attributes:
        statistic: Fisher combination -sum log p over the groups of observables.
        pvalue: against the simulated null, never below 1 / (draws + 1).
        group_pvalues: what was seen: one p-value per group (descriptive).
        observables: the observables by name.
        n: number of points.
        draws: size of each of the two null samples.
    """

    statistic: float
    pvalue: float
    group_pvalues: dict[str, float]
    observables: dict[str, float]
    n: int
    draws: int


def null_table(n: int, rng: np.random.Generator, draws: int = 1000) -> NullTable:
    """Simulate the null for samples of n points (2 x draws permutations).

    Raises:
        ValueError: n outside 8 .. 4000, or fewer than 100 draws.
    """
    if draws < 100:
        raise ValueError(f"draws is {draws}: at least 100 are needed")
    observe = rank_observables(n)
    fit = np.array([observe(rng.permutation(n)) for _ in range(draws)])
    mean, sd = fit.mean(axis=0), fit.std(axis=0)
    names = np.array(observe.groups)
    groups = {
        str(g): np.flatnonzero((names == g) & (sd > 1e-9))
        for g in dict.fromkeys(observe.groups)
    }
    groups = {g: members for g, members in groups.items() if len(members)}
    ranks = np.array(
        [
            np.searchsorted(column, values) + np.searchsorted(column, values, "right")
            for column, values in zip(np.sort(fit, axis=0).T, fit.T, strict=True)
        ]
    ).T
    half = 0.5 / (draws + 1)
    scores = norm.ppf(np.clip((ranks + 1) * half, half, 1 - half))
    inverses, group_null = {}, {}
    for g, members in groups.items():
        part = scores[:, members]
        correlation = np.corrcoef(part, rowvar=False).reshape(len(members), -1)
        inverses[g] = np.linalg.inv(correlation + _RIDGE * np.eye(len(members)))
        distances = np.einsum("ij,jk,ik->i", part, inverses[g], part)
        group_null[g] = np.sort(distances)
    table = NullTable(
        observe, draws, fit, mean, sd, groups, inverses, group_null, np.empty(0)
    )
    null = [_fisher(table, observe(rng.permutation(n)))[0] for _ in range(draws)]
    object.__setattr__(table, "null", np.sort(null))
    return table


@lru_cache(maxsize=16)
def _cached_table(n: int, draws: int) -> NullTable:
    return null_table(n, np.random.default_rng([_NULL_SEED, n, draws]), draws)


def _fisher(table: NullTable, values: np.ndarray) -> tuple[float, dict[str, float]]:
    pvalues = table.group_pvalues(values)
    return float(-np.log(list(pvalues.values())).sum()), pvalues


def independence_test(
    x: np.ndarray,
    y: np.ndarray,
    rng: np.random.Generator | None = None,
    draws: int = 1000,
    ties: str = "error",
    null: NullTable | None = None,
) -> IndependenceResult:
    """Test whether two variables are independent, from their causal-set order.

    Nine groups of observables of the 2d order of the ranks and of its mirror
    (relations, chains, smeared action, interval abundances, boundary, three forms
    of number-volume discrepancy, past volume) are turned into p-values and
    combined. Invariant under monotone maps of either variable; no bandwidth.

    Args:
        x: first variable, shape (n,), 8 <= n <= 4000.
        y: second variable, shape (n,).
        rng: breaks ties; needed for ties="random" only.
        draws: size of each null sample; the table is simulated once per (n,
            draws) from a seed of its own and kept in memory.
        ties: "error", or "random" to break them with `rng` (the level stays exact
            for any marginals; the p-value then depends on `rng`).
        null: a table from `null_table`, used instead of the kept one.

    Returns:
        `IndependenceResult` with `.statistic` and `.pvalue`.

    Raises:
        ValueError: shapes differ, NaN, ties under "error", n out of range, or a
            table of another n.

    The level needs independent draws: serial dependence voids it.
    """
    x, y = _numbers(x, "x"), _numbers(y, "y")
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"x has shape {x.shape}, y has {y.shape}: both must be (n,)")
    if ties not in ("error", "random"):
        raise ValueError(f'ties is {ties!r}: choose "error" or "random"')
    _, permutation = rank_permutation(x, y, ties, rng)
    table = _cached_table(len(x), draws) if null is None else null
    if table.n != len(x):
        raise ValueError(
            f"the null table is for n = {table.n} and the sample has {len(x)} points: "
            "build one with null_table(n, rng)"
        )
    values = table.observables(permutation)
    statistic, pvalues = _fisher(table, values)
    above = table.draws - np.searchsorted(table.null, statistic)
    return IndependenceResult(
        statistic,
        float((1 + above) / (table.draws + 1)),
        pvalues,
        dict(zip(table.observables.names, values.tolist(), strict=True)),
        len(x),
        table.draws,
    )
