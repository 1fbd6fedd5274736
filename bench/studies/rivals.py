"""Rival tests of independence, for the comparison in `independence_benchmark`.

Question: what do the known tests see on the samples that the causal-set test sees?

Raw-value rivals take the numbers: MGC (SciPy's statistic, the one hyppo wraps),
Dcorr, Hsic and HHG as hyppo 0.5.2 defines them (compiled here for one-dimensional
data, compared with hyppo in `check_against_hyppo`), and an aggregated HSIC over
four bandwidths. Rank rivals take a permutation: thirteen classical statistics,
from which Kendall, xi, Hoeffding D, rank HSIC aggregated, and all thirteen combined
(Mahalanobis form of the z-scores) are read.

Every statistic rejects for large values. Runtime: `check_against_hyppo` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

RAW = ("dcorr", "hsic", "hhg", "hsic_agg_raw")
"""Raw-value rivals after MGC; the last takes four values per sample."""
RAW_COLUMNS = 7  # one for each of the first three and four bandwidths
RANKS = (
    "tau xi hoeffding dcor_rank hsic_300 hsic_100 hsic_050 hsic_020 "
    "chi2_3 chi2_4 chi2_6 chi2_8 chi2_12"
).split()
"""Thirteen classical rank statistics, columns of `classical_ranks`."""
WIDTHS = (0.3, 0.1, 0.05, 0.02)
GRIDS = (3, 4, 6, 8, 12)
FRACTIONS = (1.0, 0.5, 0.25, 0.125)  # of the median distance


# ------------------------------------------------------------------ raw values
@numba.njit(cache=True, nogil=True)
def _distances(x: np.ndarray) -> np.ndarray:
    n = x.size
    result = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            result[i, j] = abs(x[i] - x[j])
    return result


@numba.njit(cache=True, nogil=True)
def _median_gap(gap: np.ndarray) -> float:
    """Median of the positive distances between two points; 1 if there is none."""
    n = gap.shape[0]
    values = np.empty(n * (n - 1) // 2)
    k = 0
    for i in range(n):
        for j in range(i):
            if gap[i, j] > 0:
                values[k] = gap[i, j]
                k += 1
    return np.median(values[:k]) if k else 1.0


@numba.njit(cache=True, nogil=True)
def _median_gap_hyppo(gap: np.ndarray) -> float:
    """Median off the diagonal, 1 where it vanishes."""
    n = gap.shape[0]
    values = np.empty(n * (n - 1) // 2)
    k = 0
    for i in range(n):
        for j in range(i):
            values[k] = gap[i, j]
            k += 1
    median = np.median(values)
    return median if median > 0 else 1.0


@numba.njit(cache=True, nogil=True)
def _u_centred(gap: np.ndarray) -> np.ndarray:
    n = gap.shape[0]
    row = np.zeros(n)
    for i in range(n):
        for j in range(n):
            row[i] += gap[i, j]
    total = row.sum() / ((n - 1) * (n - 2))
    row /= n - 2
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                result[i, j] = gap[i, j] - row[i] - row[j] + total
    return result


@numba.njit(cache=True, nogil=True)
def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    n = a.shape[0]
    ab, aa, bb = 0.0, 0.0, 0.0
    for i in range(n):
        for j in range(n):
            ab += a[i, j] * b[i, j]
            aa += a[i, j] * a[i, j]
            bb += b[i, j] * b[i, j]
    return ab / np.sqrt(aa * bb) if aa * bb > 0 else 0.0


@numba.njit(cache=True, nogil=True)
def _unlike(gap: np.ndarray, width: float) -> np.ndarray:
    """One minus the Gaussian kernel."""
    n = gap.shape[0]
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            result[i, j] = 1 - np.exp(-0.5 * (gap[i, j] / width) ** 2)
            result[j, i] = result[i, j]
    return result


@numba.njit(cache=True, nogil=True)
def _reach(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last index within |x[j] - x[i]| of x[i], for sorted x."""
    n = x.size
    first = np.empty((n, n), np.int32)
    last = np.empty((n, n), np.int32)
    for i in range(n):
        low, high = i, i
        for j in range(i, n):
            d = x[j] - x[i]
            while low > 0 and x[i] - x[low - 1] <= d:
                low -= 1
            high = max(high, j)
            while high < n - 1 and x[high + 1] - x[i] <= d:
                high += 1
            first[i, j], last[i, j] = low, high
        low, high = i, i
        for j in range(i - 1, -1, -1):
            d = x[i] - x[j]
            low = min(low, j)
            while low > 0 and x[i] - x[low - 1] <= d:
                low -= 1
            while high < n - 1 and x[high + 1] - x[i] <= d:
                high += 1
            first[i, j], last[i, j] = low, high
    return first, last


@numba.njit(cache=True, nogil=True)
def heller_heller_gorfine(x: np.ndarray, y: np.ndarray) -> float:
    """HHG statistic of two real samples of shape (n,), in O(n^2)."""
    n = x.size
    by_x, by_y = np.argsort(x), np.argsort(y)
    place = np.empty(n, np.int64)
    place[by_y] = np.arange(n)
    p = place[by_x]
    first_x, last_x = _reach(x[by_x])
    first_y, last_y = _reach(y[by_y])
    q = np.zeros((n + 1, n + 1), np.int32)
    for a in range(n):
        for b in range(n):
            q[a + 1, b + 1] = q[a, b + 1] + (1 if p[a] <= b else 0)
    total = 0.0
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            a, b = first_x[i, j], last_x[i, j] + 1
            c, d = first_y[p[i], p[j]], last_y[p[i], p[j]] + 1
            near_x, near_y = float(b - a - 2), float(d - c - 2)
            both = q[b, d] - q[a, d] - q[b, c] + q[a, c] - 2.0
            bottom = near_x * near_y * (n - 2 - near_x) * (n - 2 - near_y)
            if bottom > 0:
                only_x, only_y = near_x - both, near_y - both
                rest = n - 2 - near_x - only_y
                total += (n - 2) * (only_x * only_y - both * rest) ** 2 / bottom
    return total


@numba.njit(cache=True, nogil=True)
def raw_statistics(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Dcorr, Hsic, HHG and four normalised unbiased HSIC: shape (7,)."""
    gap_x, gap_y = _distances(x), _distances(y)
    result = np.empty(RAW_COLUMNS)
    result[0] = _correlation(_u_centred(gap_x), _u_centred(gap_y))
    width = _median_gap_hyppo(gap_x)  # hyppo uses the width of x for y, too
    result[1] = _correlation(
        _u_centred(_unlike(gap_x, width)), _u_centred(_unlike(gap_y, width))
    )
    result[2] = heller_heller_gorfine(x, y)
    wide_x, wide_y = _median_gap(gap_x), _median_gap(gap_y)
    for k in range(4):
        result[3 + k] = _correlation(
            _u_centred(_unlike(gap_x, wide_x * FRACTIONS[k])),
            _u_centred(_unlike(gap_y, wide_y * FRACTIONS[k])),
        )
    return result


def mgc(x: np.ndarray, y: np.ndarray) -> float:
    """Multiscale graph correlation: the statistic of SciPy, which hyppo wraps."""
    from scipy.stats._mgc import _mgc_stat

    return float(_mgc_stat(_distances(x), _distances(y))[0])


# ----------------------------------------------------------------------- ranks
def rank_kernels(n: int) -> np.ndarray:
    """Doubly centred rank matrices, shape (5, n, n): distance, four Gaussian."""
    gap = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / n
    stack = np.array([-gap, *(np.exp(-0.5 * (gap / w) ** 2) for w in WIDTHS)])
    stack -= stack.mean(axis=1, keepdims=True)
    return stack - stack.mean(axis=2, keepdims=True)


@numba.njit(cache=True, nogil=True)
def classical_ranks(p: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """The thirteen statistics of `RANKS` for a permutation p: shape (13,)."""
    n = p.size
    result = np.zeros(13)
    rising, steps, d1, d2, d3 = 0, 0, 0.0, 0.0, 0.0
    for i in range(n):
        if i:
            steps += abs(p[i] - p[i - 1])
        past = 0
        for k in range(i):
            past += p[k] < p[i]
        rising += past
        d1 += past * (past - 1.0)
        d2 += i * (i - 1.0) * p[i] * (p[i] - 1.0)
        d3 += (i - 1.0) * (p[i] - 1.0) * past
    result[0] = abs(4.0 * rising / (n * (n - 1)) - 1)
    result[1] = 1 - 3.0 * steps / (n * n - 1)
    result[2] = (n - 2.0) * (n - 3.0) * d1 + d2 - 2 * (n - 2.0) * d3
    result[2] *= 30.0 / (n * (n - 1.0) * (n - 2.0) * (n - 3.0) * (n - 4.0))
    for i in range(n):
        for j in range(i):
            for k in range(5):
                result[3 + k] += 2 * kernels[k, i, j] * kernels[k, p[i], p[j]]
        for k in range(5):
            result[3 + k] += kernels[k, i, i] * kernels[k, p[i], p[i]]
    for g in range(5):
        cells = GRIDS[g]
        counts = np.zeros((cells, cells))
        for i in range(n):
            counts[i * cells // n, p[i] * cells // n] += 1
        rows, columns = counts.sum(axis=1), counts.sum(axis=0)
        for a in range(cells):
            for b in range(cells):
                expected = rows[a] * columns[b] / n
                result[8 + g] += (counts[a, b] - expected) ** 2 / expected
    return result


def classical_table(permutations: np.ndarray) -> np.ndarray:
    """`classical_ranks` of every row: shape (samples, 13)."""
    kernels = rank_kernels(permutations.shape[1])
    rows = np.ascontiguousarray(permutations, np.int64)
    return np.array([classical_ranks(p, kernels) for p in rows])


@dataclass(frozen=True, eq=False)
class RankRivals:
    """Nulls of the rank rivals for samples of n points.

    Fit draws give the means, deviations and correlations of the combined forms;
    as many further draws give the null of every finished statistic.
    """

    mean: np.ndarray
    sd: np.ndarray
    inverse: np.ndarray
    null: dict[str, np.ndarray]

    def statistics(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Finished statistics from the table of thirteen."""
        z = (values - self.mean) / self.sd
        return {
            "kendall": values[:, 0],
            "xi": values[:, 1],
            "hoeffding": values[:, 2],
            "dcor_rank": values[:, 3],
            "hsic_agg_rank": z[:, 4:8].max(axis=1),
            "chi2_agg": z[:, 8:].max(axis=1),
            "c13_m": np.einsum("ij,jk,ik->i", z, self.inverse, z),
        }

    def pvalues(self, permutations: np.ndarray) -> dict[str, np.ndarray]:
        """p-values of every rank rival for permutations (samples, n)."""
        found = self.statistics(classical_table(permutations))
        return {name: pvalues(found[name], self.null[name]) for name in found}


def rank_rivals(n: int, rng: np.random.Generator, draws: int) -> RankRivals:
    """Simulate the nulls of the rank rivals (2 x draws permutations)."""
    fit, calibration = (
        classical_table(np.array([rng.permutation(n) for _ in range(draws)]))
        for _ in range(2)
    )
    correlation = np.corrcoef(fit, rowvar=False)
    inverse = np.linalg.inv(correlation + 0.001 * np.eye(len(RANKS)))
    rivals = RankRivals(fit.mean(axis=0), fit.std(axis=0), inverse, {})
    rivals.null.update(rivals.statistics(calibration))
    return rivals


def pvalues(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """(1 + number of null draws at or above) / (draws + 1), rounding-safe."""
    slack = 1e-12 * np.maximum(1, np.abs(observed))
    above = len(null) - np.searchsorted(np.sort(null), observed - slack)
    return (1 + above) / (len(null) + 1)


def raw_pvalues(observed: np.ndarray, null: np.ndarray) -> dict[str, np.ndarray]:
    """p-values of the raw-value rivals from columns of `raw_statistics`."""
    mean, sd = null[:, 3:].mean(axis=0), null[:, 3:].std(axis=0)
    largest = [((v[:, 3:] - mean) / sd).max(axis=1) for v in (observed, null)]
    result = {
        name: pvalues(observed[:, k], null[:, k]) for k, name in enumerate(RAW[:3])
    }
    return result | {"hsic_agg_raw": pvalues(*largest)}


def check_against_hyppo(n: int = 60, seed: int = 3) -> dict[str, float]:
    """Largest relative difference to hyppo 0.5.2 over five samples, by method."""
    from hyppo.independence import HHG, MGC, Dcorr, Hsic

    rng, worst = np.random.default_rng(seed), dict.fromkeys(("mgc", *RAW[:3]), 0.0)
    for k in range(5):
        x = rng.normal(size=n) if k else rng.integers(0, 9, n).astype(float)
        y = x * x + (rng.normal(size=n) if k else rng.integers(0, 4, n))
        mine = dict(zip(worst, (mgc(x, y), *raw_statistics(x, y)[:3]), strict=True))
        columns = x[:, None], y[:, None]
        for name, test in zip(worst, (MGC, Dcorr, Hsic, HHG), strict=True):
            theirs = test().statistic(*columns)
            gap = abs(mine[name] - theirs) / max(abs(theirs), 1e-3)
            worst[name] = max(worst[name], gap)
    return worst
