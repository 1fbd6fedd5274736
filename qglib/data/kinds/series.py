"""Time series at equal steps, arrays (steps,) or (steps, channels)."""

from __future__ import annotations

from typing import Any

import numpy as np

from qglib.data.events import Events, typical_distance
from qglib.data.kinds.parting import blanked, cuts, exchanged, filling

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
    """The series with windows overwritten.

    Args:
        x: shape (steps,) or (steps, channels).
        keep: shape (n_windows,), false where a window is blanked.
        background: a number, a series, or many, whose mean is taken; the mean of x
            over time if left out.
    """
    series = _values(x)
    fill = filling(background, series)
    if fill is None:
        fill = np.broadcast_to(series.mean(axis=0), series.shape)
    return blanked(series, cuts(len(series), WINDOWS), keep, fill)


def events(x: Any, speed: float | None = None, window: float = 16.0) -> Events:
    """Every step as an event: time is the step, content the value.

    Args:
        x: shape (steps,) or (steps, channels); scale channels of different units.
        speed: largest change per step. Left out, a typical pair of steps may meet
            after ``window`` steps: the median distance of all pairs over ``window``.
        window: see ``speed``.

    Raises:
        ValueError: speed or window not positive, or no series.
    """
    values = _values(x)
    contents = values.reshape(len(values), -1)
    for name, value in (("speed", speed), ("window", window)):
        if value is not None and not (value > 0 and np.isfinite(value)):
            raise ValueError(f"{name} is {value}: it must be a positive number")
    if speed is None:
        speed = max(typical_distance(contents, "euclidean"), 1e-12) / window
    return Events(
        times=np.arange(float(len(values))),
        contents=contents,
        metric="euclidean",
        speed=float(speed),
        names=tuple(f"step {k}" for k in range(len(values))),
        dropped=0,
        time_unit="step",
        note="step as time, distance of values as distance",
    )


def edits(
    x: Any, rng: np.random.Generator, background: Any = None
) -> dict[str, np.ndarray]:
    """Exchanged windows, reversed time, and a placebo.

    Args:
        x: shape (steps,) or (steps, channels).
        rng: draws the windows.
        background: not used.

    Returns:
        "exchange" (two windows of one length), "reverse" (in time), "placebo"
        (reversed twice).
    """
    series = _values(x)
    found = exchanged(series, cuts(len(series), WINDOWS), rng)
    found["reverse"] = series[::-1].copy()
    found["placebo"] = series[::-1][::-1].copy()
    return found
