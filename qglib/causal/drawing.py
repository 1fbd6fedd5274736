"""Drawings of causal graphs: what is compelled, what is open, what is wrong."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

import networkx as nx
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from qglib import plots

__all__ = ["draw_graph"]

GAP = 3  # points left free between the end of a line and the frame of a name


class _Link(FancyArrowPatch):
    """A line that ends at the frames of two names, however wide they are.

    A frame gets its size only when its text is drawn, above the lines and so after
    them; both sizes are therefore found before the line is drawn.
    """

    def __init__(self, ends: tuple[Text, Text], **style: object) -> None:
        frames = [end.get_bbox_patch() for end in ends]
        places = [end.get_position() for end in ends]
        super().__init__(*places, patchA=frames[0], patchB=frames[1], **style)
        self.ends = ends

    def draw(self, renderer: RendererBase) -> None:
        """Find the frames, then draw the line between them."""
        for end in self.ends:
            end.update_bbox_position_size(renderer)
        super().draw(renderer)


def draw_graph(
    graph: nx.DiGraph,
    positions: Mapping[Hashable, tuple[float, float]],
    ax: Axes,
    *,
    truth: nx.DiGraph | None = None,
    path: Sequence[Hashable] = (),
    weight: str = "",
) -> Axes:
    """Draw a directed graph or an equivalence class.

    An arrow is compelled, a plain line has no known direction.

    Parameters
    ----------
    graph: graph or class (opposite arcs are one line).
    positions: place of every node.
    ax: axes to draw in.
    truth: the true class; a pair whose state differs is drawn in vermilion, and a
        missing edge as a dotted line.
    path: nodes of a path to draw thick.
    weight: arc attribute to write beside the arcs; "" for none.
    """
    names = {}
    for node, (x, y) in positions.items():
        names[node] = ax.text(
            x,
            y,
            str(node),
            ha="center",
            va="center",
            fontsize=10,
            bbox={
                "boxstyle": "round,pad=0.3",
                "facecolor": "white",
                "edgecolor": plots.ROLES["path" if node in path else "null"],
                "linewidth": 2 if node in path else 1,
            },
            zorder=5,
        )
    on_path = set(pairwise(path))
    pairs = {frozenset(arc): arc for arc in graph.edges}
    for a, b in pairs.values():
        both = graph.has_edge(b, a)
        if not both and not graph.has_edge(a, b):
            continue
        wrong = truth is not None and (
            (truth.has_edge(a, b), truth.has_edge(b, a)) != (True, both)
        )
        thick = bool({(a, b), (b, a)} & on_path)
        colour = plots.ROLES["path"] if wrong or thick else plots.ROLES["truth"]
        _line(ax, (names[a], names[b]), "-" if both else "-|>", colour, thick)
        if weight:
            (x, y), (u, v) = positions[a], positions[b]
            ax.text(
                (x + u) / 2,
                (y + v) / 2,
                f"{graph.edges[a, b][weight]:+.2f}",
                fontsize=9,
                color=colour,
                ha="center",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
                zorder=4,
            )
    if truth is not None:
        for a, b in {frozenset(arc): arc for arc in truth.edges}.values():
            if frozenset((a, b)) not in pairs:
                grey = plots.ROLES["null"]
                _line(ax, (names[a], names[b]), "-", grey, False, ":")
    xs, ys = zip(*positions.values(), strict=True)
    ax.set_xlim(min(xs) - 0.45, max(xs) + 0.45)
    ax.set_ylim(min(ys) - 0.35, max(ys) + 0.35)
    ax.set_axis_off()
    return ax


def _line(
    ax: Axes,
    ends: tuple[Text, Text],
    style: str,
    colour: str,
    thick: bool,
    dash: str = "-",
) -> None:
    ax.add_patch(
        _Link(
            ends,
            arrowstyle=style,
            linestyle=dash,
            mutation_scale=16,
            shrinkA=GAP,
            shrinkB=GAP,
            linewidth=2.8 if thick else 1.6,
            color=colour,
            zorder=2,
        )
    )
