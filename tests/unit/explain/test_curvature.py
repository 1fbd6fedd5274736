"""Curvature against closed forms; removal of edges against the model itself."""

import networkx as nx
import numpy as np
import pytest

from qglib.explain import curvature_truth
from qglib.explain.curvature import LABEL, attribution_network, ollivier_ricci
from qglib.explain.decision import decision
from qglib.explain.decision_graph import decision_graph
from qglib.explain.edge_removal import removed_logits

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]
TARGET = (2, "B-PER")


def all_equal(graph, value, **options):
    found = list(ollivier_ricci(graph, **options).values())
    np.testing.assert_allclose(found, value, atol=1e-9)


@pytest.mark.parametrize("n", [3, 4, 6])
def test_complete_graph(n):
    all_equal(nx.complete_graph(n), (n - 2) / (n - 1))
    all_equal(nx.complete_graph(n), n / (n - 1), idleness=None)


@pytest.mark.parametrize(
    ("n", "value"), [(3, 1.5), (4, 1.0), (5, 0.5), (6, 0.0), (9, 0.0)]
)
def test_cycle(n, value):
    all_equal(nx.cycle_graph(n), value, idleness=None)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_hypercube(n):
    all_equal(nx.hypercube_graph(n), 2 / n, idleness=None)


def test_inner_edge_of_the_three_tree():
    tree = nx.balanced_tree(2, 4)
    tree.remove_node(0)  # two rooted trees, joined at their roots
    tree.add_edge(1, 2)
    assert ollivier_ricci(tree)[1, 2] == pytest.approx(-2 / 3, abs=1e-9)


def test_petersen_icosahedron_dodecahedron_torus():
    all_equal(nx.petersen_graph(), -1 / 3)
    all_equal(nx.petersen_graph(), 0.0, idleness=None)
    all_equal(nx.icosahedral_graph(), 0.2)
    all_equal(nx.dodecahedral_graph(), -1 / 3)
    all_equal(nx.grid_2d_graph(7, 7, periodic=True), 0.0)


def test_equal_weights_are_no_weights_and_bridges_are_negative():
    graph = nx.barbell_graph(5, 0)
    plain = ollivier_ricci(graph)
    assert min(plain, key=plain.get) == (4, 5)
    nx.set_edge_attributes(graph, 3.0, "flow")
    weighted = ollivier_ricci(graph, weight="flow")
    for edge, value in plain.items():
        assert weighted[edge] == pytest.approx(value, abs=1e-9)


def test_bad_graphs():
    graph = nx.path_graph(3)
    with pytest.raises(ValueError, match="undirected"):
        ollivier_ricci(nx.DiGraph(graph))
    with pytest.raises(ValueError, match="idleness=1"):
        ollivier_ricci(graph, idleness=1)
    with pytest.raises(ValueError, match="exact for even"):
        ollivier_ricci(graph, idleness=None, weight="flow")
    nx.set_edge_attributes(graph, 0.0, "flow")
    with pytest.raises(ValueError, match="positive"):
        ollivier_ricci(graph, weight="flow")


def test_network_holds_the_walk(bert, tokenizer):
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    network = attribution_network(graph, most=10**6)
    into = sum(d["flow"] for _, _, d in network.in_edges(LABEL, data=True))
    assert into == pytest.approx(1)
    bottom = sum(d["flow"] for (n, _), _, d in network.edges(data=True) if n == 0)
    assert bottom == pytest.approx(1)
    assert attribution_network(graph, 7).number_of_edges() == 7
    with pytest.raises(ValueError, match="most=0"):
        attribution_network(graph, 0)


def test_removing_nothing_and_what_the_decision_does_not_read(bert, tokenizer):
    this = decision(bert, tokenizer, CLEAN, TARGET)
    last = [(2, 1, s) for s in range(6)]  # the head reads sub-word 3 only
    got = removed_logits(this, [[], last, [(2, 3, 0)]], batch_size=2)
    full = this.logits(this.inputs)[0]
    assert got[0] == pytest.approx(full, abs=1e-12)
    assert got[1] == pytest.approx(full, abs=1e-12)
    assert abs(got[2] - full) > 1e-6


def test_removing_all_attention_leaves_the_bias(bert, tokenizer):
    this = decision(bert, tokenizer, CLEAN, TARGET)
    every = [(n, t, s) for n in range(3) for t in range(6) for s in range(6)]
    got = removed_logits(this, [every])[0]
    other = decision(bert, tokenizer, ["paris", "scored", "the", "plan"], TARGET)
    # without attention the word at the target is all that counts
    assert got == pytest.approx(removed_logits(other, [every])[0], abs=1e-12)


def test_bad_edges(bert, tokenizer):
    this = decision(bert, tokenizer, CLEAN, TARGET)
    with pytest.raises(ValueError, match="outside the 3 layers"):
        removed_logits(this, [[(3, 0, 0)]])


def test_the_table_of_closed_forms_is_met():
    table = curvature_truth()
    assert len(table) == 7
    np.testing.assert_allclose(table["found"], table["closed form"], atol=1e-9)
    # the closed forms as functions of the size, not as typed numbers
    assert table["closed form"]["complete graph of 5"] == (5 - 2) / (5 - 1)
    assert table["closed form"]["cube, LLY"] == 2 / 3
