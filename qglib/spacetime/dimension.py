"""Ordering fraction; Myrheim-Meyer and midpoint dimension, global and on intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from .abundances import expected_ordering_fraction
from .causet import Causet
from .intervals import clear_intervals

_LOWEST, _HIGHEST = 0.3, 20.0


@dataclass(frozen=True)
class DimensionEstimate:
    """A dimension with its interval.

    Attributes:
        dimension: the estimate.
        low: lower end of the 95 % interval.
        high: upper end.
        ordering_fraction: share of related pairs (the mean over intervals).
        sizes: elements of each interval used, (N,) for the global estimate.
    """

    dimension: float
    low: float
    high: float
    ordering_fraction: float
    sizes: tuple[int, ...]

    def __float__(self) -> float:
        """The estimate alone."""
        return self.dimension


def _check_size(causet: Causet, least: int = 4) -> None:
    if causet.size < least:
        raise ValueError(
            f"the causal set has {causet.size} elements: at least {least} are needed"
        )


def ordering_fraction(causet: Causet) -> float:
    """Share r = 2R / (N (N - 1)) of the pairs that are related.

    For a 2d order without ties r = (1 + Kendall's tau) / 2.

    Raises:
        ValueError: fewer than two elements.
    """
    _check_size(causet, 2)
    return 2 * causet.n_relations / (causet.size * (causet.size - 1))


def dimension_of_fraction(fraction: float) -> float:
    """Dimension of the flat diamond with this ordering fraction.

    The dimension is clipped to [0.3, 20]; a fraction of 1 reads 1 (a chain).
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is {fraction}: a share lies in [0, 1]")
    if fraction >= expected_ordering_fraction(_LOWEST):
        return _LOWEST
    if fraction <= expected_ordering_fraction(_HIGHEST):
        return _HIGHEST
    return float(
        brentq(lambda d: expected_ordering_fraction(d) - fraction, _LOWEST, _HIGHEST)
    )


def _fraction_error(causet: Causet) -> float:
    """Standard error of the ordering fraction as a U-statistic (Hajek projection)."""
    before, after = causet.degrees()
    shares = (before + after) / (causet.size - 1)
    return float(2 * shares.std(ddof=1) / np.sqrt(causet.size))


def myrheim_meyer_dimension(
    causet: Causet,
    scope: str = "global",
    rng: np.random.Generator | None = None,
    n_intervals: int = 30,
    min_size: int = 20,
) -> DimensionEstimate:
    """Dimension of the flat space-time whose diamonds have this ordering fraction.

    Args:
        causet: the order.
        scope: "global" takes the whole set for one diamond (right for a sprinkled
            diamond); "local" averages over Alexandrov intervals, which is right
            for data in a box.
        rng: chooses the intervals of scope="local".
        n_intervals: how many intervals to average.
        min_size: fewest elements inside an interval (below 20 it is biased).

    Returns:
        `DimensionEstimate`. Its interval is, for "global", the 95 % interval from
        the sampling error of r (independent elements); for "local", the 2.5 and
        97.5 % points of the interval values: their spread, as intervals overlap.

    Raises:
        ValueError: fewer than 4 elements, an unknown scope, no `rng` for "local",
            or no interval that is large enough and clear of the walls.

    Of the intervals clear of the walls the largest are used. With coordinates the
    walls are those of the bounding box of the events, and an interval is clear if
    its diamond does not reach through them.

    Source: Myrheim, CERN-TH-2538 (1978); Meyer, PhD thesis, MIT (1988).
    """
    if scope == "local":
        return _over_intervals(causet, _of_fraction, rng, n_intervals, min_size)
    _check_global(causet, scope)
    fraction = ordering_fraction(causet)
    error = 1.96 * _fraction_error(causet)
    return DimensionEstimate(
        dimension_of_fraction(fraction),
        dimension_of_fraction(min(1.0, fraction + error)),
        dimension_of_fraction(max(0.0, fraction - error)),
        fraction,
        (causet.size,),
    )


def midpoint_dimension(
    causet: Causet,
    scope: str = "global",
    rng: np.random.Generator | None = None,
    n_intervals: int = 30,
    min_size: int = 20,
) -> DimensionEstimate:
    """Dimension from the volume of half a diamond: log2(N / N_half).

    N_half is the largest number min(before, after) over the elements: the midpoint
    of a flat diamond cuts it into two of 2^-d of its volume. It reads other pairs
    than the ordering fraction does, so that the two dimensions agree is a test.

    Args:
        causet: the order.
        scope: as for `myrheim_meyer_dimension`, like all further arguments.
        rng: chooses the intervals of scope="local".
        n_intervals: how many intervals to average.
        min_size: fewest elements inside an interval.

    Returns:
        `DimensionEstimate`. Its interval is, for "global", two binomial standard
        errors of N_half (wide: the best midpoint scatters less, and in d = 4 reads
        0.2 too high at N = 800); for "local", the 2.5 and 97.5 % points.

    Raises:
        ValueError: as `myrheim_meyer_dimension`.

    Source: Bombelli, PhD thesis, Syracuse (1987).
    """
    if scope == "local":
        return _over_intervals(causet, _of_midpoint, rng, n_intervals, min_size)
    _check_global(causet, scope)
    value = _of_midpoint(causet)
    half = causet.size / 2**value
    error = 2 * np.sqrt((1 - min(1.0, 2**-value)) / half) / np.log(2)
    low, high = np.clip([value - error, value + error], _LOWEST, _HIGHEST)
    fraction = ordering_fraction(causet)
    return DimensionEstimate(value, float(low), float(high), fraction, (causet.size,))


def _of_fraction(causet: Causet) -> float:
    return dimension_of_fraction(ordering_fraction(causet))


def _of_midpoint(causet: Causet) -> float:
    half = max(float(np.minimum(*causet.degrees()).max()), 0.5)
    return float(np.clip(np.log2(causet.size / half), _LOWEST, _HIGHEST))


def _check_global(causet: Causet, scope: str) -> None:
    _check_size(causet)
    if scope != "global":
        raise ValueError(f'scope is {scope!r}: choose "global" or "local"')


def _over_intervals(
    causet: Causet,
    read: Callable[[Causet], float],
    rng: np.random.Generator | None,
    n_intervals: int,
    min_size: int,
) -> DimensionEstimate:
    """Mean and spread of a dimension over large intervals clear of the walls."""
    _check_size(causet)
    if rng is None:
        raise ValueError('scope="local" needs rng: pass a numpy Generator')
    pairs = clear_intervals(causet, rng, n_intervals, min_size)
    if not len(pairs):
        raise ValueError(
            f"no interval has {min_size} elements and stays clear of the walls: lower "
            "min_size or the speed, or take more events"
        )
    parts = [causet.interval(i, j) for i, j in pairs]
    values = np.array([read(part) for part in parts])
    low, high = np.quantile(values, [0.025, 0.975])
    return DimensionEstimate(
        float(values.mean()),
        float(low),
        float(high),
        float(np.mean([ordering_fraction(part) for part in parts])),
        tuple(part.size for part in parts),
    )
