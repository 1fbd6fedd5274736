"""Ordering fraction, and the dimension of the diamond that would have it."""

from __future__ import annotations

from dataclasses import dataclass
from math import gamma

import numpy as np
from scipy.optimize import brentq

from qglib.spacetime.causet import Causet

_LOWEST, _HIGHEST = 0.3, 20.0


@dataclass(frozen=True)
class DimensionEstimate:
    """A dimension with its interval.

    Attributes:
        dimension: the estimate.
        low: lower end of the 95 % interval.
        high: upper end.
        ordering_fraction: share of related pairs.
    """

    dimension: float
    low: float
    high: float
    ordering_fraction: float


def expected_ordering_fraction(dimension: float) -> float:
    """Expected share of related pairs in a flat diamond (Myrheim; Meyer 1988).

    1, 1/2, 8/35, 1/10 for dimension 1, 2, 3, 4.
    """
    d = dimension
    return gamma(d + 1) * gamma(d / 2) / (2 * gamma(1.5 * d))


def ordering_fraction(causet: Causet) -> float:
    """Share r = 2R / (N (N - 1)) of the pairs that are related.

    For a 2d order without ties r = (1 + Kendall's tau) / 2.

    Raises:
        ValueError: fewer than two elements.
    """
    check_size(causet, 2)
    return 2 * causet.n_relations / (causet.size * (causet.size - 1))


def dimension_of_fraction(fraction: float) -> float:
    """Dimension of the flat diamond with this ordering fraction, in [0.3, 20].

    Raises:
        ValueError: a fraction outside [0, 1].
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is {fraction}: a share lies in [0, 1]")
    ends = expected_ordering_fraction(_HIGHEST), expected_ordering_fraction(_LOWEST)
    if not ends[0] < fraction < ends[1]:
        return _LOWEST if fraction >= ends[1] else _HIGHEST
    return brentq(lambda d: expected_ordering_fraction(d) - fraction, _LOWEST, _HIGHEST)


def myrheim_meyer_dimension(causet: Causet) -> DimensionEstimate:
    """Dimension of the flat space-time whose diamonds have this ordering fraction.

    Args:
        causet: the order, taken as a whole for one diamond. Data fill a box, not a
            diamond: take `causet.interval(i, j)` first.

    Returns:
        `DimensionEstimate`; its 95 % interval comes from the sampling error of r as
        a U-statistic (Hajek projection) of independent elements.

    Raises:
        ValueError: fewer than 4 elements.

    Source: Myrheim, CERN-TH-2538 (1978); Meyer, PhD thesis, MIT (1988).
    """
    check_size(causet, 4)
    fraction = ordering_fraction(causet)
    before, after = causet.degrees()
    shares = (before + after) / (causet.size - 1)
    error = 1.96 * float(2 * shares.std(ddof=1) / np.sqrt(causet.size))
    return DimensionEstimate(
        dimension_of_fraction(fraction),
        dimension_of_fraction(min(1.0, fraction + error)),
        dimension_of_fraction(max(0.0, fraction - error)),
        fraction,
    )


def midpoint_dimension(causet: Causet) -> float:
    """Dimension from the volume of half a diamond: log2(N / N_half).

    N_half is the largest number min(before, after) over the elements: the midpoint
    of a flat diamond cuts it into two of 2^-d of its volume. It reads other pairs
    than the ordering fraction does, so that the two dimensions agree is a test. It
    reads too high on few elements: by .09, .25, .52 in d = 2, 3, 4 at N = 60.

    Raises:
        ValueError: fewer than 4 elements.

    Source: Bombelli, PhD thesis, Syracuse (1987).
    """
    check_size(causet, 4)
    half = max(np.minimum(*causet.degrees()).max(), 0.5)
    return float(np.log2(causet.size / half))


def check_size(causet: Causet, least: int) -> None:
    """Raise `ValueError` for fewer than `least` elements."""
    if causet.size < least:
        raise ValueError(
            f"the causal set has {causet.size} elements: at least {least} are needed"
        )
