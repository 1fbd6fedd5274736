"""Interval abundances: how many related pairs have m elements between them.

Counts are of interior elements, so m = 0 is a link. Measured counts come from
one pass over the relations; expected ones for the flat diamond from one integral.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, xlogy

from qglib.engines.orders import order_kernels, permutation_kernels
from qglib.spacetime.causet import Causet
from qglib.spacetime.dimension import expected_ordering_fraction
from qglib.spacetime.sprinkling import check_dimension

_CELLS = 1 << 19  # integrand values held at a time


def interval_abundances(causet: Causet, max_interior: int | None = None) -> np.ndarray:
    """Number N_m of related pairs with exactly m elements strictly between them.

    Args:
        causet: the order.
        max_interior: largest m; N - 2 if left out.

    Returns:
        int64 array of length max_interior + 1; its sum is the number of related
        pairs if `max_interior` is left out.

    Raises:
        ValueError: max_interior is negative.

    Cost: O(N^2) time and O(N) memory for a 2d order, else relations x N / 64 word
    operations on two packed relations.
    Source: Glaser, Surya, Phys. Rev. D 88 (2013) 124026, arXiv:1309.3403.
    """
    if max_interior is None:
        max_interior = max(causet.size - 2, 0)
    if max_interior < 0:
        raise ValueError(f"max_interior is {max_interior}: it must be at least 0")
    histogram = np.zeros(max_interior + 1, np.int64)
    if causet.permutation is not None:
        ranks = causet.permutation.astype(np.int32)
        permutation_kernels.abundances(ranks, histogram)
    else:
        order_kernels.abundances(causet.future, causet.past, histogram)
    return histogram


# ------------------------------------------------------------ the flat diamond
@lru_cache(maxsize=8)
def _density_terms(dimension: int) -> tuple[tuple[float, float, float], ...]:
    """Terms (power, coefficient, coefficient of the logarithm) of p_d(v).

    p_d is the density of the volume fraction v of the interval of two ordered
    points. Its Mellin moments are K / prod_q (q + s) over the 2d poles
    q = a_k, a_k + 1 with a_0 = 1, a_k = 2k / d: partial fractions give p_d.
    """
    starts = [Fraction(1)] + [Fraction(2 * k, dimension) for k in range(1, dimension)]
    poles = starts + [a + 1 for a in starts]
    norm = Fraction(1)
    for pole in poles:
        norm *= pole
    half_fraction = expected_ordering_fraction(dimension) / 2
    terms = []
    for q in sorted(set(poles)):
        others = [p - q for p in poles if p != q]
        value, slope = Fraction(1), Fraction(0)
        for difference in others:
            value /= difference
            slope -= 1 / difference
        scale = float(norm * value) * half_fraction
        if poles.count(q) == 1:
            terms.append((float(q) - 1, scale, 0.0))
        else:  # a double pole leaves a logarithm
            terms.append((float(q) - 1, scale * float(slope), -scale))
    return tuple(terms)


def expected_interval_abundances(
    dimension: int, mean_count: float, max_interior: int
) -> np.ndarray:
    """Mean abundances of a Poisson sprinkling of the flat diamond.

    Args:
        dimension: 2, 3 or 4.
        mean_count: Poisson mean n.
        max_interior: largest m.

    Returns:
        float64 array of length max_interior + 1,
        <N_m> = n^2 int_0^1 p_d(v) (nv)^m exp(-nv) / m! dv.

    Raises:
        ValueError: a dimension other than 2, 3, 4, a mean that is not positive,
            a negative max_interior.

    Source: Glaser, Surya 2013 (there as a hypergeometric series, which loses
    n / 2 decimal digits); the integral keeps about 1e-11 relative.
    """
    check_dimension(dimension)
    if not 0 < mean_count < np.inf or max_interior < 0:
        raise ValueError(
            f"mean_count is {mean_count} and max_interior {max_interior}: they must "
            "be positive and finite, and at least 0"
        )
    log_v, weights = _log_nodes(max_interior)
    v = np.exp(log_v)
    density = np.zeros_like(v)
    for power, plain, logarithm in _density_terms(dimension):
        density += np.exp(power * log_v) * (plain + logarithm * log_v)
    base = mean_count**2 * weights * density * v  # dv = v d(log v)
    rate = mean_count * v
    expected = np.empty(max_interior + 1)
    step = max(1, _CELLS // len(v))
    for start in range(0, max_interior + 1, step):
        m = np.arange(start, min(start + step, max_interior + 1))[:, None]
        expected[m[:, 0]] = np.exp(xlogy(m, rate) - rate - gammaln(m + 1)) @ base
    return expected


@lru_cache(maxsize=8)
def _log_nodes(max_interior: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre panels in log v, fine enough for a peak of width m**-1/2."""
    width = min(0.5, 3 / np.sqrt(max_interior + 1))
    near = np.arange(-12.0, width / 2, width)
    near = near - near[-1]  # the last edge is v = 1
    edges = np.concatenate([np.arange(near[0] - 90, near[0], 0.5), near])
    x, w = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges)[:, None] / 2
    nodes = edges[:-1, None] + half * (x + 1)
    return nodes.ravel(), (half * w).ravel()
