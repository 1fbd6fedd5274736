"""A causal graph drawn with few crossings by a quantum algorithm, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from matplotlib.figure import Figure

from qglib.explain.causal_layout import LayeredGraph, layered_graph
from qglib.explain.graph_figures import draw_layered
from qglib.quantum.crossing import QuantumDrawing, draw_with_qaoa
from qglib.quantum.layered_orders import Orders, count_crossings


@dataclass(frozen=True)
class QaoaDrawing:
    """A causal graph in layers, as entered and as QAOA orders it.

    Attributes:
        layered: the graph in layers.
        found: what QAOA made of it, beside its rivals.
        orders: method -> orders of the layers.
        crossings: method -> number of crossings.
    """

    layered: LayeredGraph
    found: QuantumDrawing
    orders: dict[str, Orders]
    crossings: dict[str, int]

    def figure(self, title: str = "") -> Figure:
        """Both drawings side by side."""
        return draw_layered(
            self.orders,
            self.layered.edges,
            names=self.layered.names,
            crossings=self.crossings,
            title=title,
        )


def qaoa_drawing(
    graph: nx.DiGraph, rng: np.random.Generator, *, depth: int = 3, shots: int = 64
) -> QaoaDrawing:
    """Order the layers of a causal graph by QAOA; the best of the shots is taken.

    Nodes that were entered first stand first "as entered".

    Raises:
        ValueError: a directed cycle, more than 18 binary variables, no shot that is
            an order.
    """
    layered = layered_graph(graph)
    found = draw_with_qaoa(layered.sizes, layered.edges, rng, depth=depth, shots=shots)
    if found.orders is None:
        raise ValueError(f"shots={shots}: none of them is an order, take more shots")
    given = tuple(tuple(range(size)) for size in layered.sizes)
    orders = {"as entered": given, "QAOA": found.orders}
    return QaoaDrawing(
        layered=layered,
        found=found,
        orders=orders,
        crossings={n: count_crossings(o, layered.edges) for n, o in orders.items()},
    )
