"""Pictures of the events of an image and of a sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qglib.data.audio import Sound, spectrogram
from qglib.data.events import Events
from qglib.data.partials import Partials

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BRIGHT, _DARK, _TRUTH = "#E69F00", "#56B4E9", "#222222"


def draw_blobs(image: np.ndarray, blobs: Events, ax: Axes) -> Axes:
    """An image in grey (ink dark) with its scale-space events as circles.

    Args:
        image: shape (rows, columns), 1 is ink.
        blobs: from `scale_space_events`; larger circles are coarser scales.
        ax: axes to draw in.
    """
    ax.imshow(image, cmap="gray_r")
    edges = [_BRIGHT if name.startswith("bright") else _DARK for name in blobs.names]
    size = 90 * 2 ** (blobs.times.max(initial=0) - blobs.times)
    ax.scatter(
        *blobs.contents.T[::-1],
        s=size,
        facecolors="none",
        edgecolors=edges,
        linewidths=2,
    )
    ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
    return ax


def draw_peaks(sound: Sound, peaks: Events, ax: Axes) -> Axes:
    """A spectrogram in grey with spectral events as dots, frequency logarithmic."""
    times, frequencies, loudness = spectrogram(sound)
    level = 20 * np.log10(loudness + 1e-3)
    ax.pcolormesh(
        times, frequencies, level, cmap="Greys", shading="nearest", rasterized=True
    )
    ax.plot(peaks.times, 2 ** peaks.contents[:, 0], ".", ms=4, color=_BRIGHT)
    top = 0.5 * sound.rate
    ax.set(yscale="log", ylim=(150, top))
    ticks = [f for f in (200, 500, 1000, 2000, 5000, 10000) if f < top]
    ax.set_yticks(ticks, ticks)
    ax.minorticks_off()
    ax.set(xlabel="time (seconds)", ylabel="frequency (Hz)")
    return ax


def draw_partials(scene: Partials, peaks: Events, ax: Axes) -> Axes:
    """Spectral events as grey dots with the true partials as dotted lines."""
    ax.plot(peaks.times, peaks.contents[:, 0], ".", color="0.6", ms=4, label="peaks")
    span = np.array([np.zeros_like(scene.durations), scene.durations])
    lines = np.log2(scene.frequencies) + scene.glides * span
    ax.plot(scene.onsets + span, lines, ":", color=_TRUTH, lw=1.5)
    ax.plot([], [], ":", color=_TRUTH, label="true partials")
    ax.set(xlabel="time (seconds)", ylabel="log2 of the frequency in Hz")
    return ax
