"""Time series at equal steps, arrays (steps,) or (steps, channels)."""

from __future__ import annotations

from typing import Any

import numpy as np

from qglib.data.events import Events
from qglib.data.kinds.parting import cuts, filling, kept, two_alike
from qglib.data.streams import crossing_events, stream_events

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
    series = _values(x).copy()
    stretches = cuts(len(series), WINDOWS)
    fill = filling(background, series)
    if fill is None:
        fill = np.broadcast_to(series.mean(axis=0), series.shape).copy()
    for window, stays in zip(stretches, kept(keep, len(stretches)), strict=True):
        if not stays:
            series[window] = fill[window]
    return series


def events(
    x: Any, reading: str = "steps", speed: float | None = None, window: float = 16.0
) -> Events:
    """Every step, or every crossing of a quantile, as an event.

    Args:
        x: shape (steps,) or (steps, channels).
        reading: "steps" (time is the step, content the value) or "crossings" (see
            `crossing_events`).
        speed: largest change per step; a typical pair may meet after ``window``
            events if left out, see `stream_events`.
        window: see ``speed``.

    Raises:
        ValueError: another reading, or what the conversions refuse.
    """
    values = _values(x)
    if reading == "crossings":
        return crossing_events(values, speed=speed, window=window)
    if reading != "steps":
        raise ValueError(f'reading is {reading!r}: choose "steps" or "crossings"')
    steps = np.arange(len(values))
    return stream_events(steps, values, "euclidean", speed, window, time_unit="step")


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
    stretches = cuts(len(series), WINDOWS)
    found = {}
    pair = two_alike(stretches, [w.stop - w.start for w in stretches], rng)
    if pair:
        found["exchange"] = series.copy()
        found["exchange"][pair[0]], found["exchange"][pair[1]] = (
            series[pair[1]],
            series[pair[0]],
        )
    found["reverse"] = series[::-1].copy()
    found["placebo"] = series[::-1][::-1].copy()
    return found
