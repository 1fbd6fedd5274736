"""The optimal causal path P of a directed acyclic graph, exactly.

P is the path from source to target with the largest absolute product of
coefficients (Wright's path rule), the largest sum of weights, or the most edges
(the longest chain, proper time on a causal set). Dynamic programming over a
topological order solves all three in time O(k (V + E)) for the k best paths.

Source: Wright, "The method of path coefficients", Ann. Math. Stat. 5 (1934) 161;
Viterbi, IEEE Trans. Inf. Theory 13 (1967) 260.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from qglib.causal.graphs import require_dag

__all__ = ["OptimalPath", "optimal_path"]

KINDS = ("product", "sum", "longest")
_TIE = 1e-12


@dataclass(frozen=True)
class OptimalPath:
    """The best path, and how far it is ahead.

    Attributes
    ----------
    nodes: the path, source first.
    value: signed product, sum, or number of edges.
    n_optima: how many paths attain the optimum (by absolute value for products).
    margin: best minus second best path, 0 on a tie, infinite for an only path;
        for products the difference of the absolute values.
    alternatives: the k best paths with their signed values, best first, the
        optimum included.
    kind: 'product', 'sum' or 'longest'.
    """

    nodes: tuple[Hashable, ...]
    value: float
    n_optima: int
    margin: float
    alternatives: tuple[tuple[tuple[Hashable, ...], float], ...]
    kind: str

    @property
    def sign(self) -> int:
        """Sign of `value`: -1, 0 or 1."""
        return int(np.sign(self.value))


def arc_weights(
    graph: nx.DiGraph, weight: str
) -> dict[tuple[Hashable, Hashable], float]:
    """The finite weight of every arc.

    Raises
    ------
    ValueError: an arc has no such attribute, or its value is not a finite number.
    """
    weights = {}
    for a, b, value in graph.edges(data=weight):
        if value is None or not np.isfinite(value):
            raise ValueError(
                f"arc {a!r} -> {b!r} has {weight}={value!r}; every arc needs a finite "
                "number (fit_linear_model(dag, data) writes coefficients)."
            )
        weights[a, b] = float(value)
    return weights


def require_reachable(graph: nx.DiGraph, source: Hashable, target: Hashable) -> None:
    """Refuse a source or target that is absent, equal, or not joined by a path.

    Raises
    ------
    networkx.NodeNotFound: source or target is not a node.
    ValueError: source equals target.
    networkx.NetworkXNoPath: no directed path leads from source to target.
    """
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


def optimal_path(
    graph: nx.DiGraph,
    source: Hashable,
    target: Hashable,
    weight: str = "weight",
    kind: str = "product",
    k: int = 5,
) -> OptimalPath:
    """Best directed path from `source` to `target`, with its runners-up.

    Parameters
    ----------
    graph: directed acyclic graph.
    source, target: nodes joined by at least one directed path.
    weight: name of the arc attribute (not read for 'longest').
    kind: 'product' maximises |product of weights| and keeps the sign beside it,
        'sum' maximises the sum, 'longest' the number of arcs.
    k: how many paths to keep, at least 2 are used for the margin.

    Raises
    ------
    ValueError: a cycle, a missing weight, an unknown kind, k < 1.
    networkx.NodeNotFound, networkx.NetworkXNoPath: see `require_reachable`.

    Notes
    -----
    The strongest path is not the total effect: signs can cancel along several
    paths. Report `total_effects` beside it.
    """
    require_dag(graph)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    require_reachable(graph, source, target)
    signed = (
        dict.fromkeys(graph.edges, 1.0)
        if kind == "longest"
        else arc_weights(graph, weight)
    )
    lengths = {
        arc: _log(abs(w)) if kind == "product" else w for arc, w in signed.items()
    }
    between = (nx.descendants(graph, source) | {source}) & (
        nx.ancestors(graph, target) | {target}
    )
    keep = max(k, 2)
    # node -> its best partial paths as (length, predecessor, rank there)
    tops: dict[Hashable, list[tuple[float, Hashable, int]]] = {source: [(0.0, None, 0)]}
    optima: dict[Hashable, int] = {source: 1}
    for node in nx.topological_sort(graph.subgraph(between)):
        if node == source:
            continue
        entries = [
            (length + lengths[parent, node], parent, rank)
            for parent in graph.predecessors(node)
            if parent in between
            for rank, (length, _, _) in enumerate(tops[parent])
        ]
        tops[node] = heapq.nlargest(keep, entries, key=lambda entry: entry[0])
        best = tops[node][0][0]
        optima[node] = sum(
            optima[parent]
            for length, parent, rank in entries
            if rank == 0 and _tied(length, best)
        )

    def walk(rank: int) -> tuple[Hashable, ...]:
        nodes, at = [], target
        while at is not None:
            nodes.append(at)
            _, at, rank = tops[at][rank]
        return tuple(reversed(nodes))

    paths = [walk(rank) for rank in range(len(tops[target]))]
    values = [_value(path, signed, kind) for path in paths]
    if len(paths) == 1:
        margin = math.inf
    else:
        sizes = [abs(v) if kind == "product" else v for v in values[:2]]
        margin = 0.0 if optima[target] > 1 else sizes[0] - sizes[1]
    return OptimalPath(
        paths[0],
        values[0],
        optima[target],
        margin,
        tuple(zip(paths[:k], values[:k], strict=True)),
        kind,
    )


def _log(size: float) -> float:
    return math.log(size) if size > 0 else -math.inf


def _tied(a: float, b: float) -> bool:
    if math.isinf(a) or math.isinf(b):  # the logarithm of a zero coefficient
        return a == b
    return abs(a - b) <= _TIE * max(1.0, abs(a), abs(b))


def _value(path: tuple, weights: dict, kind: str) -> float:
    along = [weights[arc] for arc in pairwise(path)]
    return float(math.prod(along)) if kind == "product" else float(sum(along))
