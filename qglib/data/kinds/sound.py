"""Sounds: mono recordings, see `qglib.data.Sound`."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from qglib.data.audio import Sound, spectral_events
from qglib.data.kinds.parting import Edits, kept

BANDS, LOWEST = 8, 100.0  # Hz; the first band reaches down to 0

events = spectral_events


def _edges(x: Sound) -> np.ndarray:
    if not isinstance(x, Sound):
        raise TypeError(f"x is {type(x).__name__}: give a qglib.data.Sound")
    return np.concatenate([[0.0], np.geomspace(LOWEST, x.rate / 2, BANDS)])


def parts(x: Sound) -> list[str]:
    """Eight frequency bands, equally wide on a logarithmic scale above the first."""
    return [f"{a:.0f}-{b:.0f} Hz" for a, b in pairwise(_edges(x))]


def blank(x: Sound, keep: Any, background: Any = None) -> Sound:
    """The sound without some bands, by its Fourier transform over the whole length."""
    edges, mask = _edges(x), kept(keep, BANDS)
    if mask.all():
        return x
    n = len(x.samples)
    waves = np.fft.rfft(x.samples)
    band = np.searchsorted(edges[1:-1], np.fft.rfftfreq(n, 1 / x.rate), side="right")
    return replace(x, samples=np.fft.irfft(waves * mask[band], n))


def edits(x: Sound, rng: np.random.Generator, background: Any = None) -> Edits:
    """Shifted, reversed and filtered copies, and a placebo.

    Returns:
        "shift" (by 5 to 15 % of the length, what leaves at the end enters at the
        start), "reverse" (in time), "band" (one band removed), "placebo" (reversed
        twice).
    """
    _edges(x)
    steps = max(1, round(len(x.samples) * rng.uniform(0.05, 0.15)))
    changed = {
        "shift": np.roll(x.samples, steps),
        "reverse": x.samples[::-1].copy(),
        "band": blank(x, np.arange(BANDS) != rng.integers(BANDS)).samples,
        "placebo": x.samples[::-1][::-1].copy(),
    }
    return {name: replace(x, samples=samples) for name, samples in changed.items()}
