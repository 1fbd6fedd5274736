"""What can be counted in an order: chains, intervals, related pairs, dimension.

Lengths count elements, not links. A longest chain is the discrete geodesic between its
ends (proper time).
"""

from math import gamma
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, xlog1py, xlogy

from qglib.engines.orders import order_kernels
from qglib.spacetime.causet import Causet

_LOWEST, _HIGHEST = 0.3, 20.0
# Core weights of N_0, N_1, ...: beta_d C_i / alpha_d, so that N has weight 1.
CORE_WEIGHTS = {
    2: (-2.0, 4.0, -2.0),
    3: (-1.0, 27 / 8, -9 / 4),
    4: (-1.0, 9.0, -16.0, 8.0),
}


class LongestChain(NamedTuple):
    """A longest chain and how far it is from the only one."""

    elements: tuple[int, ...]  # indices of one longest chain, in order
    length: int  # number of its elements (the height of the order)
    n_optima: int | None  # how many chains have this length (exact), if counted


class DimensionEstimate(NamedTuple):
    """A dimension with its 95 % interval."""

    dimension: float
    low: float
    high: float
    ordering_fraction: float  # share of related pairs


def check_size(causet: Causet, least: int) -> None:
    """Raise `ValueError` for fewer than `least` elements."""
    if causet.size < least:
        raise ValueError(
            f"the causal set has {causet.size} elements: at least {least} are needed"
        )


def heights(causet: Causet) -> np.ndarray:
    """Elements of the longest chain that ends in each element, int64 (N,)."""
    return order_kernels.heights(causet.future)


def longest_chain(causet: Causet, count: bool = True) -> LongestChain:
    """A longest chain and, if `count`, the number of longest chains."""
    if causet.size == 0:
        return LongestChain((), 0, 0 if count else None)
    height = heights(causet)
    by_height = np.argsort(height, kind="stable")
    levels = np.split(by_height, np.cumsum(np.bincount(height)[1:-1]))[::-1]
    chain = levels[0][:1]
    for level in levels[1:]:
        earliest = level[_related(causet, level, chain[:1]).argmax()]
        chain = np.append(earliest, chain)
    n_optima = _count_optima(causet, levels) if count else None
    return LongestChain(tuple(chain.tolist()), len(levels), n_optima)


def _related(causet: Causet, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Whether elements i (a,) precede elements j (b,), booleans (a, b)."""
    words, shift = causet.future[i[:, None], j >> 6], (j & 63).astype(np.uint64)
    return (words >> shift & np.uint64(1)).astype(bool)


def _count_optima(causet: Causet, levels: list[np.ndarray]) -> int:
    """Number of chains with one element of each height, exact, from the top down."""
    upper, counts = levels[0], [1] * len(levels[0])
    for level in levels[1:]:
        related = _related(causet, level, upper)
        upper = level[related.any(axis=1)]
        rows = (np.flatnonzero(row).tolist() for row in related if row.any())
        counts = [sum(counts[k] for k in row) for row in rows]
    return sum(counts)


def chain_counts(causet: Causet, max_length: int = 4) -> np.ndarray:
    """Numbers C_k of chains with k = 1 .. `max_length` elements, exact up to 2^53."""
    if max_length < 1:
        raise ValueError(f"max_length is {max_length}: it must be at least 1")
    ending, totals = np.ones(causet.size), []
    for _ in range(max_length):
        totals.append(ending.sum())
        ending = order_kernels.sums_over_past(causet.future, ending)
    return np.array(totals)


def interval_abundances(causet: Causet, max_interior: int | None = None) -> np.ndarray:
    """Number N_m of related pairs with exactly m elements strictly between them.

    int64 (max_interior + 1,), from m = 0 to `max_interior` (by default N - 2: the sum
    is then the number of related pairs). Takes relations x N / 64 word operations.

    Source: Glaser, Surya, Phys. Rev. D 88 (2013) 124026, arXiv:1309.3403.
    """
    if max_interior is None:
        max_interior = max(causet.size - 2, 0)
    if max_interior < 0:
        raise ValueError(f"max_interior is {max_interior}: it must be at least 0")
    histogram = np.zeros(max_interior + 1, np.int64)
    order_kernels.abundances(causet.future, causet.past, histogram)
    return histogram


def smearing_weights(dimension: int, size: int, smearing: float) -> np.ndarray:
    """Weight of N_m in the core action e N + sum_m w_m N_m for m = 0 .. size - 1.

    With smearing e this is e^2 sum_i c_i C(m, i) e^i (1 - e)^(m - i): the mean of the
    plain action (e = 1) over random thinning with keep probability e. Twice the core
    has mean 1 - exp(-e n) over sprinklings of the flat 2d diamond, exactly.

    Source: Benincasa, Dowker, Phys. Rev. Lett. 104 (2010) 181301; Dowker, Glaser,
    Class. Quantum Grav. 30 (2013) 195016, arXiv:1305.2588.
    """
    core = np.array(CORE_WEIGHTS[dimension])
    m = np.arange(size)[:, None]
    i = np.arange(len(core))
    kept = np.where(i <= m, i, 0)
    log_binomial = gammaln(m + 1) - gammaln(kept + 1) - gammaln(m - kept + 1)
    log_weight = log_binomial + xlogy(kept, smearing) + xlog1py(m - kept, -smearing)
    return smearing**2 * np.where(i <= m, np.exp(log_weight), 0) @ core


def expected_ordering_fraction(dimension: float) -> float:
    """Expected share of related pairs in a flat diamond: 1/2 in 2d (Meyer 1988)."""
    d = dimension
    return gamma(d + 1) * gamma(d / 2) / (2 * gamma(1.5 * d))


def ordering_fraction(causet: Causet) -> float:
    """Share r = 2R / (N (N - 1)) of the pairs of 2 or more elements that are related.

    For a 2d order without ties r = (1 + Kendall's tau) / 2.
    """
    check_size(causet, 2)
    return 2 * causet.n_relations / (causet.size * (causet.size - 1))


def dimension_of_fraction(fraction: float) -> float:
    """Dimension in [0.3, 20] of the flat diamond with this ordering fraction."""
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is {fraction}: a share lies in [0, 1]")
    ends = expected_ordering_fraction(_HIGHEST), expected_ordering_fraction(_LOWEST)
    if not ends[0] < fraction < ends[1]:
        return _LOWEST if fraction >= ends[1] else _HIGHEST
    return brentq(lambda d: expected_ordering_fraction(d) - fraction, _LOWEST, _HIGHEST)


def myrheim_meyer_dimension(causet: Causet) -> DimensionEstimate:
    """Dimension of the flat space-time whose diamonds have this ordering fraction.

    The order, of 4 elements or more, is taken as a whole for one diamond; of data take
    `causet.interval(i, j)` first. The 95 % interval is that of r as a U-statistic
    (Hajek projection) of independent elements.

    Source: Myrheim, CERN-TH-2538 (1978); Meyer, PhD thesis, MIT (1988).
    """
    check_size(causet, 4)
    fraction = ordering_fraction(causet)
    before, after = causet.degrees()
    shares = (before + after) / (causet.size - 1)
    error = 1.96 * float(2 * shares.std(ddof=1) / np.sqrt(causet.size))
    ends = fraction, min(1.0, fraction + error), max(0.0, fraction - error)
    return DimensionEstimate._make((*map(dimension_of_fraction, ends), fraction))


def midpoint_dimension(causet: Causet) -> float:
    """Dimension log2(N / N_half), N_half the largest min(before, after), N >= 4.

    The midpoint of a flat diamond cuts it into two of 2^-d of its volume. It reads too
    high on few elements: by .09, .25, .52 in d = 2, 3, 4 at N = 60. Source: Bombelli,
    PhD thesis, Syracuse (1987).
    """
    check_size(causet, 4)
    half = max(np.minimum(*causet.degrees()).max(), 0.5)
    return float(np.log2(causet.size / half))
