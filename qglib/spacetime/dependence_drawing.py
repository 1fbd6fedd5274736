"""Picture of a dependence network: strength of all pairs, and who sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from qglib import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .dependence_network import DependenceNetwork

_SEEN = {"causal set": "quantum", "Kendall": "classical"}


def draw_dependence(network: DependenceNetwork) -> Figure:
    """Left all pairs by Kendall's tau, right the pairs that one test alone sees.

    Columns of the left picture are ordered by average-linkage clustering of
    1 - |tau|; a dot marks a pair that neither test sees.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    names = list(network.columns)
    place = {name: k for k, name in enumerate(names)}
    tau, quiet = np.eye(len(names)), np.zeros((len(names),) * 2, bool)
    for (first, second), row in network.pairs.iterrows():
        i, j = place[first], place[second]
        tau[i, j] = tau[j, i] = row.tau
        quiet[i, j] = quiet[j, i] = row.seen_by == "neither"
    apart = squareform(1 - np.abs(np.nan_to_num(tau)), checks=False)
    order = leaves_list(linkage(apart, "average"))
    size = np.clip(0.2 * len(names) + 1, 4.2, 9)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(1.9 * size, size), layout="constrained"
    )
    labels = [names[k] for k in order]
    sns.heatmap(
        tau[np.ix_(order, order)],
        ax=left,
        cmap=plots.DIVERGING,
        vmin=-1,
        vmax=1,
        square=True,
        xticklabels=labels,
        yticklabels=labels,
        cbar_kws={"label": "Kendall's tau", "shrink": 0.6},
    )
    left.tick_params(labelsize=9)
    rows, columns = np.nonzero(quiet[np.ix_(order, order)])
    left.plot(columns + 0.5, rows + 0.5, ".", color=plots.PALETTE["grey"], ms=3)
    left.set_title("all pairs (dot: neither test sees it)")
    _draw_alone(network, right)
    return figure


def _draw_alone(network: DependenceNetwork, axes: object) -> None:
    """The pairs that one of the two tests alone calls dependent."""
    graph = network.graph()
    alone = graph.edge_subgraph(
        [e for e in graph.edges if graph.edges[e]["seen_by"] in _SEEN]
    )
    axes.set_title("pairs that one test alone sees")
    axes.set_axis_off()
    axes.margins(0.28, 0.12)
    if not alone:
        axes.text(0.5, 0.5, "none", ha="center", transform=axes.transAxes)
        return
    at = nx.circular_layout(sorted(alone))
    nx.draw_networkx_nodes(alone, at, ax=axes, node_size=40, node_color="0.3")
    for seen, role in _SEEN.items():
        edges = [e for e in alone.edges if alone.edges[e]["seen_by"] == seen]
        nx.draw_networkx_edges(
            alone, at, edges, ax=axes, edge_color=plots.ROLES[role], width=1.8
        )
        axes.plot([], [], color=plots.ROLES[role], lw=2, label=f"{seen} test alone")
    for name, (x, y) in at.items():
        side = "left" if x > 0.05 else "right" if x < -0.05 else "center"
        axes.text(1.07 * x, 1.07 * y, name, ha=side, va="center", fontsize=10)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=2)
