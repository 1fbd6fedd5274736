"""The optimal causal path P of a directed acyclic graph, its value and its margin.

P is the path from source to target with the largest absolute product of
coefficients (Wright, Ann. Math. Stat. 5 (1934) 161). With the lengths -log|w| it is a
shortest path; networkx lists the k shortest (Yen, Management Science 17 (1971) 712).
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from qglib.causal.graphs import require_dag

__all__ = ["BestPath", "best_path"]

_TIE = 1e-12
_NEVER = 1e6  # length of an arc with coefficient 0


@dataclass(frozen=True)
class BestPath:
    """The best path, and how far it is ahead.

    Attributes:
        nodes: the path, source first.
        value: signed product of the coefficients along it.
        n_optima: how many paths attain the largest absolute product.
        margin: absolute product of the best minus that of the second best path; 0
            on a tie, infinite for an only path.
        alternatives: the k best paths with their signed products, best first, the
            optimum included.
    """

    nodes: tuple[Hashable, ...]
    value: float
    n_optima: int
    margin: float
    alternatives: tuple[tuple[tuple[Hashable, ...], float], ...]


def best_path(
    graph: nx.DiGraph,
    source: Hashable,
    target: Hashable,
    k: int = 5,
    weight: str = "weight",
) -> BestPath:
    """The directed path with the largest absolute product, with its runners-up.

    The strongest path is not the total effect: signs can cancel along several
    paths. Report the total beside it.

    Args:
        graph: directed acyclic graph.
        source, target: nodes joined by at least one directed path.
        k: how many paths to keep; at least 2 are looked at for the margin.
        weight: name of the arc attribute that holds the coefficient.

    Raises:
        ValueError: a cycle, a weight that is missing or not finite, source equals
            target, k < 1.
        networkx.NodeNotFound: source or target is not a node.
        networkx.NetworkXNoPath: no directed path leads from source to target.
    """
    require_dag(graph)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    _require_reachable(graph, source, target)
    lengths = _lengths(graph, source, target, weight)
    found = []
    for path in nx.shortest_simple_paths(lengths, source, target, weight="length"):
        product = math.prod(graph.edges[arc][weight] for arc in pairwise(path))
        tied = not found or abs(abs(product) - abs(found[0][1])) <= _TIE
        if len(found) >= max(k, 2) and not tied:
            break
        found.append((tuple(path), float(product)))
    sizes = [abs(product) for _, product in found]
    optima = sum(abs(size - sizes[0]) <= _TIE for size in sizes)
    ahead = math.inf if len(sizes) == 1 else sizes[0] - sizes[1]
    return BestPath(*found[0], optima, 0.0 if optima > 1 else ahead, tuple(found[:k]))


def _lengths(
    graph: nx.DiGraph, source: Hashable, target: Hashable, weight: str
) -> nx.DiGraph:
    """The nodes between the ends, arcs as long as -log|w| plus what makes it positive.

    What is added is a constant times the rise in height (longest chain from the
    source), the same in sum for every path, so that their order stays.
    """
    sizes = {}
    for a, b, value in graph.edges(data=weight):
        if value is None or not math.isfinite(value):
            raise ValueError(
                f"arc {a!r} -> {b!r} has {weight}={value!r}; every arc needs a finite "
                "number (fit_linear_model(dag, data) writes coefficients)."
            )
        sizes[a, b] = -math.log(abs(value)) if value else _NEVER
    between = (nx.descendants(graph, source) | {source}) & (
        nx.ancestors(graph, target) | {target}
    )
    part = graph.subgraph(between)
    height: dict[Hashable, int] = {}
    for node in nx.topological_sort(part):
        height[node] = max((height[p] + 1 for p in part.predecessors(node)), default=0)
    raised = -min(0.0, *(sizes[arc] for arc in part.edges))
    lengths = nx.DiGraph()
    for a, b in part.edges:
        lengths.add_edge(a, b, length=sizes[a, b] + raised * (height[b] - height[a]))
    return lengths


def _require_reachable(graph: nx.DiGraph, source: Hashable, target: Hashable) -> None:
    for role, node in (("source", source), ("target", target)):
        if node not in graph:
            raise nx.NodeNotFound(
                f"{role} {node!r} is not in the graph; nodes: {list(graph)[:12]}."
            )
    if source == target:
        raise ValueError(f"source and target are both {source!r}; a path needs two.")
    if not nx.has_path(graph, source, target):
        backwards = nx.has_path(graph, target, source)
        hint = "swap source and target" if backwards else "choose a descendant"
        raise nx.NetworkXNoPath(
            f"no directed path leads from {source!r} to {target!r}; {hint}."
        )
