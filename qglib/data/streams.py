"""Event streams: timestamped records, and threshold crossings of time series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qglib.data.events import Events, repeated, typical_distance


def stream_events(
    times: np.ndarray,
    contents: np.ndarray,
    metric: str = "euclidean",
    speed: float | None = None,
    window: float = 16.0,
    names: Sequence[str] | None = None,
    time_unit: str = "unit of time",
) -> Events:
    """Timestamped records (log lines, transactions, readings) as events.

    Records are sorted by time. Dropped are records with a time or payload that is
    not finite, later copies of a record (equal time and payload), and, with the
    metric "angle", payloads of length zero.

    Args:
        times: shape (n,), numbers in `time_unit`, or numpy datetimes (then seconds
            since the first record).
        contents: payload vectors, shape (n,) or (n, k); kept as unit vectors with
            the metric "angle".
        metric: "euclidean", "angle", "absolute", "cityblock" or "chebyshev"; scale
            columns of different units first.
        speed: largest distance a payload may travel per unit of time. Left out, a
            typical pair of records may meet after `window` typical gaps: the median
            distance of all pairs, over `window` times the mean gap between records.
        window: see `speed`.
        names: labels of the records; their numbers if left out.
        time_unit: name of the unit of the times.

    Raises:
        ValueError: wrong shapes, an unknown metric, a speed or window that is not
            positive, fewer than two usable records, or records that all have one
            time.
    """
    times = np.asarray(times)
    if np.issubdtype(times.dtype, np.datetime64):
        known = times[~np.isnat(times)]
        start = known.min() if len(known) else np.datetime64(0, "s")
        missing = np.isnat(times)
        times = (times - start) / np.timedelta64(1, "s")
        times, time_unit = np.where(missing, np.nan, times), "second"
    times = times.astype(float)
    values = np.asarray(contents, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    if times.ndim != 1 or values.ndim != 2 or len(values) != len(times):
        raise ValueError(
            f"times has shape {times.shape} and contents {values.shape}: they must be "
            "(n,) and (n, k)"
        )
    if names is not None and len(names) != len(times):
        raise ValueError(f"{len(names)} names for {len(times)} records")
    for name, value in (("speed", speed), ("window", window)):
        if value is not None and not (value > 0 and np.isfinite(value)):
            raise ValueError(f"{name} is {value}: it must be a positive number")
    usable = np.isfinite(times) & np.isfinite(values).all(axis=1)
    if metric == "angle":  # unit vectors, so that copies of a direction are seen
        length = np.linalg.norm(values, axis=1, keepdims=True)
        usable &= length[:, 0] > 0
        values = np.divide(values, length, where=usable[:, None], out=values.copy())
    kept = np.flatnonzero(usable)
    kept = np.delete(kept, repeated(times[kept], values[kept]))
    kept = kept[np.argsort(times[kept], kind="stable")]
    if len(kept) < 2 or times[kept[0]] == times[kept[-1]]:
        raise ValueError(
            f"{len(kept)} of {len(times)} records are usable and they span no time: "
            "two records at different times are needed"
        )
    typical = typical_distance(values[kept], metric)
    if speed is None:
        gap = (times[kept[-1]] - times[kept[0]]) / (len(kept) - 1)
        speed = max(typical, 1e-12) / (window * gap)
    return Events(
        times=times[kept],
        contents=values[kept],
        metric=metric,
        speed=float(speed),
        names=tuple(str(k if names is None else names[k]) for k in kept),
        dropped=len(times) - len(kept),
        time_unit=time_unit,
        note="timestamp as time, distance of payloads as distance",
        reason="missing, copied or without direction",
    )


def crossing_events(
    series: np.ndarray,
    levels: Sequence[float] = (0.25, 0.5, 0.75),
    positions: np.ndarray | None = None,
    speed: float | None = None,
    window: float = 16.0,
) -> Events:
    """Threshold crossings of a time series: time in steps, content place and level.

    A crossing is where a channel passes one of its own quantiles, up or down; its
    time is interpolated linearly between the two steps. The content is the position
    of the channel and the level in standard deviations of the channel, the distance
    Euclidean.

    Args:
        series: shape (n,) or (n, channels), finite, one row per step.
        levels: quantiles in (0, 1), taken of each channel.
        positions: place of each channel, shape (channels,) or (channels, k), in units
            comparable with standard deviations; one shared place if left out.
        speed: see `stream_events`, per step.
        window: see `stream_events`, in crossings.

    Returns:
        `Events`; dropped are crossings in the same instant of equal content.

    Raises:
        ValueError: NaN, wrong shapes, a level outside (0, 1), fewer than two
            crossings, or what `stream_events` refuses.
    """
    values = np.asarray(series, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"series has shape {np.shape(series)} and must be (n,) or (n, channels), "
            "n at least 2, without NaN: fill gaps first"
        )
    shares = np.asarray(levels, dtype=float)
    if shares.ndim != 1 or not len(shares) or ((shares <= 0) | (shares >= 1)).any():
        raise ValueError(f"levels is {levels}: give quantiles between 0 and 1")
    n_channels = values.shape[1]
    places = np.zeros((n_channels, 0)) if positions is None else np.asarray(positions)
    places = places[:, None] if places.ndim == 1 else places
    if len(places) != n_channels:
        raise ValueError(f"positions has {len(places)} rows for {n_channels} channels")
    times, contents, names = [], [], []
    for channel, column in enumerate(values.T):
        spread = column.std() or 1.0
        for share, level in zip(shares, np.quantile(column, shares), strict=True):
            above = column > level
            steps = np.flatnonzero(above[1:] != above[:-1])
            before, after = column[steps], column[steps + 1]
            times += list(steps + (level - before) / (after - before))
            height = (level - column.mean()) / spread
            contents += [[*places[channel], height]] * len(steps)
            ways = np.where(above[steps + 1], "up", "down")
            names += [f"channel {channel} {way} {share:g}" for way in ways]
    if len(times) < 2:
        raise ValueError(
            f"series has {len(times)} crossings: two are needed, take more levels"
        )
    found = stream_events(
        np.array(times), np.array(contents), "euclidean", speed, window, names, "step"
    )
    return Events(
        **{
            **vars(found),
            "note": "crossing of a quantile as event, place and level as content",
            "reason": "same instant and content",
        }
    )
