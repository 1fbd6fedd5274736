"""Alexandrov intervals around the contents of a stream, as a function of the speed."""

from __future__ import annotations

import numpy as np

from qglib.spacetime.metrics import Distance

SHARE = 0.25  # intervals come from this share of the centres, the fullest ones


def needed_speed(
    distance: Distance, place: np.ndarray, centres: np.ndarray, duration: float
) -> np.ndarray:
    """Speed at which each event enters the interval of each centre, (m, n)."""
    middle = np.clip(place[centres], duration / 2, 1 - duration / 2)
    left = duration / 2 - np.abs(place - middle[:, None])
    gap = distance(centres, np.arange(len(place)))
    speed = np.where(left > 0, gap / np.where(left > 0, left, 1.0), np.inf)
    speed[np.arange(len(centres)), centres] = np.inf  # the centre is no witness
    return speed


def largest_intervals(
    inside: np.ndarray, intervals: int, min_size: int
) -> np.ndarray | None:
    """Rows of `intervals` centres from the fullest share; None if these are small.

    The centres are in random order, so taking the first of the fullest is a draw.
    """
    sizes = inside.sum(axis=1)
    count = min(len(sizes), max(intervals, int(SHARE * len(sizes))))
    fullest = np.sort(np.argsort(-sizes, kind="stable")[:count])[:intervals]
    return fullest if np.median(sizes[fullest]) >= min_size else None


def check_stream(
    times, contents, speed, rng, intervals, min_size, duration, clock
) -> None:
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
