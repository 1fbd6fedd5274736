"""Ordering fraction and Myrheim-Meyer dimension, global and on intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from .abundances import expected_ordering_fraction
from .causet import Causet

_LOWEST, _HIGHEST = 0.3, 20.0


@dataclass(frozen=True)
class DimensionEstimate:
    """A Myrheim-Meyer dimension with its interval.

    Attributes:
        dimension: the estimate.
        low: lower end of the 95 % interval.
        high: upper end.
        ordering_fraction: share of related pairs it was read from.
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
    degree = np.bitwise_count(causet.future).sum(axis=1, dtype=np.int64)
    degree += np.bitwise_count(causet.past).sum(axis=1, dtype=np.int64)
    shares = degree / (causet.size - 1)
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
    _check_size(causet)
    if scope == "global":
        fraction = ordering_fraction(causet)
        error = 1.96 * _fraction_error(causet)
        return DimensionEstimate(
            dimension_of_fraction(fraction),
            dimension_of_fraction(min(1.0, fraction + error)),
            dimension_of_fraction(max(0.0, fraction - error)),
            fraction,
            (causet.size,),
        )
    if scope != "local":
        raise ValueError(f'scope is {scope!r}: choose "global" or "local"')
    if rng is None:
        raise ValueError('scope="local" needs rng: pass a numpy Generator')
    pairs = clear_intervals(causet, rng, n_intervals, min_size)
    if not len(pairs):
        raise ValueError(
            f"no interval has {min_size} elements and stays clear of the walls: lower "
            "min_size or the speed, or take more events"
        )
    parts = [causet.interval(i, j) for i, j in pairs]
    fractions = np.array([ordering_fraction(part) for part in parts])
    values = np.array([dimension_of_fraction(f) for f in fractions])
    low, high = np.quantile(values, [0.025, 0.975])
    return DimensionEstimate(
        float(values.mean()),
        float(low),
        float(high),
        float(fractions.mean()),
        tuple(part.size for part in parts),
    )


def clear_intervals(
    causet: Causet,
    rng: np.random.Generator,
    n_intervals: int = 30,
    min_size: int = 20,
    n_starts: int = 400,
) -> np.ndarray:
    """Pairs (i, j) whose intervals are large and clear of the walls.

    Looks at the futures of up to `n_starts` random elements, keeps the pairs with
    at least `min_size` elements between them that pass the wall test, and draws
    `n_intervals` among the largest ten times as many.

    Returns:
        int64 array of shape (k, 2), k <= n_intervals.
    """
    starts = rng.permutation(causet.size)[:n_starts]
    found = []
    for i in starts:
        later = causet.future_of(i)
        if len(later) < min_size:
            continue
        first = i >> 6
        common = causet.past[later, first:] & causet.future[i, first:]
        sizes = np.bitwise_count(common).sum(axis=1, dtype=np.int64)
        keep = (sizes >= min_size) & _clear_of_walls(causet, int(i), later)
        found.append(
            np.column_stack([np.full(keep.sum(), i), later[keep], sizes[keep]])
        )
    if not found:
        return np.empty((0, 2), np.int64)
    table = np.concatenate(found)
    table = table[np.argsort(-table[:, 2], kind="stable")][: 10 * n_intervals]
    chosen = rng.permutation(len(table))[:n_intervals]
    return table[np.sort(chosen), :2]


def _clear_of_walls(causet: Causet, i: int, later: np.ndarray) -> np.ndarray:
    """Whether the diamond of (i, j) stays inside the box of the coordinates.

    Along a spatial axis it reaches sqrt(tau^2 + dx^2) / 2 from its middle.
    Without coordinates nothing is known about walls: all intervals pass.
    """
    points = causet.coordinates
    if points is None:
        return np.ones(len(later), bool)
    low, high = points[:, 1:].min(axis=0), points[:, 1:].max(axis=0)
    step = points[later] - points[i]
    tau2 = step[:, 0] ** 2 - (step[:, 1:] ** 2).sum(axis=1)
    reach = np.sqrt(np.maximum(tau2[:, None] + step[:, 1:] ** 2, 0)) / 2
    middle = points[i, 1:] + step[:, 1:] / 2
    return ((middle - reach >= low) & (middle + reach <= high)).all(axis=1)
