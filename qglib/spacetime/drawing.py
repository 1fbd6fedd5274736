"""Pictures of orders: Hasse diagrams in space-time coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qglib import plots

from .causet import Causet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_LINK, _POINT, _CHAIN = "#B8B8B8", "#222222", "#D55E00"
_FUTURE, _PAST = "#0072B2", "#009E73"


def draw_order(
    causet: Causet,
    ax: Axes,
    position: np.ndarray | None = None,
    chain: Sequence[int] = (),
    apex: int | None = None,
    point_size: float = 12.0,
) -> Axes:
    """Draw elements and links, time upwards, with a chain and a light cone.

    Args:
        causet: the order.
        ax: axes to draw in.
        position: (N, 2) array of (horizontal, vertical) places; the coordinates
            (x, t) if left out.
        chain: elements joined by a bold line.
        apex: element whose past and future are coloured.
        point_size: area of a point in points squared.

    Raises:
        ValueError: no position and no coordinates, or a wrong shape.
    """
    if position is None:
        if causet.coordinates is None or causet.coordinates.shape[1] < 2:
            raise ValueError("position is left out and there are no coordinates")
        position = causet.coordinates[:, [1, 0]]
    position = np.asarray(position, dtype=float)
    if position.shape != (causet.size, 2):
        raise ValueError(
            f"position has shape {position.shape}: it must be ({causet.size}, 2)"
        )
    from matplotlib.collections import LineCollection

    lines = position[causet.links()]
    ax.add_collection(LineCollection(lines, colors=_LINK, linewidths=0.5, zorder=1))
    colors = np.full(causet.size, _POINT)
    if apex is not None:
        colors[causet.future_of(apex)] = _FUTURE
        colors[causet.past_of(apex)] = _PAST
    ax.scatter(*position.T, s=point_size, c=colors, linewidths=0, zorder=2)
    if apex is not None:
        ax.scatter(*position[apex], s=8 * point_size, c=_POINT, marker="*", zorder=4)
        for color, label in ((_FUTURE, "future"), (_PAST, "past")):
            ax.plot([], [], "o", color=color, label=f"{label} of the star")
    if len(chain):
        ax.plot(
            *position[list(chain)].T,
            color=_CHAIN,
            linewidth=2,
            zorder=3,
            label="longest chain",
        )
        ax.scatter(*position[list(chain)].T, s=1.6 * point_size, c=_CHAIN, zorder=4)
    return ax


def draw_abundances(
    ax: Axes,
    measured: np.ndarray,
    expected: np.ndarray | None = None,
    label: str = "",
    color: str = _POINT,
) -> Axes:
    """Draw interval abundances on logarithmic axes, with the expected curve.

    Args:
        ax: axes to draw in.
        measured: counts for 0, 1, ... elements between the two, shape (m,);
            zeros are drawn at one half.
        expected: exact means as a line; without it the points are joined.
        label: name in the legend.
        color: of points and line.
    """
    places = 1 + np.arange(len(measured))
    counts = np.maximum(measured, 0.5)
    if expected is None:
        ax.plot(places, counts, "s-", color=color, ms=4, lw=1, label=label)
    else:
        ax.plot(places, expected, color=color, lw=1.5, label=label)
        ax.plot(places, counts, "o", color=color, ms=4)
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="1 + events between the two",
        ylabel="number of pairs",
    )
    ax.legend(ncols=2)
    return ax


def draw_against_null(
    ax: Axes, x: np.ndarray, values: np.ndarray, null: np.ndarray, label: str
) -> Axes:
    """Draw a curve over the band of its null draws, x on a logarithmic axis.

    Args:
        ax: axes to draw in.
        x: shape (k,).
        values: shape (k,).
        null: draws, shape (k, draws); the band is their range.
        label: name of the vertical axis.
    """
    low, high = np.min(null, axis=1), np.max(null, axis=1)
    band = f"{np.shape(null)[1]} shuffled orders"
    ax.fill_between(x, low, high, alpha=0.4, lw=0, color="#8C8C8C", label=band)
    ax.plot(x, values, "o-", color=_FUTURE, label="data")
    ax.set(xscale="log", ylabel=label)
    ax.set_xticks(x, x)
    ax.minorticks_off()
    ax.legend()
    return ax


def draw_names(
    ax: Axes, position: np.ndarray, names: Sequence[str], elements: Sequence[int]
) -> Axes:
    """Write the names of some elements beside their places.

    Args:
        ax: axes to draw in.
        position: shape (N, 2).
        names: one per element, shape (N,).
        elements: which to name.
    """
    for k in elements:
        ax.annotate(
            names[k],
            position[k],
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
            color=_CHAIN,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
            zorder=5,
        )
    return ax


def draw_verdict(table: pd.DataFrame, ax: Axes, title: str = "") -> Axes:
    """Draw what three additions change beside the baseline, with intervals.

    Args:
        table: from `judge_features`.
        ax: axes to draw in.
        title: name of the task; the accuracies are added.
    """
    shown = ["PCA of the same size", "baseline + shuffled F", "baseline + F"]
    part = table.loc[shown]
    plots.intervals(
        shown,
        part.difference,
        part.low,
        part.high,
        ax=ax,
        roles=["classical", "null", "quantum"],
        xlabel="accuracy minus baseline",
    )
    ax.locator_params(axis="x", nbins=5)
    base, alone, mixed = table.accuracy[["baseline", "F alone", "F of shuffled order"]]
    head = f"{title}: baseline {base:.2f}"
    ax.set_title(f"{head}\nF alone {alone:.2f}, shuffled {mixed:.2f}")
    return ax
