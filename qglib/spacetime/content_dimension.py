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
from qglib.spacetime.dimension import dimension_of_fraction
from qglib.spacetime.metrics import Distance, check_triangle, distance_function

# Set on streams of uniform contents; no real stream was looked at.
_SPEEDS = np.geomspace(0.08, 1.2, 16)  # in median distances per half interval
_LARGEST = 160  # above this the intervals tell more of the walls than of the point
_CENTRES = 400  # events tried as centres
_THINNED = 300  # elements of an interval looked at
_FEWEST_SPEEDS = 3  # for the extrapolation to small intervals
_SHARE = 0.25  # intervals come from this share of the centres, the fullest ones


@dataclass(frozen=True, eq=False)
class ContentDimension:
    """Dimension of the contents of a stream.

    Attributes:
        dimension: Myrheim-Meyer dimension of the space-time, less one.
        low: lower end of the 95 % interval (sampling error only).
        high: upper end.
        scan: one row per speed used: speed (content units per unit of time),
            dimension, standard_error, ordering_fraction, median_size of the
            intervals. Extrapolated to intervals of no size, its dimension gives the
            estimate.
    """

    dimension: float
    low: float
    high: float
    scan: pd.DataFrame

    def __float__(self) -> float:
        """The estimate alone."""
        return self.dimension


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
    _check(times, contents, speed, rng, intervals, min_size, duration, clock)
    contents = contents.reshape(len(times), -1)
    distance = distance_function(metric, contents)
    sample = rng.permutation(len(times))
    if callable(metric) or metric == "precomputed":
        check_triangle(distance, sample)
    window = float(np.ptp(times))
    if not window > 0:
        raise ValueError("times are all equal: a stream needs at least two instants")
    place = (times - times.min()) / window
    if clock == "rank":
        place = (rankdata(times) - 0.5) / len(times)
    centres = sample[:_CENTRES]
    needed = _needed_speed(distance, place, centres, duration)
    if speed is None:
        near = distance(sample[:300], sample[:300])
        if not (near > 0).any():
            raise ValueError("contents are all equal: they have no dimension")
        speeds = _SPEEDS * np.median(near[near > 0]) / (duration / 2)
    else:
        speeds = np.array([speed * window])
    chosen = _usable(needed, speeds, intervals, min_size, speed is None)
    found = [
        _read(distance, place, needed, centres, rows, speeds[k], rng)
        for k, rows in chosen.items()
    ]
    dimension, influence, fraction, sizes = zip(*found, strict=True)
    error = np.array([np.sqrt((one**2).sum()) for one in influence])
    weights = _weights(speeds[list(chosen)], error)
    value = float(weights @ np.array(dimension))
    margin = norm.ppf(0.975) * np.sqrt(((weights @ np.array(influence)) ** 2).sum())
    scan = pd.DataFrame(
        {
            "speed": speeds[list(chosen)] / window,
            "dimension": dimension,
            "standard_error": error,
            "ordering_fraction": fraction,
            "median_size": [float(np.median(one)) for one in sizes],
        }
    )
    low, high = float(value - margin), float(value + margin)
    return ContentDimension(max(value, 0.0), max(low, 0.0), max(high, 0.0), scan)


def _needed_speed(
    distance: Distance, place: np.ndarray, centres: np.ndarray, duration: float
) -> np.ndarray:
    """Speed at which each event enters the interval of each centre, (m, n)."""
    middle = np.clip(place[centres], duration / 2, 1 - duration / 2)
    left = duration / 2 - np.abs(place - middle[:, None])
    gap = distance(centres, np.arange(len(place)))
    speed = np.where(left > 0, gap / np.where(left > 0, left, 1.0), np.inf)
    speed[np.arange(len(centres)), centres] = np.inf  # the centre is no witness
    return speed


def _usable(
    needed: np.ndarray, speeds: np.ndarray, intervals: int, min_size: int, scan: bool
) -> dict[int, np.ndarray]:
    """Places of the speeds whose intervals are large enough, with their centres.

    The centres are in random order, so taking the first of the fullest is a draw.

    Raises:
        ValueError: at no speed is an interval large enough.
    """
    chosen, median = {}, {}
    for k, speed in enumerate(speeds):
        sizes = (needed <= speed).sum(axis=1)
        count = min(len(sizes), max(intervals, int(_SHARE * len(sizes))))
        rows = np.sort(np.argsort(-sizes, kind="stable")[:count])[:intervals]
        if np.median(sizes[rows]) >= min_size:
            chosen[k], median[k] = rows, np.median(sizes[rows])
    if not chosen:
        most = int((needed <= speeds[-1]).sum(axis=1).max())
        raise ValueError(
            f"no interval is large enough: the largest holds {most} events and "
            f"min_size is {min_size}. Take more events, a larger speed or duration, "
            "or a smaller min_size (below 20 the estimate is unreliable)"
        )
    # beyond the cap only as many speeds as the fit needs
    small = [k for k in chosen if median[k] <= _LARGEST]
    if scan and len(small) < _FEWEST_SPEEDS:
        small = list(chosen)[:_FEWEST_SPEEDS]
    return {k: chosen[k] for k in small} if scan else chosen


def _read(
    distance: Distance,
    place: np.ndarray,
    needed: np.ndarray,
    centres: np.ndarray,
    rows: np.ndarray,
    speed: float,
    rng: np.random.Generator,
) -> tuple[float, np.ndarray, float, list[int]]:
    """Dimension at one speed, what each event adds to it, fraction, sizes."""
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
    return d - 1 - jensen, change / slope, float(fraction), sizes


def _weights(speeds: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Weights of the readings in the value at speed 0 of the line in speed^2."""
    precision = 1 / np.maximum(error, 1e-3) ** 2
    share = precision / precision.sum()
    if len(speeds) < _FEWEST_SPEEDS:
        return share
    square = speeds**2
    centre = share @ square
    lever = share * (square - centre)
    return share - centre * lever / (lever @ (square - centre))


def _check(times, contents, speed, rng, intervals, min_size, duration, clock) -> None:
    """Raise `ValueError` for arguments of `content_dimension` out of range."""
    if times.ndim != 1 or len(times) != len(contents):
        raise ValueError(
            f"times has shape {times.shape} and contents has {len(contents)} rows: "
            "times must be (n,) with one content each"
        )
    if rng is None:
        raise ValueError("rng is left out: pass a numpy Generator")
    if speed is not None and not (speed > 0 and np.isfinite(speed)):
        raise ValueError(f"speed is {speed}: it must be a positive number")
    if intervals < 1 or min_size < 3:
        raise ValueError(
            f"intervals is {intervals} and min_size {min_size}: they must be at least "
            "1 and 3"
        )
    if not 0 < duration <= 1:
        raise ValueError(f"duration is {duration}: a share of the window, in (0, 1]")
    if clock not in ("rank", "time"):
        raise ValueError(f'clock is {clock!r}: choose "rank" or "time"')
