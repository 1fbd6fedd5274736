"""Time series at equal steps, arrays (steps,) or (steps, channels), without gaps."""

from __future__ import annotations

from typing import Any

import numpy as np

from qglib.data.events import Events, positive, typical_distance
from qglib.data.kinds.parting import Edits, blanked, cuts, exchanged

WINDOWS = 8  # at most


def _values(x: Any) -> np.ndarray:
    values = np.asarray(x, dtype=float)
    if values.ndim not in (1, 2) or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"x has shape {values.shape}: a series is (steps,) or (steps, channels), "
            "at least two steps, without NaN; fill gaps first"
        )
    return values


def parts(x: Any) -> list[str]:
    """Windows of equal length, eight at most."""
    return [f"steps {w.start}-{w.stop - 1}" for w in cuts(len(_values(x)), WINDOWS)]


def blank(x: Any, keep: Any, background: Any = None) -> np.ndarray:
    """The series with windows overwritten, by its mean over time if not by another."""
    series = _values(x)
    if background is None:
        background = np.broadcast_to(series.mean(axis=0), series.shape)
    return blanked(series, cuts(len(series), WINDOWS), keep, background)


def events(x: Any, speed: float | None = None, window: float = 16.0) -> Events:
    """Every step as an event: time is the step, content the value.

    Scale channels of different units. ``speed`` is the largest change per step; left
    out, a typical pair of steps may meet after ``window`` steps: the median distance
    of all pairs over ``window``. Both are positive, or a ValueError comes.
    """
    values = _values(x)
    contents = values.reshape(len(values), -1)
    positive("window", window)
    if speed is None:
        speed = max(typical_distance(contents), 1e-12) / window
    return Events(
        times=np.arange(float(len(values))),
        contents=contents,
        metric="euclidean",
        speed=positive("speed", speed),
        names=tuple(f"step {k}" for k in range(len(values))),
        time_unit="step",
        note="step as time, distance of values as distance",
    )


def edits(x: Any, rng: np.random.Generator, background: Any = None) -> Edits:
    """Two windows in "exchange", time in "reverse", and a placebo reversed twice."""
    series = _values(x)
    return {
        **exchanged(series, cuts(len(series), WINDOWS), rng),
        "reverse": series[::-1].copy(),
        "placebo": series[::-1][::-1].copy(),
    }
