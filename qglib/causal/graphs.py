"""The equivalence class of a causal graph: what it fixes, and who belongs to it.

The class is held as a *completed partially directed acyclic graph* (CPDAG): a
`networkx.DiGraph` in which a compelled arrow is one arc and an edge of unknown
direction is a pair of opposite arcs. Knowledge from outside may turn more edges.

Source: Verma & Pearl, UAI 1990; Meek, "Causal inference and causal explanation with
background knowledge", UAI 1995 (rules 1 to 4).
"""

from collections.abc import Hashable, Iterator
from itertools import combinations, islice
from typing import NamedTuple

import networkx as nx
from cliquepicking import mec_size

Arc = tuple[Hashable, Hashable]


def require_dag(graph: nx.DiGraph, name: str = "graph") -> None:
    """Refuse what is no simple `networkx.DiGraph` (TypeError) or has a cycle."""
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


def _colliders(graph: nx.DiGraph) -> set[tuple[frozenset, Hashable]]:
    """Unshielded colliders: ({a, b}, node) for a -> node <- b, a and b not joined."""
    arrows = nx.DiGraph(compelled_arrows(graph))
    return {
        (frozenset((a, b)), node)
        for a, node, b in nx.dag.colliders(arrows)  # pyright: ignore[reportAttributeAccessIssue]
        if not _adjacent(graph, a, b)
    }


def _must_point(pdag: nx.DiGraph, a: Hashable, b: Hashable) -> bool:
    """Whether one of Meek's rules turns the edge a - b into a -> b."""
    into_a, into_b = (
        {p for p in pdag.predecessors(v) if not pdag.has_edge(v, p)} for v in (a, b)
    )
    between = set(pdag.successors(a)) & into_b  # a - c -> b or a -> c -> b
    both = [c for c in between if pdag.has_edge(c, a)]
    return (
        any(not _adjacent(pdag, c, b) for c in into_a)  # rule 1: c -> a
        or len(both) < len(between)  # rule 2: a -> c
        # rule 3: c and d in between, not adjacent
        or any(not _adjacent(pdag, c, d) for c, d in combinations(both, 2))
        # rule 4: a - d -> c -> b, a next to c, b and d not adjacent
        or any(
            pdag.has_edge(d, a)
            and pdag.has_edge(a, d)
            and not pdag.has_edge(c, d)
            and _adjacent(pdag, a, c)
            and not _adjacent(pdag, b, d)
            for c in into_b
            for d in pdag.predecessors(c)
        )
    )


def close_under_meek(pdag: nx.DiGraph) -> nx.DiGraph:
    """Orient by Meek's rules 1 to 4 until nothing changes; returns a new graph."""
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
    """Equivalence class of `dag`: its skeleton, v-structures, then Meek's rules."""
    require_dag(dag, "dag")
    pdag = nx.DiGraph()
    pdag.add_nodes_from(dag.nodes)
    turned = {(a, node) for pair, node in _colliders(dag) for a in pair}
    for a, b in dag.edges:
        pdag.add_edge(a, b)
        if (a, b) not in turned:
            pdag.add_edge(b, a)
    return close_under_meek(pdag)


def graph_metrics(estimate: nx.DiGraph, truth: nx.DiGraph) -> dict[str, float]:
    """Distance of an estimated equivalence class from that of the true graph.

    Args:
        estimate: a class, as of `discover`; of an acyclic graph pass ``cpdag(graph)``.
        truth: the true directed acyclic graph; other nodes are a ValueError.

    Returns:
        ``shd`` structural Hamming distance: node pairs whose state (none, ->, <-,
        undirected) differs; ``adjacency_f1`` of the skeleton; ``arrow_f1`` of the
        compelled arrows, NaN where neither graph has any; ``edges`` in the estimate.
    """
    if set(estimate) != set(truth):
        raise ValueError(
            "estimate and truth must share their nodes; they differ in "
            f"{sorted(map(str, set(estimate) ^ set(truth)))}. Rename the columns."
        )

    def f1(found: set, true: set) -> float:
        size = len(found) + len(true)
        return 2 * len(found & true) / size if size else float("nan")

    target = cpdag(truth)
    found, true = ({frozenset(arc) for arc in g.edges} for g in (estimate, target))
    differ = {frozenset(arc) for arc in set(estimate.edges) ^ set(target.edges)}
    return {
        "shd": float(len(differ)),
        "adjacency_f1": f1(found, true),
        "arrow_f1": f1(compelled_arrows(estimate), compelled_arrows(target)),
        "edges": float(len(found)),
    }


def _turned(pdag: nx.DiGraph) -> Iterator[nx.DiGraph]:
    """Every way to turn the open edges: one of them both ways, Meek, and so on."""
    a, b = next((e for e in pdag.edges if pdag.has_edge(*e[::-1])), (None, None))
    if a is None:
        yield pdag
        return
    for wrong in ((b, a), (a, b)):
        part = pdag.copy()
        part.remove_edge(*wrong)
        yield from _turned(close_under_meek(part))


def class_members(pdag: nx.DiGraph, limit: int = 1000) -> list[nx.DiGraph]:
    """All directed acyclic graphs of the class `pdag`, also one with knowledge.

    More than `limit` graphs, or a `pdag` that is no class, are a ValueError.
    """
    members = list(islice(_turned(pdag), limit + 1))
    if not all(_extends(member, pdag) for member in members):
        raise ValueError(
            "pdag is not the class of any directed acyclic graph (PC can return "
            "such conflicting orientations); use method='ges' or 'exact'."
        )
    if len(members) > limit:
        raise ValueError(
            f"the class holds more than limit={limit} graphs; raise the limit or fix "
            "some directions first (required, forbidden and tiers of discover)."
        )
    return members


def is_class(pdag: nx.DiGraph) -> bool:
    """Whether some directed acyclic graph belongs to `pdag`."""
    first = next(_turned(pdag))
    return _extends(first, pdag) and (
        compelled_arrows(cpdag(first)) <= compelled_arrows(pdag)
    )


def _extends(dag: nx.DiGraph, pdag: nx.DiGraph) -> bool:
    return nx.is_directed_acyclic_graph(dag) and _colliders(dag) == _colliders(pdag)


def class_size(pdag: nx.DiGraph) -> int:
    """Number of directed acyclic graphs in an equivalence class, in polynomial time.

    Of classes without knowledge from outside; open parts that are not chordal belong
    to no class: ValueError. Source: Wienobst, Bannach & Liskiewicz, AAAI 2021.
    """
    edges = nx.Graph((a, b) for a, b in pdag.edges if pdag.has_edge(b, a))
    if edges and not nx.is_chordal(edges):
        raise ValueError("pdag is not the class of any directed acyclic graph.")

    number = {node: k for k, node in enumerate(pdag)}
    return mec_size([(number[a], number[b]) for a, b in pdag.edges])


class Identifiability(NamedTuple):
    """What observational data can decide about a causal graph at best."""

    compelled: int  # arrows shared by every graph of the class
    undirected: int  # edges whose direction no observation decides
    class_size: int  # directed acyclic graphs in the class
    warning: str  # one sentence for the reader; empty when all is identifiable


def identifiability(dag: nx.DiGraph) -> Identifiability:
    """How much of an acyclic `dag` data could reveal, before any are seen."""
    pdag = cpdag(dag)
    arrows = len(compelled_arrows(pdag))
    edges = (pdag.number_of_edges() - arrows) // 2
    warning = f"{edges} of {arrows + edges} directions cannot be learned."
    if not arrows:
        warning = "No direction can be learned: do not score arrows on this graph."
    return Identifiability(arrows, edges, class_size(pdag), warning if edges else "")
