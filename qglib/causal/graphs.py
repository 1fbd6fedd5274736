"""The equivalence class of a causal graph: what it fixes, and who belongs to it.

Observational data fix a causal graph only up to its Markov equivalence class.
The class is held as a *completed partially directed acyclic graph* (CPDAG): a
`networkx.DiGraph` in which a compelled arrow is one arc and an edge of unknown
direction is a pair of opposite arcs.

Source: Verma & Pearl, "Equivalence and synthesis of causal models", UAI 1990;
Meek, "Causal inference and causal explanation with background knowledge", UAI
1995 (rules 1 to 3); members root by root: He, Jia & Yu, JMLR 16 (2015).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import networkx as nx

__all__ = [
    "Identifiability",
    "class_members",
    "compelled_arrows",
    "cpdag",
    "graph_metrics",
    "identifiability",
]

Arc = tuple[Hashable, Hashable]


def require_dag(graph: nx.DiGraph, name: str = "graph") -> None:
    """Refuse anything but a directed acyclic graph.

    Raises:
        TypeError: `graph` is not a simple `networkx.DiGraph`.
        ValueError: `graph` has a directed cycle.
    """
    if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
        raise TypeError(
            f"{name} must be a networkx.DiGraph, got {type(graph).__name__}; "
            "convert it with networkx.DiGraph(...)."
        )
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [arc[0] for arc in nx.find_cycle(graph)]
        raise ValueError(
            f"{name} must be acyclic, found the cycle {cycle}. A pair of opposite "
            "arcs stands for an edge of unknown direction: keep the compelled "
            "arrows only, or take one graph from class_members(graph)."
        )


def compelled_arrows(pdag: nx.DiGraph) -> set[Arc]:
    """Arcs of `pdag` that have no opposite arc."""
    return {(a, b) for a, b in pdag.edges if not pdag.has_edge(b, a)}


def _adjacent(pdag: nx.DiGraph, a: Hashable, b: Hashable) -> bool:
    return pdag.has_edge(a, b) or pdag.has_edge(b, a)


def _must_point(pdag: nx.DiGraph, a: Hashable, b: Hashable) -> bool:
    """Whether one of Meek's rules 1 to 3 turns the edge a - b into a -> b."""
    into_b = {p for p in pdag.predecessors(b) if not pdag.has_edge(b, p)}
    for c in pdag.predecessors(a):  # rule 1: c -> a - b, c and b not adjacent
        if not pdag.has_edge(a, c) and not _adjacent(pdag, c, b):
            return True
    beside_a = set(pdag.successors(a))
    for c in beside_a & into_b:  # rule 2: a -> c -> b
        if not pdag.has_edge(c, a):
            return True
    both = [c for c in beside_a & into_b if pdag.has_edge(c, a)]
    # rule 3: a - c -> b and a - d -> b, c and d not adjacent
    return any(not _adjacent(pdag, c, d) for c, d in combinations(both, 2))


def close_under_meek(pdag: nx.DiGraph) -> nx.DiGraph:
    """Orient by Meek's rules 1 to 3 until nothing changes; returns a new graph."""
    pdag = pdag.copy()
    changed = True
    while changed:
        changed = False
        for a, b in list(pdag.edges):
            if pdag.has_edge(a, b) and pdag.has_edge(b, a) and _must_point(pdag, a, b):
                pdag.remove_edge(b, a)
                changed = True
    return pdag


def cpdag(dag: nx.DiGraph) -> nx.DiGraph:
    """Equivalence class of `dag`: its skeleton, v-structures, then Meek's rules.

    Raises:
        ValueError: `dag` has a cycle.
    """
    require_dag(dag, "dag")
    pdag = nx.DiGraph()
    pdag.add_nodes_from(dag.nodes)
    colliders = {
        arc
        for node in dag
        for a, b in combinations(dag.predecessors(node), 2)
        if not _adjacent(dag, a, b)
        for arc in ((a, node), (b, node))
    }
    for a, b in dag.edges:
        pdag.add_edge(a, b)
        if (a, b) not in colliders:
            pdag.add_edge(b, a)
    return close_under_meek(pdag)


def graph_metrics(estimate: nx.DiGraph, truth: nx.DiGraph) -> dict[str, float]:
    """Distance of an estimated equivalence class from that of the true graph.

    Args:
        estimate: an equivalence class, as `discover` returns it (for a directed
            acyclic graph pass ``cpdag(graph)``).
        truth: the true directed acyclic graph, on the same nodes.

    Returns:
        ``shd`` structural Hamming distance: node pairs whose state (none, ->, <-,
        undirected) differs; ``adjacency_f1`` of the skeleton; ``arrow_f1`` of the
        compelled arrows, NaN (not applicable) where neither graph has any;
        ``edges`` in the estimate.

    Raises:
        ValueError: the node sets differ, or `truth` has a cycle.
    """
    if set(estimate) != set(truth):
        raise ValueError(
            "estimate and truth must share their nodes; they differ in "
            f"{sorted(map(str, set(estimate) ^ set(truth)))}. Rename the columns."
        )
    target = cpdag(truth)
    shd = 0
    for pair in combinations(target.nodes, 2):
        states = [
            (g.has_edge(*pair), g.has_edge(*pair[::-1])) for g in (estimate, target)
        ]
        shd += states[0] != states[1]
    found, true = ({frozenset(arc) for arc in g.edges} for g in (estimate, target))
    return {
        "shd": float(shd),
        "adjacency_f1": _f1(found, true),
        "arrow_f1": _f1(compelled_arrows(estimate), compelled_arrows(target)),
        "edges": float(len(found)),
    }


def _f1(found: set, true: set) -> float:
    """NaN where nothing was to be found and nothing was claimed."""
    size = len(found) + len(true)
    return 2 * len(found & true) / size if size else float("nan")


def _orientations(pdag: nx.DiGraph) -> Iterator[set[Arc]]:
    """Every way to turn the open edges of a class, as a set of arcs.

    A connected part of the open edges has exactly one source in each member; with
    the source chosen, Meek's rules turn what follows, and the rest is open again.
    """
    open_edges = nx.Graph((a, b) for a, b in pdag.edges if pdag.has_edge(b, a))
    if not open_edges:
        yield set()
        return
    parts = [open_edges.subgraph(c) for c in nx.connected_components(open_edges)]
    first, others = parts[0], nx.DiGraph(nx.compose_all([nx.Graph(), *parts[1:]]))
    for root in sorted(first, key=str):
        rooted = nx.DiGraph(first)
        rooted.remove_edges_from([(other, root) for other in first[root]])
        rooted = close_under_meek(rooted)
        for inner in _orientations(rooted):
            for outer in _orientations(others):
                yield compelled_arrows(rooted) | inner | outer


def class_members(pdag: nx.DiGraph, limit: int = 1000) -> list[nx.DiGraph]:
    """All directed acyclic graphs of the equivalence class `pdag`.

    Raises:
        ValueError: the class holds more than `limit` graphs, or `pdag` is not an
            equivalence class.
    """
    turned = list(islice(_orientations(pdag), limit + 1))
    if len(turned) > limit:
        raise ValueError(
            f"the class holds more than limit={limit} graphs; raise the limit or fix "
            "some directions first."
        )
    members = []
    for arrows in turned:
        member = nx.DiGraph()
        member.add_nodes_from(pdag.nodes)
        member.add_edges_from(compelled_arrows(pdag) | arrows)
        require_dag(member, "a member of pdag")
        members.append(member)
    if set(cpdag(members[0]).edges) != set(pdag.edges):
        raise ValueError(
            "pdag is not the class of any directed acyclic graph (PC can return "
            "such conflicting orientations); use method='ges' or 'exact'."
        )
    return members


@dataclass(frozen=True)
class Identifiability:
    """What observational data can decide about a causal graph at best.

    Attributes:
        compelled: number of arrows shared by every graph of the class.
        undirected: number of edges whose direction no observation decides.
        class_size: number of directed acyclic graphs in the class.
        warning: one sentence for the reader; empty when all is identifiable.
    """

    compelled: int
    undirected: int
    class_size: int
    warning: str


def identifiability(dag: nx.DiGraph) -> Identifiability:
    """How much of `dag` observational data could reveal, before any data are seen.

    Raises:
        ValueError: `dag` has a cycle.
    """
    pdag = cpdag(dag)
    arrows = len(compelled_arrows(pdag))
    edges = (pdag.number_of_edges() - arrows) // 2
    warning = ""
    if edges:
        warning = f"{edges} of {arrows + edges} directions cannot be learned."
    if edges and not arrows:
        warning = "No direction can be learned: do not score arrows on this graph."
    size = sum(1 for _ in _orientations(pdag))
    return Identifiability(arrows, edges, size, warning)
