"""Where to draw the nodes of a causal graph: by height, with few crossings.

Time runs upwards: a node stands at its height, the longest chain below it, and
each height is ordered so that few arrows cross.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise, permutations, product
from math import factorial, prod

import networkx as nx
import numpy as np

Point = tuple[float, float]
EXACT_LIMIT = 5000  # orders of all layers together that are searched one by one


@dataclass(frozen=True)
class HasseLayout:
    """Positions (x, height) of the nodes and the bends of the arrows.

    Attributes:
        positions: node -> (x, height).
        routes: arrow -> points from tail to head; a long arrow bends at the
            heights between.
        crossings: number of crossings between arrows.
    """

    positions: dict[Hashable, Point]
    routes: dict[tuple[Hashable, Hashable], list[Point]]
    crossings: int


def directed_version(graph: nx.DiGraph) -> nx.DiGraph:
    """An acyclic version of `graph`: each pair of opposite arcs becomes one arc.

    Arcs that stand alone keep their direction; an edge of unknown direction takes
    the one in which its nodes were entered, unless that would close a cycle.

    Raises:
        ValueError: the arcs that stand alone already form a cycle.
    """
    out = nx.DiGraph()
    out.add_nodes_from(graph)
    out.add_edges_from((a, b) for a, b in graph.edges if not graph.has_edge(b, a))
    if not nx.is_directed_acyclic_graph(out):
        raise ValueError(
            f"graph has a directed cycle {nx.find_cycle(out)}: a causal drawing needs "
            "an acyclic graph"
        )
    place = {node: i for i, node in enumerate(graph)}
    for a, b in graph.edges:
        if place[a] < place[b] and graph.has_edge(b, a):
            out.add_edge(*((b, a) if nx.has_path(out, b, a) else (a, b)))
    return out


def heights(graph: nx.DiGraph) -> dict[Hashable, int]:
    """Length of the longest chain below each node of an acyclic graph."""
    height: dict[Hashable, int] = {}
    for node in nx.topological_sort(graph):
        height[node] = max((height[p] + 1 for p in graph.predecessors(node)), default=0)
    return height


def crossings(edges: list[tuple[int, int]]) -> int:
    """Crossings between two layers; edges are (place below, place above)."""
    return sum(
        (a - c) * (b - d) < 0
        for i, (a, b) in enumerate(edges)
        for c, d in edges[i + 1 :]
    )


def hasse_layout(graph: nx.DiGraph) -> HasseLayout:
    """Nodes at their heights, with few crossings (Sugiyama et al. 1981).

    Long arrows get an invisible node at each height they pass. If all orders of all
    layers number at most `EXACT_LIMIT` the fewest crossings are found by trying
    them; else by sweeps of barycentres and swaps of neighbours.

    Raises:
        ValueError: a directed cycle.
    """
    graph = directed_version(graph)
    layers, between, chains = _layers(graph)

    def count(order: list[list]) -> int:
        place = {node: i for layer in order for i, node in enumerate(layer)}
        return sum(
            crossings([(place[a], place[b]) for a, b in group]) for group in between
        )

    if prod(factorial(len(layer)) for layer in layers) <= EXACT_LIMIT:
        orders = product(*[permutations(layer) for layer in layers])
        best = min(([list(layer) for layer in order] for order in orders), key=count)
    else:
        best = _sweeps(layers, between, count)
    x = _places(best, between)
    at = {node: (x[node], float(i)) for i, layer in enumerate(best) for node in layer}
    return HasseLayout(
        positions={node: at[node] for node in graph},
        routes={edge: [at[node] for node in chain] for edge, chain in chains.items()},
        crossings=count(best),
    )


@dataclass(frozen=True)
class LayeredGraph:
    """A causal graph as layers with arrows between neighbouring layers only.

    Attributes:
        sizes: nodes of each layer, lowest first.
        edges: (layer of the tail, place of the tail, place of the head).
        names: name of each node by layer; "" for a bend of a long arrow.
    """

    sizes: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]
    names: tuple[tuple[str, ...], ...]


def layered_graph(graph: nx.DiGraph) -> LayeredGraph:
    """Nodes at their heights in the order of the graph, long arrows cut into pieces.

    The form that `qglib.quantum.crossing` and its rivals take.

    Raises:
        ValueError: a directed cycle.
    """
    graph = directed_version(graph)
    layers, between, _ = _layers(graph)
    place = {node: i for layer in layers for i, node in enumerate(layer)}
    return LayeredGraph(
        sizes=tuple(len(layer) for layer in layers),
        edges=tuple(
            (level, place[a], place[b])
            for level, group in enumerate(between)
            for a, b in group
        ),
        names=tuple(
            tuple(str(node) if node in graph else "" for node in layer)
            for layer in layers
        ),
    )


def _layers(graph: nx.DiGraph) -> tuple[list[list], list[list[tuple]], dict]:
    """Nodes and bends by height, pieces between layers, and each arrow's chain."""
    height = heights(graph)
    layers: list[list] = [[] for _ in range(max(height.values(), default=0) + 1)]
    for node in graph:
        layers[height[node]].append(node)
    between: list[list[tuple]] = [[] for _ in layers]
    chains: dict[tuple, list] = {}
    for a, b in graph.edges:
        chain = [a, *[(a, b, level) for level in range(height[a] + 1, height[b])], b]
        for level, middle in enumerate(chain[1:-1], start=height[a] + 1):
            layers[level].append(middle)
        for i, pair in enumerate(pairwise(chain)):
            between[height[a] + i].append(pair)
        chains[a, b] = chain
    return layers, between, chains


def _sweeps(layers: list[list], between: list[list[tuple]], count) -> list[list]:
    order = [list(layer) for layer in layers]
    best, fewest = [list(layer) for layer in order], count(order)
    neighbours: dict = {}
    for group in between:
        for a, b in group:
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)
    for sweep in range(12):
        span = range(len(order)) if sweep % 2 else range(len(order) - 1, -1, -1)
        for level in span:
            place = {
                n: i / max(len(la) - 1, 1) for la in order for i, n in enumerate(la)
            }
            order[level].sort(
                key=lambda n: np.mean([place[m] for m in neighbours.get(n, [n])])
            )
        improved = True
        while improved:
            improved = False
            for layer in order:
                for i in range(len(layer) - 1):
                    before = count(order)
                    layer[i], layer[i + 1] = layer[i + 1], layer[i]
                    if count(order) < before:
                        improved = True
                    else:
                        layer[i], layer[i + 1] = layer[i + 1], layer[i]
        if count(order) < fewest:
            best, fewest = [list(layer) for layer in order], count(order)
    return best


def _places(order: list[list], between: list[list[tuple]]) -> dict:
    """Places along each layer: centred, then pulled towards the neighbours."""
    x = {n: i - (len(layer) - 1) / 2 for layer in order for i, n in enumerate(layer)}
    neighbours: dict = {n: [] for n in x}
    for group in between:
        for a, b in group:
            neighbours[a].append(b)
            neighbours[b].append(a)
    for _ in range(30):
        for layer in filter(None, order):
            wish = [np.mean([x[m] for m in neighbours[n]] or [x[n]]) for n in layer]
            for i, n in enumerate(layer):  # keep the order and a gap of 1
                left = x[layer[i - 1]] + 1 if i else -np.inf
                x[n] = max(left, 0.5 * x[n] + 0.5 * wish[i])
            shift = np.mean(wish) - np.mean([x[n] for n in layer])
            for n in layer:
                x[n] += shift
    return {n: float(value) for n, value in x.items()}
