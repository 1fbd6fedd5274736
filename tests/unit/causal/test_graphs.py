from __future__ import annotations

import math
from itertools import combinations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.causal import (
    class_members,
    class_size,
    cpdag,
    graph_metrics,
    identifiability,
    load_network,
)
from qglib.causal.graphs import close_under_meek, compelled_arrows, is_class


def random_dag(d: int, density: float, seed: int) -> nx.DiGraph:
    rng = np.random.default_rng(seed)
    order = rng.permutation(d)
    dag = nx.DiGraph()
    dag.add_nodes_from(range(d))
    for a, b in combinations(range(d), 2):
        if rng.random() < density:
            dag.add_edge(int(order[a]), int(order[b]))
    return dag


def v_structures(dag: nx.DiGraph) -> set:
    return {
        (frozenset((a, b)), node)
        for node in dag
        for a, b in combinations(dag.predecessors(node), 2)
        if not (dag.has_edge(a, b) or dag.has_edge(b, a))
    }


def brute_force_class(dag: nx.DiGraph) -> list[nx.DiGraph]:
    """Same skeleton, same v-structures, acyclic (Verma and Pearl 1990)."""
    arcs = list(dag.edges)
    members = []
    for flips in product((False, True), repeat=len(arcs)):
        other = nx.DiGraph()
        other.add_nodes_from(dag)
        other.add_edges_from(
            (b, a) if flip else (a, b) for (a, b), flip in zip(arcs, flips, strict=True)
        )
        acyclic = nx.is_directed_acyclic_graph(other)
        if acyclic and v_structures(other) == v_structures(dag):
            members.append(other)
    return members


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.floats(0.2, 0.8), st.integers(0, 10_000))
def test_class_equals_brute_force(d: int, density: float, seed: int) -> None:
    dag = random_dag(d, density, seed)
    if dag.number_of_edges() > 11:
        return
    members = brute_force_class(dag)
    pdag = cpdag(dag)
    shared = set.intersection(*(set(m.edges) for m in members))
    assert compelled_arrows(pdag) == shared
    assert identifiability(dag).class_size == len(members)
    ours = {frozenset(m.edges) for m in class_members(pdag, 10_000)}
    assert ours == {frozenset(m.edges) for m in members}
    for member in members:
        assert set(cpdag(member).edges) == set(pdag.edges)


def test_asia_class() -> None:
    pdag = cpdag(load_network("asia").dag)
    assert compelled_arrows(pdag) == {
        ("tub", "either"),
        ("lung", "either"),
        ("either", "xray"),
        ("either", "dysp"),
        ("bronc", "dysp"),
    }
    both = {frozenset(arc) for arc in pdag.edges if pdag.has_edge(*arc[::-1])}
    assert both == {
        frozenset(("asia", "tub")),
        frozenset(("smoke", "lung")),
        frozenset(("smoke", "bronc")),
    }
    assert len(class_members(pdag)) == 6


@pytest.mark.parametrize(
    ("name", "compelled", "undirected", "size"),
    [("asia", 5, 3, 6), ("cancer", 4, 0, 1), ("sachs", 0, 17, 336)],
)
def test_identifiability(name: str, compelled: int, undirected: int, size: int) -> None:
    card = identifiability(load_network(name).dag)
    assert (card.compelled, card.undirected, card.class_size) == (
        compelled,
        undirected,
        size,
    )
    assert bool(card.warning) == (undirected > 0)
    assert ("do not score arrows" in card.warning) == (name == "sachs")


def test_metrics_by_hand() -> None:
    truth = load_network("cancer").dag
    assert graph_metrics(cpdag(truth), truth) == {
        "shd": 0.0,
        "adjacency_f1": 1.0,
        "arrow_f1": 1.0,
        "edges": 4.0,
    }
    estimate = nx.DiGraph()
    estimate.add_nodes_from(truth)
    estimate.add_edges_from([("cancer", "pollution"), ("cancer", "xray")])
    scores = graph_metrics(estimate, truth)
    assert scores["shd"] == 3  # one reversed, two missing
    assert scores["adjacency_f1"] == pytest.approx(2 * 2 / 6)
    assert scores["arrow_f1"] == pytest.approx(2 * 1 / 6)


def test_arrow_f1_is_not_applicable_without_arrows() -> None:
    truth = load_network("sachs").dag
    assert np.isnan(graph_metrics(cpdag(truth), truth)["arrow_f1"])
    assert graph_metrics(cpdag(truth), truth)["shd"] == 0


def test_bad_input() -> None:
    cycle = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "a")])
    with pytest.raises(ValueError, match="must be acyclic"):
        cpdag(cycle)
    with pytest.raises(TypeError, match="convert it with networkx"):
        cpdag(nx.Graph([("a", "b")]))
    with pytest.raises(ValueError, match="share their nodes"):
        graph_metrics(nx.DiGraph([("a", "b")]), nx.DiGraph([("a", "c")]))
    with pytest.raises(ValueError, match="more than limit=10"):
        list(class_members(cpdag(load_network("sachs").dag), limit=10))
    square = nx.DiGraph(nx.cycle_graph(4))  # not chordal: the class of no graph
    with pytest.raises(ValueError, match="not the class"):
        list(class_members(square))


def complete(n: int) -> nx.DiGraph:
    return nx.DiGraph(list(combinations(range(n), 2)))


def test_size_of_a_class_has_closed_forms() -> None:
    assert class_size(cpdag(complete(9))) == math.factorial(9)
    assert class_size(cpdag(complete(20))) == math.factorial(20)
    line = nx.path_graph(60, create_using=nx.DiGraph)
    assert class_size(cpdag(line)) == 60
    # two triangles that share an edge: 3! and, with that edge not first, 3! - 2
    kite = nx.DiGraph([(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)])
    assert class_size(cpdag(kite)) == len(brute_force_class(kite)) == 10
    two = nx.disjoint_union(complete(4), line)
    assert class_size(cpdag(two)) == 24 * 60
    assert class_size(cpdag(nx.DiGraph([(0, 2), (1, 2)]))) == 1
    with pytest.raises(ValueError, match="not the class"):
        class_size(nx.DiGraph(nx.cycle_graph(4)))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.floats(0.2, 1.0), st.integers(0, 10_000))
def test_size_equals_the_number_of_members(d: int, density: float, seed: int) -> None:
    pdag = cpdag(random_dag(d, density, seed))
    size = class_size(pdag)
    if size <= 500:
        assert len(class_members(pdag)) == size


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 6), st.integers(0, 10_000))
def test_knowledge_keeps_the_members_that_agree(d: int, seed: int) -> None:
    dag = random_dag(d, 0.7, seed)
    pdag = cpdag(dag)
    open_edges = [(a, b) for a, b in dag.edges if pdag.has_edge(b, a)]
    if not open_edges:
        return
    a, b = open_edges[seed % len(open_edges)]
    known = pdag.copy()
    known.remove_edge(b, a)
    known = close_under_meek(known)
    assert is_class(known)
    ours = {frozenset(m.edges) for m in class_members(known)}
    theirs = {frozenset(m.edges) for m in class_members(pdag) if m.has_edge(a, b)}
    assert ours == theirs
    shared = set.intersection(*(set(m) for m in ours))
    assert compelled_arrows(known) == shared  # Meek's four rules are complete


def test_conflicting_arrows_are_no_class() -> None:
    assert not is_class(nx.DiGraph(nx.cycle_graph(4)))
    loop = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "a")])
    assert not is_class(loop)
    alone = nx.DiGraph([("a", "b")])  # an arrow that nothing compels: knowledge
    assert is_class(alone)
