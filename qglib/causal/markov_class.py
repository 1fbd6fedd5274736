"""The graphs of an equivalence class: how many, which, and what they leave open.

The class is a completed partially directed acyclic graph, see
`qglib.causal.graphs`.

Source: He, Jia & Yu, "Counting and exploring sizes of Markov equivalence classes",
JMLR 16 (2015) (rooted counting).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import networkx as nx

from qglib.causal.graphs import (
    close_under_meek,
    compelled_arrows,
    cpdag,
    require_dag,
    undirected_edges,
)

__all__ = ["Identifiability", "class_members", "class_size", "identifiability"]


@dataclass(frozen=True)
class Identifiability:
    """What observational data can decide about a causal graph at best.

    Attributes
    ----------
    compelled: number of arrows shared by every graph of the class.
    undirected: number of edges whose direction no observation decides.
    class_size: number of directed acyclic graphs in the class.
    warning: one sentence for the reader; empty when all is identifiable.
    """

    compelled: int
    undirected: int
    class_size: int
    warning: str


def _chain_components(pdag: nx.DiGraph) -> list[nx.Graph]:
    undirected = nx.Graph(tuple(edge) for edge in undirected_edges(pdag))
    return [undirected.subgraph(c) for c in nx.connected_components(undirected)]


def _rooted(component: nx.Graph, root: Hashable) -> nx.DiGraph:
    """The chordal `component` with every edge at `root` pointing away from it."""
    pdag = nx.DiGraph(component)
    pdag.remove_edges_from([(other, root) for other in component[root]])
    return close_under_meek(pdag)


def class_size(pdag: nx.DiGraph) -> int:
    """Number of directed acyclic graphs in the equivalence class `pdag`.

    A connected chordal component has exactly one source in each member, so the
    members are counted root by root; components multiply.
    """
    size = 1
    for component in _chain_components(pdag):
        size *= sum(class_size(_rooted(component, root)) for root in component)
    return size


def class_members(pdag: nx.DiGraph, limit: int = 1000) -> Iterator[nx.DiGraph]:
    """All directed acyclic graphs of the equivalence class `pdag`.

    Raises
    ------
    ValueError: the class holds more than `limit` graphs, or `pdag` is not an
        equivalence class.
    """
    size = class_size(pdag)
    if size > limit:
        raise ValueError(
            f"the class holds {size} graphs, more than limit={limit}; raise the "
            "limit or fix some directions first."
        )
    directed = nx.DiGraph()
    directed.add_nodes_from(pdag.nodes)
    directed.add_edges_from(compelled_arrows(pdag))
    require_dag(directed, "the compelled part of pdag")

    def orient(rest: nx.DiGraph) -> Iterator[set[tuple[Hashable, Hashable]]]:
        components = _chain_components(rest)
        if not components:
            yield set()
            return
        first = components[0]
        others = nx.DiGraph(rest)
        others.remove_nodes_from(first.nodes)
        for root in sorted(first, key=str):
            rooted = _rooted(first, root)
            for inner in orient(rooted):
                for outer in orient(others):
                    yield compelled_arrows(rooted) | inner | outer

    undirected_part = nx.DiGraph(pdag)
    undirected_part.remove_edges_from(compelled_arrows(pdag))
    for arrows in orient(undirected_part):
        member = directed.copy()
        member.add_edges_from(arrows)
        if set(cpdag(member).edges) != set(pdag.edges):
            raise ValueError(
                "pdag is not the class of any directed acyclic graph (PC can return "
                "such conflicting orientations); use method='ges' or 'exact'."
            )
        yield member


def identifiability(dag: nx.DiGraph) -> Identifiability:
    """How much of `dag` observational data could reveal, before any data are seen.

    Raises
    ------
    ValueError: `dag` has a cycle.
    """
    pdag = cpdag(dag)
    arrows, edges = len(compelled_arrows(pdag)), len(undirected_edges(pdag))
    warning = ""
    if edges:
        warning = f"{edges} of {arrows + edges} directions cannot be learned."
    if edges and not arrows:
        warning = "No direction can be learned: do not score arrows on this graph."
    return Identifiability(arrows, edges, class_size(pdag), warning)
