"""Pictures of orders: Hasse diagrams in space-time coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qglib.spacetime.causet import Causet

if TYPE_CHECKING:
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
        causet, ax: the order, and the axes to draw in.
        position: (N, 2) places (horizontal, vertical); by default the coordinates.
        chain: elements joined by a bold line.
        apex: element whose past and future are coloured.
        point_size: area of a point in points squared.
    """
    if position is None:
        if causet.coordinates is None:
            raise ValueError("position is left out and there are no coordinates")
        position = causet.coordinates[:, [1, 0]]
    position = np.asarray(position, dtype=float)
    if position.shape != (causet.size, 2):
        raise ValueError(
            f"position has shape {position.shape}: it must be ({causet.size}, 2)"
        )
    from matplotlib.collections import LineCollection

    x, y, lines = *position.T, list(position[causet.links()])
    ax.add_collection(LineCollection(lines, colors=_LINK, linewidths=0.5, zorder=1))
    colors = np.full(causet.size, _POINT)
    if apex is not None:
        colors[causet.future_of(apex)] = _FUTURE
        colors[causet.past_of(apex)] = _PAST
    ax.scatter(x, y, s=point_size, c=colors, linewidths=0, zorder=2)
    if apex is not None:
        ax.scatter(x[apex], y[apex], s=8 * point_size, c=_POINT, marker="*", zorder=4)
        for color, label in ((_FUTURE, "future"), (_PAST, "past")):
            ax.plot([], [], "o", color=color, label=f"{label} of the star")
    if len(chain):
        x, y = position[list(chain)].T
        ax.plot(x, y, color=_CHAIN, linewidth=2, zorder=3, label="longest chain")
        ax.scatter(x, y, s=1.6 * point_size, c=_CHAIN, zorder=4)
    return ax
