"""A picture of the wavelet circuit, its wavelet and the bands it cuts."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from numpy.typing import ArrayLike

from qglib.holography.circuit import D4_ANGLES, angle_table
from qglib.holography.waveforms import band_waveforms
from qglib.plots import PALETTE, ROLES

_DRAWN = 3  # scales shown in the diagram
_BANDS = ("blue", "green", "purple", "orange", "sky", "vermilion", "grey", "black")


def draw_mera(
    learned: ArrayLike | None = None,
    start: ArrayLike = D4_ANGLES,
    *,
    scales: int | None = None,
    rate: float | None = None,
    names: tuple[str, str] = ("Daubechies D4", "learned"),
) -> Figure:
    """The circuit as a MERA diagram, beside its wavelet and its bands.

    Args:
        learned: angles after training in radians, shape (S, k), finest scale first;
            None to draw the start alone.
        start: angles before training, shape (k,) or (S, k).
        scales: number of scales S; that of `learned`, or 4, if None.
        rate: samples per second, for axes in ms and Hz; samples and cycles per
            sample if None.
        names: of the start and of the learned angles.

    Returns:
        A figure with three axes: the circuit's first scales on a periodic signal of
        16 samples, the wavelet of the coarsest scale, and the gain of every band.

    Raises:
        ValueError: angles whose shapes do not fit the scales or each other.
    """
    if scales is None:
        scales = 4 if learned is None else len(np.atleast_2d(learned))
    if not 1 <= scales <= 10:
        raise ValueError(f"scales is {scales}: 1 to 10 can be drawn")
    before = angle_table(start, scales)
    after = None if learned is None else angle_table(learned, scales)
    if after is not None and after.shape != before.shape:
        raise ValueError(
            f"learned has {after.shape[1]} angles per scale and start "
            f"{before.shape[1]}: compare circuits of the same depth"
        )
    fig = plt.figure(figsize=(11.5, 5.4), layout="constrained")
    grid = fig.add_gridspec(2, 2, width_ratios=[1.35, 1])
    _circuit(fig.add_subplot(grid[:, 0]), before, after)
    _wavelets(fig.add_subplot(grid[0, 1]), before, after, rate, names)
    _gains(fig.add_subplot(grid[1, 1]), before, after, rate)
    return fig


def _circuit(ax: Axes, before: np.ndarray, after: np.ndarray | None) -> None:
    drawn, depth = min(len(before), _DRAWN), before.shape[1]
    sites = 2 ** (drawn + 1)
    base, rise = 0.0, 1.0
    for scale in range(drawn):
        step = 2.0**scale
        place = step * (np.arange(sites >> scale) + 0.5) - 0.5
        top = base + rise * depth + 0.15
        # Wires go straight through the disentanglers to the isometries.
        ends = base + 0.45 + rise * (depth - 1)
        ax.vlines(place, base - 0.15, ends, color=PALETTE["black"], lw=1.0)
        for layer in range(depth):
            y = base + 0.45 + rise * layer
            left = place[(layer + depth + 1) % 2 :: 2]
            if layer < depth - 1:
                across = [left[0] - 2 * step] if left[0] > place[0] else []
                for x in [*across, *left]:
                    _disentangler(ax, x, y, step, sites)
            else:
                for x in left:
                    _isometry(ax, x, y, step, _colour(scale))
            ax.text(
                sites + 0.35,
                y + 0.2,
                _label(scale, layer, before, after),
                va="center",
                fontsize=9.5,
                color=PALETTE["black"],
            )
        ax.text(
            -1.7,
            base + 0.65 + rise * (depth - 1) / 2,
            f"scale {scale + 1}",
            rotation=90,
            ha="center",
            va="center",
            fontsize=10,
            color=_colour(scale),
            weight="bold",
        )
        base = top + 0.35
    place = 2.0**drawn * (np.arange(2) + 0.5) - 0.5
    ax.vlines(place, base - 0.2, base + 0.15, color=PALETTE["black"], lw=1.0)
    ax.plot(place, [base + 0.2] * 2, "^", color=PALETTE["black"], ms=6)
    ax.text(place.mean(), base + 0.2, f"scaling $a_{drawn}$", ha="center", va="center")
    ax.plot(np.arange(sites), [-0.25] * sites, "o", color=PALETTE["black"], ms=4)
    ax.text(
        (sites - 1) / 2,
        -0.75,
        "samples of the signal, periodic",
        ha="center",
        va="center",
    )
    ax.set_xlim(-2.1, sites + (3.4 if after is None else 5.6))
    ax.set_ylim(-1.0, base + 0.5)
    ax.axis("off")
    ax.set_title("Boxes disentangle, triangles coarse-grain, dots leave")


def _disentangler(ax: Axes, x: float, y: float, step: float, sites: int) -> None:
    box = ax.add_patch(
        FancyBboxPatch(
            (x - 0.1 * step, y),
            1.2 * step,
            0.36,
            boxstyle="round,pad=0,rounding_size=0.14",
            facecolor="#DDE7EE",
            edgecolor=PALETTE["black"],
            linewidth=1.0,
            zorder=3,
        )
    )
    # A box across the border of the period is seen half at either side.
    box.set_clip_path(Rectangle((-0.6, -9), sites + 0.2, 99, transform=ax.transData))


def _isometry(ax: Axes, x: float, y: float, step: float, colour: str) -> None:
    middle = x + step / 2
    ax.plot([middle] * 2, [y + 0.4, y + 0.95], color=PALETTE["black"], lw=1.0)
    out = x + 1.05 * step, y + 0.58
    ax.plot([x + 0.85 * step, out[0]], [y + 0.2, out[1]], color=colour, lw=1.2)
    ax.plot(*out, "o", color=colour, ms=5, zorder=4)
    corners = [(x - 0.15 * step, y), (x + 1.15 * step, y), (middle, y + 0.5)]
    ax.add_patch(
        Polygon(
            corners,
            facecolor="white",
            edgecolor=colour,
            linewidth=1.6,
            joinstyle="round",
            zorder=3,
        )
    )


def _label(scale: int, layer: int, before: np.ndarray, after: np.ndarray | None) -> str:
    degrees = f"{np.degrees(before[scale, layer]):.1f}°"
    if after is not None:
        degrees += f" → {np.degrees(after[scale, layer]):.1f}°"
    return f"$\\theta_{{{layer + 1}}}$ = {degrees}".replace("-", "−")


def _colour(scale: int) -> str:
    return PALETTE[_BANDS[scale % len(_BANDS)]]


def _wavelets(
    ax: Axes,
    before: np.ndarray,
    after: np.ndarray | None,
    rate: float | None,
    names: tuple[str, str],
) -> None:
    scales = len(before)
    curves = [(before, ROLES["truth"], "-" if after is None else "--", names[0])]
    if after is not None:
        curves.append((after, ROLES["path"], "-", names[1]))
    limits = []
    for table, colour, line, name in curves:
        wave = band_waveforms(table, scales)[1]
        limits += list(np.nonzero(np.abs(wave) > 0.01 * np.abs(wave).max())[0])
        time = np.arange(len(wave)) - len(wave) / 2
        time = time * 1000 / rate if rate else time
        ax.plot(time, wave, line, color=colour, label=name, lw=1.8)
    ax.set_xlim(time[min(limits)], time[max(limits)])
    ax.axhline(0, color=PALETTE["grey"], lw=0.6)
    ax.set_xlabel("time (ms)" if rate else "time (samples)")
    ax.set_ylabel("amplitude")
    ax.set_title(f"Wavelet of scale {scales}")
    if after is not None:
        ax.legend()


def _gains(
    ax: Axes,
    before: np.ndarray,
    after: np.ndarray | None,
    rate: float | None,
) -> None:
    scales = len(before)
    tables = [(before, "-")] if after is None else [(before, "--"), (after, "-")]
    for table, line in tables:
        waves = band_waveforms(table, scales)
        frequency = np.fft.rfftfreq(4096, 1 / rate if rate else 1.0)
        gain = np.abs(np.fft.rfft(waves, 4096, axis=1)) ** 2
        for band, row in enumerate(gain[:0:-1]):
            # 2^s is the largest gain that an orthogonal band of scale s can have.
            ax.plot(
                frequency,
                row / 2 ** (band + 1),
                line,
                color=_colour(band),
                lw=1.6 if line == "-" else 1.0,
            )
    ax.set_xscale("log", base=2)
    top = (rate or 1.0) / 2
    ax.set_xlim(top / 2 ** (scales + 1), top)
    ticks = top / 2.0 ** np.arange(scales + 1)
    ax.set_xticks(
        ticks, [f"{t:.0f}" if rate else f"{t:.3g}" for t in ticks], minor=False
    )
    ax.set_ylim(0, 1.05)
    ax.set_xlabel("frequency (Hz)" if rate else "frequency (cycles per sample)")
    ax.set_ylabel("gain (energy)")
    suffix = "" if after is None else " (start dashed, learned solid)"
    ax.set_title(f"Bands{suffix}")
