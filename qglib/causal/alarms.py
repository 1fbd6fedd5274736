"""Alarms on a stream: statistics, a threshold at a false-alarm level, delay.

Time runs along the last axis; other axes are streams.  An alarm is raised where a
statistic is above its threshold.  Score a detector by its delay at a fixed level, and
calibrate on other streams than you score.  Arguments out of range, streams without
steps and values that are not finite are a ValueError.

Sources: Page, Biometrika 41 (1954) 100 (CUSUM); Lorden, Ann. Math. Stat. 42 (1971)
1897 (it is optimal where its likelihood ratio is right); Roberts, Technometrics 1
(1959) 239 (EWMA); Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World"
(2005) (the rank that holds a level on fresh data).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import lfilter

AXES = ("streams", "steps")


class Delays(NamedTuple):
    """Delay of each stream, share missed, share that alarmed too early."""

    delay: np.ndarray  # steps from the change up to and with the alarm, 1 at best
    missed: float  # of the streams that were silent before the change
    early: float  # false alarms before the change, of all streams


def cusum(increments: ArrayLike, start: float = 0.0) -> np.ndarray:
    """Page's statistic S_t = max(0, S_{t-1} + z_t), shape of ``increments``.

    Args:
        increments: z, shape (..., steps); log f1(x) / f0(x) is the best choice.
        start: S before the first step, from 0; half the threshold alarms faster where
            the change may have come before the watch.
    """
    values = _streams("increments", increments)
    _check(0 <= start < math.inf, "start", start, "a number from 0")
    path, state = np.empty_like(values), np.full(values.shape[:-1], float(start))
    for step in range(values.shape[-1]):  # no cumulative sums: `Cusum` must agree
        state = path[..., step] = np.maximum(0.0, state + values[..., step])
    return path


def ewma(values: ArrayLike, weight: float, start: float = 0.0) -> np.ndarray:
    """Moving average E_t = (1 - w) E_{t-1} + w x_t, shape of ``values``.

    ``weight`` is w; ``start`` is E before the first step, the normal mean (0 for
    standardised values).
    """
    _check(0 < weight <= 1, "weight", weight, "a number above 0 and at most 1")
    values, stays = _streams("values", values), 1 - weight
    before = np.full((*values.shape[:-1], 1), stays * start)
    return lfilter([weight], [1, -stays], values, zi=before)[0]


def calibrate(statistics: ArrayLike, level: float) -> float:
    """Threshold that a normal stream passes at any time with probability ``level``.

    ``statistics`` has shape (streams, steps). The threshold is the k-th smallest of the
    n maxima, k = ceil((1 - level) (n + 1)): a fresh stream of the same length passes it
    with at most ``level``. Too few streams for the level are a ValueError.
    """
    _check(0 < level < 1, "level", level, "a number between 0 and 1")
    highest = np.sort(_streams("statistics", statistics, AXES).max(axis=1))
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
    """
    above = _streams("statistics", statistics, AXES) > threshold
    steps = above.shape[1]
    _check(0 <= change < steps, "change", change, f"an index of the {steps} steps")
    early, late = above[:, :change].any(axis=1), above[:, change:]
    delay = np.where(late.any(axis=1), late.argmax(axis=1) + 1.0, np.inf)
    delay[early] = np.nan
    missed = float(np.isinf(delay).sum() / max(1, (~early).sum()))
    return Delays(delay, missed, float(early.mean()))


def change_point(path: ArrayLike, alarm: int) -> int:
    """Index after the last zero of one CUSUM path up to the alarm: the likeliest."""
    path = _streams("path", path, AXES[1:])
    _check(0 <= alarm < len(path), "alarm", alarm, f"an index of the {len(path)} steps")
    zeros = np.flatnonzero(path[: alarm + 1] <= 0)
    return int(zeros[-1]) + 1 if len(zeros) else 0


class Cusum:
    """`cusum` of a stream that is still running, one value at a time.

    ``threshold`` is that of `calibrate`, ``value`` the statistic, ``since`` the
    likeliest change.  It goes on after an alarm; make a new one to start again.
    """

    def __init__(self, threshold: float, start: float = 0.0) -> None:
        """Both from 0."""
        for name, value in (("threshold", threshold), ("start", start)):
            _check(0 <= value < math.inf, name, value, "a number from 0")
        self.threshold, self.value = threshold, float(start)
        self.steps = self.since = 0

    def update(self, increment: float) -> bool:
        """Take z_t; True while the statistic is above the threshold."""
        finite = math.isfinite(increment)
        _check(finite, f"step {self.steps}: increment", increment, "a finite number")
        self.value = max(0.0, self.value + float(increment))
        self.steps += 1
        if self.value <= 0:
            self.since = self.steps
        return self.value > self.threshold


def _check(fits: bool, name: str, value: float, wanted: str) -> None:
    if not fits:
        raise ValueError(f"{name} is {value}: give {wanted}")


def _streams(name: str, values: ArrayLike, axes: Sequence[str] = ()) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if not array.ndim or not array.size:
        raise ValueError(f"{name} of shape {array.shape} has no steps")
    if axes and array.ndim != len(axes):
        raise ValueError(f"{name} has shape {array.shape}: give ({', '.join(axes)})")
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        where = tuple(wrong[0].tolist())
        raise ValueError(
            f"{name} is {array[where]} at index {where}: drop or fill such steps first"
        )
    return array
