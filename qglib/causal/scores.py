"""Scores and a test of columns given others, for structure search.

The score of a graph is the sum over its nodes of ``score(node, parents)``, in nats,
nodes named by column number, higher is better. Source: Schwarz, Ann. Stat. 6 (1978)
461 (BIC); Andrews, Ramsey and Cooper, Proc. Mach. Learn. Res. 104 (2019) 4 (degenerate
Gaussian score and test).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
from scipy.stats import chi2

Score = Callable[[int, Sequence[int]], float]
RIDGE = 1e-10  # of each variance, so that an exact fit stays finite


def discrete_bic(data: np.ndarray) -> Score:
    """Multinomial BIC of labels (n, d): sum N_jk ln(N_jk / N_j) - .5 ln(N) q (r - 1).

    `q` is the product of all parent cardinalities, seen together or not.
    """
    coded = [np.unique(column, return_inverse=True) for column in np.asarray(data).T]
    codes = [code.astype(np.int64) for _, code in coded]
    levels = [len(values) for values, _ in coded]
    n = len(codes[0])

    def score(node: int, parents: Sequence[int]) -> float:
        q = 1
        configuration = np.zeros(n, dtype=np.int64)
        for parent in parents:
            configuration = configuration * levels[parent] + codes[parent]
            q *= levels[parent]
        if q * levels[node] > 4 * n:  # large tables are nearly empty: recode
            configuration = np.unique(configuration, return_inverse=True)[1]
        size = int(configuration.max()) + 1
        joint = np.bincount(
            configuration * levels[node] + codes[node], minlength=size * levels[node]
        ).reshape(size, levels[node])
        total = joint.sum(1, keepdims=True)
        seen = joint > 0
        ratio = np.where(seen, joint, 1) / np.where(seen, total, 1)
        likelihood = float((joint * np.log(ratio)).sum())
        return likelihood - 0.5 * np.log(n) * q * (levels[node] - 1)

    return score


def _embedded(
    values: np.ndarray, categorical: Iterable[bool]
) -> tuple[list[list[int]], np.ndarray]:
    """Places of each column among the embedded ones, and their covariance."""
    places, columns = [], list[np.ndarray]()
    for column, is_category in zip(np.transpose(values), categorical, strict=True):
        parts = [column]
        if is_category:  # k values are k - 1 columns of 0 and 1
            parts = [column == level for level in np.unique(column)[1:]]
        places.append(list(range(len(columns), len(columns) + len(parts))))
        columns += parts
    covariance = np.atleast_2d(np.cov(np.array(columns, float), bias=True))
    covariance[np.diag_indices_from(covariance)] *= 1 + RIDGE
    return places, covariance


def mixed_bic(values: np.ndarray, categorical: Iterable[bool] | None = None) -> Score:
    """Degenerate Gaussian BIC of numbers and categories (d,) in floats (n, d).

    -.5 N ln(|S_node,parents| / |S_parents|) - .5 ln(N) k, with S the covariances of
    the embedded columns and k = r (r + 1) / 2 + r p for r columns of the node and p of
    the parents; on numbers alone the linear-Gaussian BIC.
    """
    n, d = np.shape(values)
    kinds = np.zeros(d, bool) if categorical is None else categorical
    places, covariance = _embedded(values, kinds)

    @cache
    def log_volume(members: tuple[int, ...]) -> float:
        rows = [k for member in members for k in places[member]]
        return np.linalg.slogdet(covariance[np.ix_(rows, rows)])[1] if rows else 0.0

    def score(node: int, parents: Sequence[int]) -> float:
        given = tuple(sorted(parents))
        volume = log_volume(tuple(sorted((node, *given)))) - log_volume(given)
        r, p = len(places[node]), sum(len(places[k]) for k in given)
        free = r * (r + 1) / 2 + r * p
        return float(-0.5 * n * volume - 0.5 * np.log(n) * free)

    return score


def mixed_test(
    values: np.ndarray, categorical: Iterable[bool]
) -> Callable[[int, int, Sequence[int]], float]:
    """p-values of independence of two columns given others, numbers and categories.

    Likelihood ratio of the embedded columns as if they were Gaussian, with Bartlett's
    factor (J. R. Stat. Soc. Suppl. 9 (1947) 176) on n. Arguments as of `mixed_bic`.
    """
    n = len(values)
    places, covariance = _embedded(values, categorical)

    def pvalue(i: int, j: int, given: Sequence[int] = ()) -> float:
        p, q = len(places[i]), len(places[j])
        ends, rows = places[i] + places[j], [k for z in given for k in places[z]]
        rest = covariance[np.ix_(ends, ends)]
        if rows:
            cross = covariance[np.ix_(rows, ends)]
            among = covariance[np.ix_(rows, rows)]
            rest = rest - cross.T @ np.linalg.solve(among, cross)
        parts = (rest, rest[:p, :p], rest[p:, p:])
        both, left, right = (np.linalg.slogdet(part)[1] for part in parts)
        freedom = max(n - 1 - len(rows) - (p + q + 1) / 2, 0)
        return float(chi2.sf(max(freedom * (left + right - both), 0), p * q))

    return pvalue
