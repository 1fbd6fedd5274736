"""Alarms on a stream: statistics, a threshold at a false-alarm level, delay.

Time runs along the last axis; other axes are streams.  An alarm is raised where a
statistic is above its threshold.  Score a detector by its delay at a fixed level, and
calibrate on other streams than you score.

Sources: Page, Biometrika 41 (1954) 100 (CUSUM); Lorden, Ann. Math. Stat. 42 (1971)
1897 (it is optimal where its likelihood ratio is right); Roberts, Technometrics 1
(1959) 239 (EWMA); Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World"
(2005) (the rank that holds a level on fresh data).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Delays(NamedTuple):
    """Delay of each stream, share missed, share that alarmed too early."""

    delay: np.ndarray  # steps from the change up to and with the alarm, 1 at best
    missed: float  # of the streams that were silent before the change
    early: float  # false alarms before the change, of all streams


def cusum(increments: ArrayLike, start: float = 0.0) -> np.ndarray:
    """Page's statistic S_t = max(0, S_{t-1} + z_t).

    Args:
        increments: z, shape (..., steps); log f1(x) / f0(x) is the best choice.
        start: S before the first step, from 0; half the threshold alarms faster where
            the change may have come before the watch.

    Raises:
        ValueError: no steps, values that are not finite, a start below 0.
    """
    values, level = _streams("increments", increments), _start(start)
    path = np.empty_like(values)
    state = np.full(values.shape[:-1], level)
    for step in range(values.shape[-1]):  # no cumulative sums: `Cusum` must agree
        state = np.maximum(0.0, state + values[..., step])
        path[..., step] = state
    return path


def ewma(values: ArrayLike, weight: float, start: float = 0.0) -> np.ndarray:
    """Moving average E_t = (1 - w) E_{t-1} + w x_t, shape of ``values``.

    ``weight`` is w, above 0 and at most 1; ``start`` is E before the first step, the
    normal mean (0 for standardised values).

    Raises:
        ValueError: no steps, values that are not finite, a weight out of range.
    """
    if not 0 < weight <= 1:
        raise ValueError(f"weight is {weight}: give a number above 0 and at most 1")
    values = _streams("values", values)
    path = np.empty_like(values)
    state = np.full(values.shape[:-1], float(start))
    for step in range(values.shape[-1]):
        state = (1 - weight) * state + weight * values[..., step]
        path[..., step] = state
    return path


def calibrate(statistics: ArrayLike, level: float) -> float:
    """Threshold that a normal stream passes at any time with probability ``level``.

    ``statistics`` has shape (streams, steps). The threshold is the k-th smallest of the
    n maxima, k = ceil((1 - level) (n + 1)): a fresh stream of the same length passes it
    with at most ``level``.

    Raises:
        ValueError: a level outside (0, 1), too few streams for it, bad values.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: give a number between 0 and 1")
    highest = np.sort(_table("statistics", statistics).max(axis=1))
    rank = math.ceil(round((1 - level) * (len(highest) + 1), 9))
    if rank > len(highest):
        needed = math.ceil(1 / level) - 1
        raise ValueError(
            f"statistics holds {len(highest)} streams, level {level} needs {needed}: "
            "add normal streams, cut them shorter, or take a larger level"
        )
    return float(highest[rank - 1])


def delays(statistics: ArrayLike, threshold: float, change: int) -> Delays:
    """Delay from the change to the alarm; the change is at index ``change``.

    ``delay`` has shape (streams,): inf where no alarm came, NaN where one came before
    the change, so that detectors pair stream by stream.  With ``change=0`` it is the
    run length.

    Raises:
        ValueError: a change outside the streams, bad values.
    """
    table = _table("statistics", statistics)
    if not 0 <= change < table.shape[1]:
        raise ValueError(
            f"change is {change}: the streams have {table.shape[1]} steps, from 0"
        )
    above = table > threshold
    early = above[:, :change].any(axis=1)
    late = above[:, change:]
    delay = np.where(late.any(axis=1), late.argmax(axis=1) + 1.0, np.inf)
    delay[early] = np.nan
    missed = float(np.isinf(delay).sum() / max(1, (~early).sum()))
    return Delays(delay, missed, float(early.mean()))


def change_point(path: ArrayLike, alarm: int) -> int:
    """Index after the last zero of a CUSUM path up to the alarm: the likeliest change.

    Raises:
        ValueError: an alarm outside the path, a path that is not one stream.
    """
    path = _streams("path", path)
    if path.ndim != 1 or not 0 <= alarm < len(path):
        raise ValueError(
            f"alarm is {alarm}, path has shape {path.shape}: give one path"
        )
    zeros = np.flatnonzero(path[: alarm + 1] <= 0)
    return int(zeros[-1]) + 1 if len(zeros) else 0


class Cusum:
    """`cusum` of a stream that is still running, one value at a time.

    ``value`` is the statistic, ``since`` the likeliest change.  It goes on after an
    alarm; make a new one to start again.
    """

    def __init__(self, threshold: float, start: float = 0.0) -> None:
        """Take the threshold of `calibrate`; ValueError if it or start is below 0."""
        if not 0 <= threshold < math.inf:
            raise ValueError(f"threshold is {threshold}: give a number from 0")
        self.threshold, self.value = threshold, _start(start)
        self.steps = self.since = 0

    def update(self, increment: float) -> bool:
        """Take z_t; True while the statistic is above the threshold."""
        if not math.isfinite(increment):
            raise ValueError(f"step {self.steps}: increment is {increment}, not finite")
        self.value = max(0.0, self.value + float(increment))
        self.steps += 1
        if self.value <= 0:
            self.since = self.steps
        return self.value > self.threshold


def _start(start: float) -> float:
    if not 0 <= start < math.inf:
        raise ValueError(f"start is {start}: give a number from 0")
    return float(start)


def _streams(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if not array.ndim or not array.size:
        raise ValueError(f"{name} of shape {array.shape} has no steps")
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name} is {array[where]} at index {where}: drop or fill such steps first"
        )
    return array


def _table(name: str, values: ArrayLike) -> np.ndarray:
    array = _streams(name, values)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, expected (streams, steps)")
    return array
