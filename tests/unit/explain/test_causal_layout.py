from itertools import combinations, permutations, product

import networkx as nx
import numpy as np
import pytest

from qglib.explain import hasse_layout, layered_graph, light_cone_layout
from qglib.explain.causal_layout import crossings, directed_version, heights


def random_dag(seed, n=7, p=0.35):
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(pair for pair in combinations(range(n), 2) if rng.random() < p)
    return graph


def test_heights_are_longest_chains():
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")])
    assert heights(graph) == {"a": 0, "d": 0, "b": 1, "c": 2}


def test_crossings_between_two_layers():
    assert crossings([(0, 0), (0, 1), (1, 0), (1, 1)]) == 1  # K(2,2)
    three = list(product(range(3), repeat=2))
    assert crossings(three) == 9  # K(3,3): (3 choose 2) squared


def test_complete_bipartite_graphs_keep_their_crossings():
    graph = nx.DiGraph([(f"a{i}", f"b{j}") for i in range(3) for j in range(3)])
    assert hasse_layout(graph).crossings == 9


def test_a_planar_order_is_drawn_without_crossings():
    tree = nx.balanced_tree(2, 3, create_using=nx.DiGraph)
    shuffled = nx.DiGraph()
    nodes = list(np.random.default_rng(0).permutation(len(tree)))
    shuffled.add_nodes_from(int(node) for node in nodes)
    shuffled.add_edges_from(tree.edges)
    assert hasse_layout(shuffled).crossings == 0


@pytest.mark.parametrize("seed", range(6))
def test_fewest_crossings_of_two_layers(seed):
    rng = np.random.default_rng(seed)
    edges = [pair for pair in product(range(4), repeat=2) if rng.random() < 0.5]
    graph = nx.DiGraph([(f"a{i}", f"b{j}") for i, j in edges])
    low = sorted({a for a, _ in graph.edges})
    high = sorted({b for _, b in graph.edges})
    best = min(
        crossings([(one.index(a), two.index(b)) for a, b in graph.edges])
        for one in permutations(low)
        for two in permutations(high)
    )
    assert hasse_layout(graph).crossings == best


@pytest.mark.parametrize("seed", range(6))
def test_hasse_positions(seed):
    graph = random_dag(seed, n=9)
    layout = hasse_layout(graph)
    height = heights(graph)
    assert set(layout.positions) == set(graph)
    assert all(layout.positions[node][1] == height[node] for node in graph)
    for a, b in combinations(graph, 2):
        if height[a] == height[b]:
            gap = abs(layout.positions[a][0] - layout.positions[b][0])
            assert gap > 0.999
    for (a, b), route in layout.routes.items():
        assert route[0] == layout.positions[a]
        assert route[-1] == layout.positions[b]
        assert [y for _, y in route] == list(range(height[a], height[b] + 1))


@pytest.mark.parametrize("seed", range(8))
def test_ordered_pairs_are_always_in_the_light_cone(seed):
    graph = random_dag(seed)
    layout = light_cone_layout(graph, np.random.default_rng(0))
    closure = nx.transitive_closure_dag(graph)
    wrong = 0
    for a, b in permutations(graph, 2):
        (xa, ta), (xb, tb) = layout.positions[a], layout.positions[b]
        inside = tb - ta >= abs(xb - xa)
        if closure.has_edge(a, b):
            assert inside
        elif not closure.has_edge(b, a):
            wrong += inside
    assert wrong == layout.spurious


@pytest.mark.parametrize("seed", range(5))
def test_sprinkled_orders_are_drawn_exactly(seed):
    """Events of 1+1 dimensional Minkowski space have order dimension 2."""
    u, v = np.random.default_rng(seed).random((2, 9))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(9))
    graph.add_edges_from(
        (a, b) for a, b in permutations(range(9), 2) if u[a] < u[b] and v[a] < v[b]
    )
    assert light_cone_layout(graph, np.random.default_rng(0), 200).spurious == 0


def test_standard_example_needs_three_dimensions():
    """a_i < b_j for i != j: dimension 3 (Dushnik and Miller 1941)."""
    graph = nx.DiGraph([(f"a{i}", f"b{j}") for i, j in permutations(range(3), 2)])
    assert light_cone_layout(graph, np.random.default_rng(0)).spurious == 1


def test_edges_of_unknown_direction():
    graph = nx.DiGraph([("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "c")])
    out = directed_version(graph)
    assert set(out.edges) == {("a", "b"), ("b", "c"), ("c", "d")}
    against = nx.DiGraph([("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")])
    assert nx.is_directed_acyclic_graph(directed_version(against))


def test_cycles_are_refused():
    cycle = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "a")])
    for layout in (
        hasse_layout,
        lambda g: light_cone_layout(g, np.random.default_rng()),
    ):
        with pytest.raises(ValueError, match="cycle"):
            layout(cycle)


def test_empty_graph():
    assert hasse_layout(nx.DiGraph()).positions == {}
    rng = np.random.default_rng(0)
    assert light_cone_layout(nx.DiGraph(), rng).positions == {}


@pytest.mark.parametrize("seed", range(4))
def test_layers_have_the_crossings_of_the_layout(seed):
    """Two programs for the fewest crossings, here and beside the QUBO, agree."""
    from qglib.quantum.layered_orders import brute_force_orders

    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    graph.add_nodes_from("abcdef")
    for a, b in combinations("abcdef", 2):
        if rng.random() < 0.4:
            graph.add_edge(a, b)
    layered = layered_graph(graph)
    assert sorted(n for layer in layered.names for n in layer if n) == list("abcdef")
    chains = sum(heights(graph)[b] - heights(graph)[a] for a, b in graph.edges)
    assert len(layered.edges) == chains
    bends = sum(name == "" for layer in layered.names for name in layer)
    assert bends == chains - graph.number_of_edges()
    fewest = brute_force_orders(layered.sizes, layered.edges)[1]
    assert fewest == hasse_layout(graph).crossings
