"""Null of the independence test, by simulation, and the recipe it calibrates.

The fit draws turn observables into group p-values; independent calibration draws give
the null of the finished statistic, so that over table and data P(p <= level) <= level
exactly, down to the level that ten calibration draws reach. Beyond it an exponential
tail is fitted to the largest of them (Knijnenburg et al., Bioinformatics 25, i161).
"""

import os
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from scipy.special import ndtri

from qglib.spacetime.rank_observables import LARGEST, canonical, rank_observables

RECIPE_VERSION = 6  # part of the name of a kept table
MOST_FIT = 2000  # fit draws; power is level from 500 on
COUNTED = 10  # a p-value that fewer calibration draws reach comes from the tail
SMALLEST = 20  # points; below it the rejection regions are too coarse
_NULL_SEED = 20_260_101  # the kept tables do not depend on the order of calls
_RIDGE = 0.01

RECIPE: dict[str, tuple[tuple[str, ...], str]] = {
    "regions": (("inside", "beside", "beyond"), "squares"),
    "neighbourhoods": (("inside", "beside"), "squares"),
    "fullest": (("fullest",), "squares"),
    "chains": (("chains",), "metric"),
    "spectrum": (("waves",), "excess"),
    "peak": (("waves", "separations"), "largest"),
}
"""Groups: families of observables and how they are combined."""
_SCORED = {name: f for name, (f, form) in RECIPE.items() if form == "metric"}
_METRIC = sum(_SCORED.values(), ())


@dataclass(frozen=True, eq=False)
class NullTable:
    """Null distribution of the statistic for samples of n points."""

    n: int
    draws: int  # calibration draws, random permutations
    mean: np.ndarray  # (P,) of each observable over the fit draws
    sd: np.ndarray  # (P,)
    metric_draws: np.ndarray  # (fit, C) sorted, of what enters by normal scores
    group_null: np.ndarray  # (G, fit) sorted group statistics of the fit draws
    null: np.ndarray  # (draws,) sorted statistics of the calibration draws
    metrics: dict[str, np.ndarray]  # inverse ridge correlations of the scores

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(RECIPE)

    @property
    def level_error(self) -> float:
        """Standard error of the size at level .05 of this one table."""
        return float(np.sqrt(0.05 * 0.95 / self.draws))

    def seen(self, permutation: np.ndarray) -> np.ndarray:
        """Observables of one of the eight images of a sample, the same for all."""
        return rank_observables(self.n)(canonical(permutation))

    def group_pvalues(self, values: np.ndarray) -> np.ndarray:
        """p-values (G,) or (rows, G) of groups, of observables (P,) or (rows, P)."""
        rows = self._statistics(np.atleast_2d(values))
        pairs = zip(self.group_null, rows, strict=True)
        pvalues = np.array([_shares(*pair, power_law=True) for pair in pairs]).T
        return pvalues if np.ndim(values) == 2 else pvalues[0]

    def statistic(self, permutation: np.ndarray) -> float:
        """Fisher combination -sum log p over the groups, of one permutation."""
        return float(fisher(self.group_pvalues(self.seen(permutation))))

    def pvalue(self, statistic: float) -> float:
        """Share of the calibration draws at or above `statistic`; see `_shares`."""
        return float(_shares(self.null, np.array([statistic]), power_law=False)[0])

    def _scores(self, families: tuple[str, ...], values: np.ndarray) -> np.ndarray:
        """Normal scores of some columns; beyond the fit draws the z-score."""
        members = _members(self.n, families)
        draws = self.metric_draws[:, np.isin(_members(self.n, _METRIC), members)]
        values, mean, sd = values[:, members], self.mean[members], self.sd[members]
        half, live = 0.5 / (len(draws) + 1), sd > 1e-9
        columns = list(zip(draws.T, values.T, strict=True))
        below = np.array([np.searchsorted(*pair) for pair in columns]).T
        up_to = np.array([np.searchsorted(*pair, "right") for pair in columns]).T
        w = ndtri(np.clip((below + up_to + 1) * half, half, 1 - half))
        z = (values - mean) / np.where(live, sd, 1.0)
        w = np.where(up_to == 0, np.minimum(w, z), w)
        w = np.where(below == len(draws), np.maximum(w, z), w)
        return np.where(live, w, 0.0)

    def _statistics(self, values: np.ndarray) -> np.ndarray:
        """Group statistics of rows of observables, shape (G, rows)."""
        live = self.sd > 1e-9
        z = np.where(live, (values - self.mean) / np.where(live, self.sd, 1.0), 0.0)
        # Dependence draws neighbours together: small separations are the excess.
        z[:, _members(self.n, ("separations",))] *= -1
        result = []
        for name, (families, form) in RECIPE.items():
            members = _members(self.n, families)
            if form == "metric":
                part = self._scores(families, values)
                result.append(np.einsum("ij,jk,ik->i", part, self.metrics[name], part))
            elif form == "squares":
                result.append((z[:, members] ** 2).sum(axis=1))
            elif form == "excess":
                result.append((np.maximum(z[:, members], 0) ** 2).sum(axis=1))
            else:
                result.append(z[:, members[live[members]]].max(axis=1))
        # Equal observables must give equal statistics, however the sums are ordered.
        return np.round(result, 9)


def _shares(null: np.ndarray, values: np.ndarray, power_law: bool) -> np.ndarray:
    """Share of sorted draws at or above each value, the value counted.

    Where fewer than ten draws are, by a tail fitted to the largest ones: a power law
    (Hill, Ann. Statist. 3 (1975) 1163), which sums of squares of small counts need, or
    an exponential one.
    """
    above = len(null) - np.searchsorted(null, values)
    shares = (1 + above) / (len(null) + 1)
    far = above < COUNTED
    if far.any():
        kept = max(len(null) // (10 if power_law else 40), 50)
        start, largest = null[-kept - 1], null[-kept:]
        if power_law:
            steps = np.log(largest / start).mean()
            beyond = np.log(np.maximum(values[far] / start, 1))
        else:
            steps = (largest - start).mean()
            beyond = np.maximum(values[far] - start, 0)
        tail = kept / len(null) * np.exp(-beyond / steps)
        # no law is believed far beyond the draws: one group must not decide alone
        least = 1 / (20 * len(null)) if power_law else 0
        shares[far] = np.clip(tail, least, (1 + COUNTED) / len(null))
    return shares


def fisher(pvalues: np.ndarray) -> np.ndarray:
    """Fisher combination -sum log p over the last axis."""
    # One fixed order of summation: equal p-values must give equal statistics.
    total = np.zeros(pvalues.shape[:-1])
    for g in range(pvalues.shape[-1]):
        total = total - np.log(pvalues[..., g])
    return total


@lru_cache(maxsize=256)
def _members(n: int, families: tuple[str, ...]) -> np.ndarray:
    """Places of the observables of some families."""
    return np.flatnonzero(np.isin(rank_observables(n).families, families))


def null_table(
    n: int, rng: np.random.Generator | None = None, draws: int | None = None
) -> NullTable:
    """The null for samples of n points, from random permutations.

    Args:
        n: number of points, 20 .. 20 000; others are a ValueError.
        rng: source of the permutations. Without it the table comes from a seed of
            its own, is simulated once per (n, draws) and kept in memory and in
            the folder `QGLIB_CACHE` (default: the user's cache folder).
        draws: calibration draws, at least 100; by default 2e6 / n, between 1000 and
            20 000: a first use takes about a minute at 500 points.
    """
    if draws is None:
        draws = int(np.clip(2_000_000 // max(n, 1), 1000, 20_000))
    if draws < 100:
        raise ValueError(f"draws is {draws}: at least 100 are needed")
    if not SMALLEST <= n <= LARGEST:
        remedy = "collect more points" if n < SMALLEST else "draw a random subset"
        raise ValueError(
            f"n is {n}: the test takes {SMALLEST} to {LARGEST} points; {remedy}"
        )
    return _kept_table(n, draws) if rng is None else _simulate(n, rng, draws)


def _simulate(n: int, rng: np.random.Generator, draws: int) -> NullTable:
    """Simulate the null of samples of n points."""
    observe, some = rank_observables(n), min(draws, MOST_FIT)
    fit = np.array([observe(canonical(rng.permutation(n))) for _ in range(some)])
    ranked, later = np.sort(fit[:, _members(n, _METRIC)], axis=0), np.empty(0)
    spread = fit.mean(axis=0), fit.std(axis=0)
    table = NullTable(n, draws, *spread, ranked, later, later, {})
    for name, families in _SCORED.items():
        part = table._scores(families, fit)
        spread = part.std(axis=0)
        unit = part / np.where(spread > 1e-9, spread, 1.0)
        correlation = unit.T @ unit / some + _RIDGE * np.eye(len(unit.T))
        table.metrics[name] = np.linalg.inv(correlation)
    table = replace(table, group_null=np.sort(table._statistics(fit), axis=1))
    fresh = np.array([table.seen(rng.permutation(n)) for _ in range(draws)])
    return replace(table, null=np.sort(fisher(table.group_pvalues(fresh))))


@lru_cache(maxsize=16)
def _kept_table(n: int, draws: int) -> NullTable:
    """The table of its own seed, from the folder of kept tables if it is there."""
    folder = os.environ.get("QGLIB_CACHE") or user_cache_path("qglib")
    path = Path(folder) / f"independence-{RECIPE_VERSION}-{n}-{draws}.npz"
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            metrics = {name: arrays.pop(f"inverse_{name}") for name in _SCORED}
            return NullTable(n, draws, **arrays, metrics=metrics)
        except Exception as error:  # whatever is wrong with it, it can be rebuilt
            warnings.warn(f"{path.name} is simulated again: {error}", stacklevel=3)
    table = _simulate(n, np.random.default_rng([_NULL_SEED, n, draws]), draws)
    arrays = {k: v for k, v in vars(table).items() if isinstance(v, np.ndarray)}
    arrays |= {f"inverse_{name}": matrix for name, matrix in table.metrics.items()}
    beside = path.with_suffix(f".{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(beside, **arrays)  # pyright: ignore[reportArgumentType]
        os.replace(beside, path)
    except OSError as error:
        warnings.warn(f"{error}: set QGLIB_CACHE to a folder", stacklevel=3)
    return table
