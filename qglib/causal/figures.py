"""Figures of a causal analysis, each from the table that it shows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import networkx as nx
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from qglib import plots
from qglib.causal.drawing import draw_graph
from qglib.causal.graphs import compelled_arrows, graph_metrics, undirected_edges
from qglib.causal.optimal_path import OptimalPath
from qglib.causal.quantum_path import QuantumPath

__all__ = [
    "draw_classes",
    "draw_confidence",
    "draw_path",
    "draw_path_products",
    "draw_search",
]

METHODS = {
    "pc": "PC",
    "ges": "GES",
    "exact": "exact search",
    "exact_nl": "exact search, non-linear",
    "lingam": "LiNGAM",
    "empty": "empty graph",
}


def draw_classes(
    classes: Mapping[str, nx.DiGraph],
    dag: nx.DiGraph,
    positions: Mapping[Hashable, tuple[float, float]],
) -> Figure:
    """Four classes side by side, differences from the first in colour.

    Parameters
    ----------
    classes: name -> class; the first is the true one, four are drawn.
    dag: the true graph, for the distances in the titles.
    positions: place of every node.
    """
    names = list(classes)[:4]
    fig, axs = plt.subplots(2, 2, figsize=(9.5, 7.4))
    for ax, name in zip(axs.flat, names, strict=True):
        draw_graph(classes[name], positions, ax, truth=classes[names[0]])
        distance = int(graph_metrics(classes[name], dag)["shd"])
        title = METHODS.get(name, name)
        ax.set_title(title if name == names[0] else f"{title}: SHD {distance}")
    return fig


def draw_confidence(graph: nx.DiGraph) -> Figure:
    """Bootstrap share of each arrow, and of each pair that a line joins.

    `graph` comes from `discover` with ``n_bootstrap``.
    """
    arrows = {
        f"{a} → {b}": graph.edges[a, b]["arrow_confidence"]
        for a, b in sorted(compelled_arrows(graph))
    }
    lines = {
        f"{a} – {b}": graph.edges[a, b]["confidence"]
        for a, b in sorted(map(sorted, undirected_edges(graph)))
    }
    shares = pd.Series(arrows | lines).sort_values()
    fig, ax = plt.subplots(figsize=(6.5, 3.4))
    ax.barh(shares.index, shares, color=plots.ROLES["classical"])
    ax.set_xlim(0, 1)
    ax.set_xlabel("share of resamples")
    ax.set_title("Share that gives each arrow (→) or joins each pair (–)")
    return fig


def draw_path_products(
    parts: Sequence[tuple[tuple[Hashable, ...], float]], total: float
) -> Figure:
    """Signed product of every path, strongest first, and their sum."""
    fig, ax = plt.subplots(figsize=(6.5, 1.2 + 0.42 * len(parts)))
    names = [" → ".join(map(str, path)) for path, _ in parts] + ["total effect"]
    roles = ["path"] + ["classical"] * (len(parts) - 1) + ["truth"]
    values = [*(value for _, value in parts), total]
    ax.barh(names, values, color=[plots.ROLES[role] for role in roles])
    ax.axvline(0, color=plots.ROLES["null"], linewidth=1)
    ax.invert_yaxis()
    ax.set_xlabel("effect (units of the target per unit of the source)")
    cancel = any(v * values[0] < 0 for v in values[:-1])
    ax.set_title(
        "The strongest path is not the total effect: signs cancel"
        if cancel
        else "The total effect is the sum over all paths"
    )
    return fig


def draw_path(
    model: nx.DiGraph,
    positions: Mapping[Hashable, tuple[float, float]],
    best: OptimalPath,
) -> Figure:
    """A fitted linear model with its coefficients and the optimal path in colour."""
    fig, ax = plt.subplots(figsize=(7, 4.6))
    draw_graph(model, positions, ax, path=best.nodes, weight="weight")
    ax.set_title(f"P: {' → '.join(map(str, best.nodes))}, effect {best.value:+.2f}")
    return fig


def draw_search(search: QuantumPath, costs: Mapping[str, pd.DataFrame]) -> Figure:
    """Success per shot by depth, and the cost of quantum search by size.

    Parameters
    ----------
    search: one instance, from `quantum_path`.
    costs: kind of graph -> table of `search_scaling`; at most three.
    """
    fig, axs = plt.subplots(1, 2, figsize=(10, 3.6))
    blue, orange = plots.ROLES["quantum"], plots.ROLES["classical"]
    steps, successes = zip(*search.by_depth, strict=True)
    success = search.table["success"]
    axs[0].axhline(1, color=orange, label="exact (classical)")
    axs[0].axhline(
        success["Grover, optimum's cost known"],
        color=blue,
        ls="--",
        label="Grover, optimum known",
    )
    axs[0].plot(steps, successes, "o-", color=blue, label="QAOA")
    axs[0].axhline(
        success["uniform guessing"], color=plots.ROLES["null"], ls=":", label="guessing"
    )
    axs[0].set_xticks(steps)
    axs[0].set_ylim(0, 1.05)
    axs[0].set_xlabel("depth of the QAOA")
    axs[0].set_ylabel("success per shot")
    axs[0].legend(loc="center right", bbox_to_anchor=(1.0, 0.62))
    axs[0].set_title("QAOA finds the path some of the time")
    for (name, table), style in zip(costs.items(), ("o-", "s--", "^:"), strict=False):
        low, high = table["low"], table["high"]
        axs[1].fill_between(table.index, low, high, color=blue, alpha=0.2)
        axs[1].plot(table.index, table["effect"], style, color=blue, label=name)
    axs[1].axhline(0, color=orange, linewidth=2)
    axs[1].legend(loc="lower left")
    axs[1].set_xscale("log")
    axs[1].set_xlabel("paths in the graph")
    axs[1].set_ylabel("log₁₀(exact edges / quantum edges)")
    axs[1].set_title("Below 0: quantum search does more work")
    return fig
