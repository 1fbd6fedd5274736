"""Figures of linked series, root causes and what assumptions decide."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from qglib import plots
from qglib.causal.drawing import draw_graph

__all__ = ["draw_assumptions", "draw_links", "draw_root_cause"]

PLANT = {
    "feed": (0, 2),
    "level_1": (1, 2.5),
    "level_2": (2.1, 2.2),
    "quality": (3.3, 1),
    "temperature": (2.5, -0.4),
    "power": (0.9, -0.6),
    "weather": (-0.1, 0.7),
}
"""Places of the variables of `qglib.data.processes`, in the direction of flow; no line
between two of them passes behind a third."""


def draw_links(
    found: nx.DiGraph, naive: nx.DiGraph, true: Iterable[tuple[str, str]]
) -> Figure:
    """Links of a lagged method beside those of plain correlation.

    A line without head is a link claimed in both directions.

    Parameters
    ----------
    found, naive: graphs of `LaggedLinks.graph` over the variables of the plant.
    true: the true (from, to) pairs.
    """
    true = set(true)
    truth = nx.DiGraph()
    truth.add_nodes_from(PLANT)
    truth.add_edges_from(true)
    fig, axs = plt.subplots(1, 2, figsize=(10.5, 3.9))
    for ax, graph, name in zip(
        axs, (found, naive), ("Conditional on the past", "Correlation"), strict=True
    ):
        bare = nx.DiGraph()
        bare.add_nodes_from(PLANT)
        bare.add_edges_from(graph.edges)
        draw_graph(bare, PLANT, ax, truth=truth)
        right, wrong = len(set(graph.edges) & true), len(set(graph.edges) - true)
        ax.set_title(f"{name}: {right} of {len(true)} true links, {wrong} false")
    return fig


def draw_root_cause(table: pd.DataFrame, root: str | None = None) -> Figure:
    """How far every equation and every reading moved, from `root_cause`.

    Parameters
    ----------
    table: result of `root_cause`.
    root: the true root, drawn in colour; None where it is unknown.
    """
    fig, axs = plt.subplots(1, 2, figsize=(9.5, 3.4), sharey=True)
    shown = table.iloc[::-1]
    colours = [
        plots.ROLES["path"] if name == root else plots.ROLES["null"]
        for name in shown.index
    ]
    names = [name.replace("_", " ") for name in shown.index]
    axs[0].barh(names, shown["t"].abs(), color=colours)
    axs[1].barh(names, shown["deviation"].abs(), color=colours)
    axs[0].set_xlabel("|t| of the shift of the equation")
    axs[1].set_xlabel("shift of the reading (normal standard deviations)")
    loudest = str(table["deviation"].abs().idxmax()).replace("_", " ")
    first = str(table.index[0]).replace("_", " ")
    axs[0].set_title(f"Equation that moved: {first}")
    axs[1].set_title(f"Loudest reading: {loudest}")
    return fig


def draw_assumptions(table: pd.DataFrame, treatment: str, outcome: str) -> Figure:
    """One effect under every assumption, from `adjusted_effects`.

    The title says that the sign depends on them only where one interval lies above
    zero and another below.
    """
    fig, ax = plt.subplots(figsize=(8, 1.2 + 0.42 * len(table)))
    plots.intervals(
        list(table.index),
        table["effect"],
        table["low"],
        table["high"],
        roles="classical",
        xlabel="effect (standard deviations per standard deviation)",
        ax=ax,
    )
    turns = (table["low"] > 0).any() and (table["high"] < 0).any()
    finding = "the sign depends" if turns else "the size depends"
    ax.set_title(f"{treatment} on {outcome}: {finding} on what is held fixed")
    return fig
