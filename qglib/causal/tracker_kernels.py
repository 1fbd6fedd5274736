"""Numba kernels of the trackers: points sorted by time, the speed limit in units 1."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def greedy(
    times: np.ndarray, places: np.ndarray, speed: float, window: float, start: int
) -> np.ndarray:
    """Nearest next point in time order within the cone and the window, from `start`."""
    n = len(times)
    track = np.empty(n, np.int64)
    track[0] = start
    length, at = 1, start
    while True:
        best, nearest = -1, np.inf
        for j in range(at + 1, n):
            dt = times[j] - times[at]
            if dt > window:
                break
            dx = abs(places[j] - places[at])
            if dt > 0 and dx <= speed * dt:
                far = dt * dt + dx * dx
                if far < nearest:
                    best, nearest = j, far
        if best < 0:
            return track[:length]
        track[length] = best
        length += 1
        at = best


@numba.njit(cache=True, nogil=True)
def viterbi(
    times: np.ndarray,
    places: np.ndarray,
    speed: float,
    window: float,
    rate: float,
    density: float,
    turn: float,
    jitter: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best log-likelihood ratio of a track that ends in each point.

    Each point keeps one survivor with its slope; the next place is normal about the
    straight continuation, with standard deviation ``jitter + turn dt^2``, the waiting
    time exponential with `rate`; clutter has `density` points per unit area.
    """
    n = len(times)
    score, back, slope = np.zeros(n), np.full(n, -1), np.zeros(n)
    for j in range(n):
        i = j - 1
        while i >= 0 and times[j] - times[i] <= window:
            dt = times[j] - times[i]
            dx = places[j] - places[i]
            if dt > 0 and abs(dx) <= speed * dt:
                if back[i] < 0:  # no slope yet: any one within the cone is as likely
                    chance = 1.0 / (2.0 * speed * dt)
                else:
                    spread = jitter + turn * dt * dt
                    off = (dx - slope[i] * dt) / spread
                    chance = np.exp(-0.5 * off * off) / (spread * 2.5066282746310002)
                ratio = rate * np.exp(-rate * dt) * chance / density
                if ratio > 0:
                    value = score[i] + np.log(ratio)
                    if value > score[j]:
                        score[j], back[j] = value, i
                        slope[j] = dx / dt
            i -= 1
    return score, back, slope
