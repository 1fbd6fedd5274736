"""The figure of a decision graph with D on it, in the colours of `qglib.plots`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import DecisionPath, visit_probability
from qglib.explain.head_graph import HeadGraph
from qglib.plots import PALETTE, ROLES


def draw_decision_graph(
    graph: DecisionGraph | HeadGraph,
    path: DecisionPath | None = None,
    *,
    branches: Sequence[Sequence[int]] = (),
    title: str = "",
) -> Figure:
    """A decision graph with the decision path D on it; time runs upwards.

    The width of an edge is the probability that the backward walk takes it, the
    size of a node that it visits the node. Words of the corrupt text stand beside
    the words they replace.

    Args:
        graph: of a text or of a head.
        path: D.
        branches: further paths (nodes by layer) drawn like D.
        title: what the figure says.
    """
    visits, (edges, readout) = visit_probability(graph), graph.shares
    top, wide = len(edges), edges.shape[-1]
    position = getattr(graph, "position", None)
    summit = ((wide - 1) / 2 if position is None else position, top + 1)
    widths = [wide] * (top + 1)
    if isinstance(graph, HeadGraph):
        widths = [len(names) for names in graph.names]

    def at(layer: int, node: int) -> tuple[float, float]:
        return node + (wide - widths[layer]) / 2, layer

    flows = [
        (at(n, s), at(n + 1, t), visits[n + 1, t] * edges[n, t, s])
        for n, t, s in np.ndindex(edges.shape)
    ]
    flows += [(at(n, t), summit, readout[n, t]) for n, t in np.ndindex(readout.shape)]
    on_path = set()
    for positions in [*([] if path is None else [path.positions]), *branches]:
        chain = [at(layer, s) for layer, s in enumerate(positions)]
        on_path |= set(zip(chain, [*chain[1:], summit], strict=True))
    fig, ax = plt.subplots(figsize=(max(6.5, 0.62 * wide + 1.5), 0.62 * top + 2.6))
    for tail, head, flow in flows:
        chosen = (tail, head) in on_path
        if flow < 0.01 and not chosen:
            continue
        bend = 0.25 if head == summit and tail[1] < top else 0.0
        look = {"arrowstyle": "-", "linewidth": 0.9 + 7 * flow, "zorder": 1}
        look |= {"color": PALETTE["sky"], "alpha": min(1.0, 0.45 + flow)}
        if chosen:
            look = {"arrowstyle": "-|>", "linewidth": 3.2, "zorder": 3}
            look |= {"color": ROLES["path"], "mutation_scale": 13}
        curve = f"arc3,rad={bend}"
        arrow = FancyArrowPatch(
            tail, head, connectionstyle=curve, shrinkA=3, shrinkB=6, **look
        )
        ax.add_patch(arrow)
    nodes = [(n, t) for n in range(top + 1) for t in range(widths[n])]
    x, y = np.array([at(*node) for node in nodes]).T
    size = [14 + 260 * visits[node] for node in nodes]
    ax.scatter(x, y, s=size, color=PALETTE["blue"], edgecolor="white", zorder=4)
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": ROLES["truth"]}
    label = graph.target[1] if isinstance(graph.target, tuple) else graph.target
    centre = {"ha": "center", "va": "center", "fontsize": 12, "fontweight": "bold"}
    ax.text(*summit, str(label), bbox=box, zorder=5, **centre)
    _write_names(ax, graph, at)
    ax.set_xlim(-0.8, wide - 0.4)
    ax.set_ylim(-1.9, top + 1.6)
    ax.set_yticks(range(top + 1))
    ax.set_ylabel("level" if isinstance(graph, HeadGraph) else "encoder layer")
    ax.set_xticks([])
    sns.despine(ax=ax, bottom=True)
    ax.spines["left"].set_bounds(0, top)
    ax.set_title(title)
    return fig


def _write_names(ax: plt.Axes, graph: DecisionGraph | HeadGraph, at) -> None:
    """Parts below the graph; of a text also the corrupt words, in colour."""
    style = {"ha": "right", "va": "top", "rotation": 40}
    if isinstance(graph, HeadGraph):
        for node, name in enumerate(graph.names[0]):
            ax.text(at(0, node)[0], -0.38, name, fontsize=12, **style)
        return
    pairs = zip(graph.tokens, graph.corrupt_tokens, strict=True)
    for t, (clean, corrupt) in enumerate(pairs):
        ax.text(t, -0.38, clean, fontsize=12, **style)
        if clean != corrupt:
            look = {"fontsize": 10, "style": "italic", "color": ROLES["path"]}
            ax.text(t + 0.42, -0.38, corrupt, **look, **style)
