"""Ollivier-Ricci curvature of a graph: where its bottlenecks are.

Two neighbours whose neighbourhoods are close to each other span a positively
curved edge (a clique); two whose neighbourhoods can meet only through the edge
span a negatively curved one (a bridge). Transport is solved exactly by POT.
"""

from __future__ import annotations

from collections.abc import Hashable

import networkx as nx
import numpy as np
import ot

from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import visit_probability

LABEL = "label"
Edge = tuple[Hashable, Hashable]


def ollivier_ricci(
    graph: nx.Graph, *, idleness: float | None = 0.0, weight: str | None = None
) -> dict[Edge, float]:
    """Curvature 1 - W1(mu_x, mu_y) / d(x, y) of each edge (Ollivier 2009).

    mu_x keeps the share `idleness` at x and spreads the rest over the neighbours,
    evenly or in proportion to the edge attribute `weight`. Distances count edges.

    Args:
        graph: undirected, without loops; only connected nodes are compared.
        idleness: 0 up to but not 1; ``None`` for the limit of Lin, Lu and Yau
            (2011), twice the curvature at 1/2 (Bourne et al. 2018: linear from
            idleness 1/(largest degree + 1) on).
        weight: edge attribute for the measures; not with ``idleness=None``.

    Raises:
        ValueError: a directed graph, loops, a bad idleness, weights not positive.
    """
    if graph.is_directed() or graph.is_multigraph() or nx.number_of_selfloops(graph):
        raise ValueError(
            "graph must be undirected, simple and without loops: use "
            "nx.Graph(graph) and remove nx.selfloop_edges(graph)"
        )
    if idleness is None and weight is not None:
        raise ValueError(
            f"idleness=None with weight={weight!r}: the limit is exact for even "
            "measures only; give an idleness from 0 to 1"
        )
    if idleness is not None and not 0 <= idleness < 1:
        raise ValueError(f"idleness={idleness}: give a number from 0 up to but not 1")
    lazy = 0.5 if idleness is None else idleness
    measures = {node: _measure(graph, node, lazy, weight) for node in graph}
    # two neighbours of the ends of an edge are never more than 3 steps apart
    near = dict(nx.all_pairs_shortest_path_length(graph, cutoff=3))
    curvature = {}
    for x, y in graph.edges:
        (here, mass_x), (there, mass_y) = measures[x], measures[y]
        cost = np.array([[near[a][b] for b in there] for a in here], dtype=float)
        value = 1.0 - float(ot.emd2(mass_x, mass_y, cost))
        curvature[x, y] = 2 * value if idleness is None else value
    return curvature


def _measure(
    graph: nx.Graph, node: Hashable, lazy: float, weight: str | None
) -> tuple[list, np.ndarray]:
    others = list(graph[node])
    mass = np.array(
        [1.0 if weight is None else graph[node][o].get(weight, 1.0) for o in others]
    )
    if (mass <= 0).any() or not np.isfinite(mass).all():
        raise ValueError(
            f"{weight!r} of the edges at {node!r} must be positive and finite, got "
            f"{mass.tolist()}"
        )
    mass = (1 - lazy) * mass / mass.sum() if len(others) else mass
    if lazy:
        others, mass = [node, *others], np.concatenate([[lazy], mass])
    return others, mass


def attribution_network(graph: DecisionGraph, most: int = 60) -> nx.DiGraph:
    """The `most` busiest edges of a decision graph as a directed graph.

    Nodes are (layer, sub-word) and ``"label"``; the edge attribute ``flow`` is the
    probability that the backward walk takes the edge.

    Raises:
        ValueError: `most` below 1.
    """
    if most < 1:
        raise ValueError(f"most={most}: keep at least one edge")
    edges, readout = graph.shares
    visits = visit_probability(graph)
    flow = visits[1:, :, None] * edges
    found = [
        (float(flow[n, t, s]), (int(n), int(s)), (int(n) + 1, int(t)))
        for n, t, s in np.argwhere(flow > 0)
    ]
    found += [
        (float(readout[n, t]), (int(n), int(t)), LABEL)
        for n, t in np.argwhere(readout > 0)
    ]
    found.sort(key=lambda item: (-item[0], str(item[1:])))
    network = nx.DiGraph()
    for value, tail, head in found[:most]:
        network.add_edge(tail, head, flow=value)
    return network
