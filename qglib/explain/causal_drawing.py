"""Figures of causal graphs: by height, or as events with their light cones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from qglib.explain.causal_layout import HasseLayout, directed_version, hasse_layout
from qglib.explain.light_cone import light_cone_layout
from qglib.plots import PALETTE, ROLES


def draw_causal_graph(
    graph: nx.DiGraph,
    path: Iterable = (),
    *,
    style: str = "hasse",
    rng: np.random.Generator | None = None,
    title: str = "",
) -> Figure:
    """A causal graph with the path P on it; causes below, effects above.

    Pairs of opposite arcs, edges of unknown direction, are drawn without a head.

    Args:
        graph: arrows from cause to effect.
        path: nodes of P in order; may be empty.
        style: ``hasse`` (height = longest chain below) or ``light_cone``
            (Minkowski drawing with 45-degree light cones; needs `rng`).
        rng: generator for the light-cone layout.
        title: what the figure says.

    Raises:
        ValueError: an unknown style, no `rng` for the light cones, a directed
            cycle, a node of the path that is not in the graph.
    """
    path = list(path)
    missing = [node for node in path if node not in graph]
    if missing:
        raise ValueError(f"path has nodes {missing} that are not in the graph")
    if style == "hasse":
        layout = hasse_layout(graph)
        label = "height (longest chain below)"
    elif style == "light_cone":
        if rng is None:
            raise ValueError("style='light_cone' needs rng=numpy.random.Generator")
        layout = light_cone_layout(graph, rng)
        label = "time t (light moves at 45°)"
    else:
        raise ValueError(f"style={style!r} is unknown: use 'hasse' or 'light_cone'")
    at = layout.positions
    fig, ax = plt.subplots(figsize=(7.0, 5.2))
    if style == "light_cone":
        _cones(ax, list(at.values()))
    chosen = set(pairwise(path))
    for a, b in directed_version(graph).edges:
        on_path = (a, b) in chosen or (b, a) in chosen
        points = (
            layout.routes[a, b] if isinstance(layout, HasseLayout) else [at[a], at[b]]
        )
        color = ROLES["path"] if on_path else PALETTE["grey"]
        width = 3.2 if on_path else 1.6
        ax.plot(*np.array(points).T, color=color, linewidth=width, zorder=2)
        if not graph.has_edge(b, a):
            tail, head = np.array(points[-2]), np.array(points[-1])
            ax.add_patch(
                FancyArrowPatch(
                    tuple(tail + 0.02 * (head - tail)),
                    tuple(head),
                    arrowstyle="-|>",
                    mutation_scale=18,
                    shrinkA=0,
                    shrinkB=17,
                    linewidth=0,
                    color=color,
                    zorder=3,
                )
            )
    for node, point in at.items():
        ax.text(
            *point,
            str(node),
            ha="center",
            va="center",
            fontsize=12,
            fontweight="bold" if node in path else "normal",
            bbox={
                "boxstyle": "round,pad=0.35",
                "facecolor": "white",
                "edgecolor": ROLES["path"] if node in path else PALETTE["black"],
                "linewidth": 2.2 if node in path else 1.2,
            },
            zorder=4,
        )
    x, y = np.array(list(at.values())).T
    ax.set_xlim(x.min() - 0.8, x.max() + 0.8)
    ax.set_ylim(y.min() - 0.5, y.max() + 0.5)
    if style == "light_cone":
        ax.set_aspect("equal")
        ax.set_xlabel("space x (from the order alone)")
    else:
        ax.set_xticks([])
        ax.yaxis.set_major_locator(plt.MaxNLocator(integer=True))
    sns.despine(ax=ax, bottom=style == "hasse")
    ax.set_ylabel(label)
    ax.set_title(title)
    return fig


def _cones(ax: plt.Axes, points: Sequence[tuple[float, float]]) -> None:
    reach = max(t for _, t in points) - min(t for _, t in points) + 1.0
    for x, t in points:
        ax.fill(
            [x, x - reach, x + reach],
            [t, t + reach, t + reach],
            color=PALETTE["yellow"],
            alpha=0.06,
            linewidth=0,
            zorder=0,
        )
        for side in (-1, 1):
            ax.plot(
                [x, x + side * reach],
                [t, t + reach],
                color=PALETTE["yellow"],
                linewidth=0.8,
                zorder=1,
            )
