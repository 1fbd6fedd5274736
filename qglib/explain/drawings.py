"""The figure of a decision graph with D on it, in the colours of `qglib.plots`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import DecisionPath
from qglib.plots import PALETTE, ROLES


def draw_decision_graph(
    graph: DecisionGraph,
    path: DecisionPath | None = None,
    *,
    branches: Sequence[Sequence[int]] = (),
    title: str = "",
) -> Figure:
    """The graph of a text or head with its path D, and `branches` (nodes by layer).

    Time runs upwards. The width of an edge is the probability that the backward walk
    takes it, the size of a node that it visits the node. Words of the corrupt text
    stand beside the words they replace.
    """
    visits, (edges, readout) = graph.visits, graph.shares
    top, wide = len(edges), edges.shape[-1]
    summit = ((wide - 1) / 2 if graph.position is None else graph.position, top + 1)

    def at(layer: int, node: int) -> tuple[float, float]:
        return node + (wide - len(graph.names[layer])) / 2, layer

    flows = [
        (at(n, s), at(n + 1, t), visits[n + 1, t] * edges[n, t, s])
        for n, t, s in np.ndindex(edges.shape)
    ]
    flows += [(at(n, t), summit, readout[n, t]) for n, t in np.ndindex(readout.shape)]
    on_path = set()
    for positions in [*([] if path is None else [path.positions]), *branches]:
        on_path |= set(pairwise([*map(at, range(top + 1), positions), summit]))
    fig, ax = plt.subplots(figsize=(max(6.5, 0.62 * wide + 1.5), 0.62 * top + 2.6))
    for tail, head, flow in flows:
        look = {"arrowstyle": "-", "linewidth": 0.9 + 7 * flow, "zorder": 1}
        look |= {"color": PALETTE["sky"], "alpha": min(1.0, 0.45 + flow)}
        if (tail, head) in on_path:
            look = {"arrowstyle": "-|>", "linewidth": 3.2, "zorder": 3}
            look |= {"color": ROLES["path"], "mutation_scale": 13}
        elif flow < 0.01:
            continue
        bend = 0.25 if head == summit and tail[1] < top else 0.0
        look |= {"connectionstyle": f"arc3,rad={bend}", "shrinkA": 3, "shrinkB": 6}
        ax.add_patch(FancyArrowPatch(tail, head, **look))
    nodes = [(n, t) for n, names in enumerate(graph.names) for t in range(len(names))]
    size = [14 + 260 * visits[node] for node in nodes]
    x, y = np.array([at(*node) for node in nodes]).T
    ax.scatter(x, y, s=size, color=PALETTE["blue"], edgecolor="white", zorder=4)
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": ROLES["truth"]}
    label = graph.target[1] if isinstance(graph.target, tuple) else graph.target
    centre = {"ha": "center", "va": "center", "fontsize": 12, "fontweight": "bold"}
    ax.text(*summit, str(label), bbox=box, zorder=5, **centre)
    below = {"ha": "right", "va": "top", "rotation": 40}
    other = {"fontsize": 10, "style": "italic", "color": ROLES["path"]}
    for t, name in enumerate(graph.tokens):
        ax.text(at(0, t)[0], -0.38, name, fontsize=12, **below)
        if graph.corrupt_tokens and graph.corrupt_tokens[t] != name:
            ax.text(t + 0.42, -0.38, graph.corrupt_tokens[t], **other, **below)
    ax.set(xlim=(-0.8, wide - 0.4), ylim=(-1.9, top + 1.6), xticks=[], title=title)
    ax.set_yticks(range(top + 1))
    ax.set_ylabel("encoder layer" if graph.corrupt_tokens else "level")
    sns.despine(ax=ax, bottom=True)
    ax.spines["left"].set_bounds(0, top)
    return fig
