"""The optimal causal path P of a directed acyclic graph, its value and its margin.

P is the path from source to target with the largest absolute product of
coefficients (Wright, Ann. Math. Stat. 5 (1934) 161). Every part of it is the best to
where it ends, so the k best paths to a node are among those to its parents, one arc on.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import networkx as nx

from qglib.causal.graphs import require_dag

__all__ = ["BestPath", "best_path"]


@dataclass(frozen=True)
class BestPath:
    """The best path, and how far it is ahead.

    Attributes:
        nodes: the path, source first.
        value: signed product of the coefficients along it.
        n_optima: how many paths attain the largest absolute product.
        margin: absolute product of the best minus that of the second best path; 0
            on a tie, infinite for an only path.
        alternatives: the k best paths with their signed products, this one first.
    """

    nodes: tuple[Hashable, ...]
    value: float
    n_optima: int
    margin: float
    alternatives: tuple[tuple[tuple[Hashable, ...], float], ...]


def best_path(
    graph: nx.DiGraph, source: Hashable, target: Hashable, k: int = 5
) -> BestPath:
    """The directed path with the largest absolute product, with its runners-up.

    The strongest path is not the total effect: signs can cancel along several
    paths. Report the total beside it.

    Args:
        graph: directed acyclic graph whose arcs hold their coefficient as ``weight``.
        source, target: nodes joined by at least one directed path.
        k: how many paths to keep; at least 2 are looked at for the margin.

    Raises:
        ValueError: a cycle, a weight that is missing or not finite, source equals
            target, k < 1.
        networkx.NodeNotFound: source or target is not a node.
        networkx.NetworkXNoPath: no directed path leads from source to target.
    """
    require_dag(graph)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    for role, node in (("source", source), ("target", target)):
        if node not in graph:
            raise nx.NodeNotFound(f"{role} {node!r} is not in {list(graph)[:12]}.")
    if source == target:
        raise ValueError(f"source and target are both {source!r}; a path needs two.")
    kept: dict[Hashable, list] = {node: [] for node in graph}
    kept[source] = [((source,), 1.0)]
    for node in nx.topological_sort(graph):
        ways = kept[node]
        for parent, _, value in graph.in_edges(node, data="weight"):
            if value is None or not math.isfinite(value):
                raise ValueError(
                    f"arc {parent!r} -> {node!r} has weight={value!r}; give all a "
                    "finite number (fit_linear_model(dag, data) writes coefficients)."
                )
            ways += [((*p, node), size * float(value)) for p, size in kept[parent]]
        ways.sort(key=lambda way: -abs(way[1]))
        kept[node] = ways[: max(k, 2)]
        kept[node] += [w for w in ways[max(k, 2) :] if _tied(w, ways[0])]
    found = kept[target]
    if not found:
        backwards = nx.has_path(graph, target, source)
        hint = "swap source and target" if backwards else "choose a descendant"
        raise nx.NetworkXNoPath(
            f"no directed path leads from {source!r} to {target!r}; {hint}."
        )
    optima = sum(_tied(way, found[0]) for way in found)
    ahead = math.inf if len(found) == 1 else abs(found[0][1]) - abs(found[1][1])
    return BestPath(*found[0], optima, 0.0 if optima > 1 else ahead, tuple(found[:k]))


def _tied(way: tuple[tuple, float], best: tuple[tuple, float]) -> bool:
    return math.isclose(abs(way[1]), abs(best[1]), rel_tol=1e-12, abs_tol=1e-12)
