"""Intrinsic dimension of the contents of an event stream, by its causal order.

Events in a window of time, with contents spread over a manifold of dimension s,
fill a flat space-time of s + 1 dimensions wherever the manifold is nearly flat and
evenly filled. The Myrheim-Meyer dimension of a small Alexandrov interval, less
one, is then s. Here an interval stands around the content of one event: its two
ends lie at that content, `duration` apart, and it holds the events that both
ends can reach under the speed limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import polygamma
from scipy.stats import norm, rankdata

from qglib.spacetime.constructions import _numbers
from qglib.spacetime.content_intervals import (
    check_stream,
    largest_intervals,
    needed_speed,
)
from qglib.spacetime.dimension import dimension_of_fraction
from qglib.spacetime.metrics import Distance, check_triangle, distance_function

# Set on streams of uniform contents; no real stream was looked at.
_SPEEDS = np.geomspace(0.08, 1.2, 16)  # in median distances per half interval
_LARGEST = 160  # above this the intervals tell more of the walls than of the point
_CENTRES = 400  # events tried as centres
_THINNED = 300  # elements of an interval looked at
_FEWEST_SPEEDS = 3  # for the extrapolation to small intervals


@dataclass(frozen=True, eq=False)
class ContentDimension:
    """Dimension of the contents of a stream.

    Attributes:
        dimension: Myrheim-Meyer dimension of the space-time, less one.
        low: lower end of the 95 % interval (sampling error only).
        high: upper end.
        speed: the speed limit given, or the smallest of the scan, in content
            units per unit of time.
        n_intervals: intervals averaged at each speed.
        interval_sizes: events inside each interval at `speed`.
        plateau: smallest and largest speed used.
        scan: one row per speed: speed, dimension, standard_error,
            ordering_fraction, median_size. Extrapolated to intervals of no
            size, its dimension gives the estimate.
    """

    dimension: float
    low: float
    high: float
    speed: float
    n_intervals: int
    interval_sizes: tuple[int, ...]
    plateau: tuple[float, float]
    scan: pd.DataFrame

    def __float__(self) -> float:
        """The estimate alone."""
        return self.dimension


@dataclass(frozen=True, eq=False)
class _Reading:
    """One speed: dimension and what each event adds to it."""

    dimension: float
    influence: np.ndarray
    fraction: float
    sizes: tuple[int, ...]

    @property
    def error(self) -> float:
        return float(np.sqrt((self.influence**2).sum()))


def content_dimension(
    times: np.ndarray,
    contents: np.ndarray,
    metric: str | Callable[[np.ndarray, np.ndarray], np.ndarray] = "euclidean",
    speed: float | None = None,
    rng: np.random.Generator | None = None,
    intervals: int = 30,
    min_size: int = 20,
    duration: float = 1.0,
    clock: str = "rank",
) -> ContentDimension:
    """Myrheim-Meyer dimension, less one, of small intervals clear of the walls.

    Up to 400 events are tried as centres. At each speed the intervals are drawn
    from the quarter of the centres whose intervals hold most events: a wall takes
    events away. Their related pairs are pooled, so that the fraction of related
    pairs is unbiased whatever the sizes; the curvature of the map from fraction
    to dimension is taken off to second order. The standard error is that of the
    pooled U-statistic: it counts an event once that lies in many intervals.

    With `speed=None` the speeds are scanned, those whose median interval holds
    `min_size` to 160 events are kept, and dimension = a + b speed^2 is fitted
    with weights 1 / error^2; a is the estimate. Uneven filling and curvature
    enter first with the square of the radius of an interval, as odd orders
    cancel around its centre.

    Args:
        times: shape (n,), any unit.
        contents: shape (n,) or (n, k).
        metric: see `Causet.from_events`.
        speed: largest distance a content may travel in one unit of time; the
            dimension is then that at this speed, without extrapolation.
        rng: chooses centres and intervals.
        intervals: how many to average; they overlap.
        min_size: fewest events in the median interval.
        duration: length of an interval as a share of the window, in (0, 1].
            Shorten it where the contents move with time.
        clock: "rank" measures time by the number of events (bursts of events do
            no harm), "time" as given.

    Raises:
        ValueError: NaN, wrong shapes, arguments out of range, equal contents or
            times, no `rng`, or no interval that is large enough.

    The interval of the estimate leaves out what walls, curvature and uneven
    filling do. Times that say nothing of the contents add no information: the
    dimension is then read from distances alone, as by its rivals.
    """
    times, contents = _numbers(times, "times"), _numbers(contents, "contents")
    check_stream(times, contents, speed, rng, intervals, min_size, duration, clock)
    contents = contents.reshape(len(times), -1)
    distance = distance_function(metric, contents)
    sample = rng.permutation(len(times))
    if callable(metric) or metric == "precomputed":
        check_triangle(distance, sample)
    window = float(np.ptp(times))
    if not window > 0:
        raise ValueError("times are all equal: a stream needs at least two instants")
    place = (
        (rankdata(times) - 0.5) / len(times)
        if clock == "rank"
        else (times - times.min()) / window
    )
    centres = sample[:_CENTRES]
    needed = needed_speed(distance, place, centres, duration)
    if speed is None:
        near = distance(sample[:300], sample[:300])
        typical = np.median(near[near > 0]) if (near > 0).any() else 0.0
        if not typical > 0:
            raise ValueError("contents are all equal: they have no dimension")
        speeds = _SPEEDS * typical / (duration / 2)
    else:
        speeds = np.array([speed * window])
    chosen = [largest_intervals(needed <= c, intervals, min_size) for c in speeds]
    usable = [k for k, rows in enumerate(chosen) if rows is not None]
    if speed is None:
        # beyond the cap only as many speeds as the fit needs
        median = {k: np.median((needed[chosen[k]] <= speeds[k]).sum(1)) for k in usable}
        small = [k for k in usable if median[k] <= _LARGEST]
        usable = small if len(small) >= _FEWEST_SPEEDS else usable[:_FEWEST_SPEEDS]
    if not usable:
        most = int((needed <= speeds[-1]).sum(axis=1).max())
        raise ValueError(
            f"no interval is large enough: the largest holds {most} events and "
            f"min_size is {min_size}. Take more events, a larger speed or duration, "
            "or a smaller min_size (below 20 the estimate is unreliable)"
        )
    readings = [
        _read(distance, place, needed, centres, chosen[k], speeds[k], rng)
        for k in usable
    ]
    weights = _weights(speeds[usable], readings)
    value = float(sum(w * r.dimension for w, r in zip(weights, readings, strict=True)))
    influence = sum(w * r.influence for w, r in zip(weights, readings, strict=True))
    margin = float(norm.ppf(0.975) * np.sqrt((influence**2).sum()))
    scan = pd.DataFrame(
        {
            "speed": speeds[usable] / window,
            "dimension": [r.dimension for r in readings],
            "standard_error": [r.error for r in readings],
            "ordering_fraction": [r.fraction for r in readings],
            "median_size": [float(np.median(r.sizes)) for r in readings],
        }
    )
    return ContentDimension(
        max(value, 0.0),
        max(value - margin, 0.0),
        max(value + margin, 0.0),
        float(scan.speed.iloc[0]),
        len(readings[0].sizes),
        readings[0].sizes,
        (float(scan.speed.iloc[0]), float(scan.speed.iloc[-1])),
        scan,
    )


def _read(
    distance: Distance,
    place: np.ndarray,
    needed: np.ndarray,
    centres: np.ndarray,
    rows: np.ndarray,
    speed: float,
    rng: np.random.Generator,
) -> _Reading:
    """Pooled ordering fraction and dimension of some intervals at one speed."""
    related, partners, sizes = np.zeros(len(place)), np.zeros(len(place)), []
    for row in rows:
        inside = np.flatnonzero(needed[row] <= speed)
        sizes.append(len(inside))
        if len(inside) > _THINNED:  # a uniform subset has the same mean fraction
            inside = np.sort(rng.choice(inside, _THINNED, replace=False))
        clock = place[inside]
        delay = np.abs(clock[:, None] - clock)
        order = (distance(inside, inside) <= speed * delay) & (delay > 0)
        related[inside] += order.sum(axis=1)
        partners[inside] += len(inside) - 1
    fraction = related.sum() / max(partners.sum(), 1)
    if not fraction > 0:
        raise ValueError(
            f"no two of the events in {len(rows)} intervals are related at speed "
            f"{speed:.4g} per window: give a larger speed or min_size"
        )
    d = dimension_of_fraction(min(fraction, 1.0))
    # ln r = ln G(d+1) + ln G(d/2) - ln 2 - ln G(3d/2): slope and bend in d
    slope = polygamma(0, d + 1) + polygamma(0, d / 2) / 2 - 1.5 * polygamma(0, 1.5 * d)
    bend = polygamma(1, d + 1) + polygamma(1, d / 2) / 4 - 2.25 * polygamma(1, 1.5 * d)
    change = (related - fraction * partners) / (partners.sum() / 2) / fraction
    spread = float((change**2).sum())  # variance of ln r
    jensen = -(bend / slope**3 + 1 / slope) * spread / 2
    return _Reading(d - 1 - jensen, change / slope, float(fraction), tuple(sizes))


def _weights(speeds: np.ndarray, readings: list[_Reading]) -> np.ndarray:
    """Weights of the readings in the value at speed 0 of the line in speed^2."""
    precision = np.array([1 / max(r.error, 1e-3) ** 2 for r in readings])
    share = precision / precision.sum()
    if len(readings) < _FEWEST_SPEEDS:
        return share
    square = speeds**2
    centre = share @ square
    lever = share * (square - centre)
    return share - centre * lever / (lever @ (square - centre))
