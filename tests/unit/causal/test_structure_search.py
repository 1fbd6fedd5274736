"""Values that the design of the structure search fixes, by independent means."""

from __future__ import annotations

from itertools import permutations, product

import networkx as nx
import numpy as np
import pytest

from qglib.causal import (
    discover,
    discrete_bic,
    exact_search,
    graph_metrics,
    load_network,
    orientation_problem,
)
from qglib.quantum import layered_minimum


def hill_climbing(d: int, score, most: int) -> float:
    """Best neighbour by adding, deleting or turning an arc, from the empty graph."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(d))

    def total(g: nx.DiGraph) -> float:
        return sum(score(v, sorted(g.predecessors(v))) for v in g)

    best = total(graph)
    while True:
        moves = []
        for a, b in permutations(range(d), 2):
            changed = graph.copy()
            if graph.has_edge(a, b):
                changed.remove_edge(a, b)
                moves.append(changed.copy())
                changed.add_edge(b, a)
            elif not graph.has_edge(b, a):
                changed.add_edge(a, b)
            moves.append(changed)
        valid = [
            m
            for m in moves
            if nx.is_directed_acyclic_graph(m)
            and max(dict(m.in_degree).values()) <= most
        ]
        step = max(valid, key=total)
        if total(step) <= best + 1e-9:
            return best
        graph, best = step, total(step)


def test_exact_search_on_asia_never_falls_below_hill_climbing() -> None:
    network, distances = load_network("asia"), []
    for seed in range(8):
        data = network.sample(2000, np.random.default_rng(seed))
        found = discover(data, "exact")
        distances.append(graph_metrics(found, network.dag)["shd"])
        if seed < 2:
            climbed = hill_climbing(8, _remembered(discrete_bic(data.to_numpy())), 4)
            assert found.graph["score"] >= climbed - 1e-9
    assert np.mean(distances) == pytest.approx(1.1, abs=0.35)


def _remembered(score):
    known = {}

    def look(node: int, parents) -> float:
        key = node, tuple(parents)
        if key not in known:
            known[key] = score(*key)
        return known[key]

    return look


def test_asia_orientation_has_seven_qubits_and_three_optima() -> None:
    data = load_network("asia").sample(2000, np.random.default_rng(0))
    score = discrete_bic(data.to_numpy())
    dag, value = exact_search(8, score)
    found = orientation_problem(dag, score)
    assert len(found.edges) == 7 and len(found.optima) == 3
    assert found.values.min() == pytest.approx(-value, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("penalty", "same"), [(0.51, True), (0.2, False)])
def test_edge_qubo_has_the_minimum_of_dynamic_programming(
    seed: int, penalty: float, same: bool
) -> None:
    """One bit per edge, flow kept by a penalty A; safe beyond half the best value."""
    rng = np.random.default_rng(seed)
    tables = [rng.uniform(0.5, 1, shape) for shape in ((1, 2), (2, 2), (2, 1))]
    best = -layered_minimum([-table for table in tables])[0]
    edges = [
        ((layer, a), (layer + 1, b), table[a, b])
        for layer, table in enumerate(tables)
        for a, b in np.ndindex(table.shape)
    ]
    nodes = sorted({node for a, b, _ in edges for node in (a, b)})
    flow = np.zeros((len(nodes), len(edges)))
    for e, (a, b, _) in enumerate(edges):
        flow[nodes.index(a), e], flow[nodes.index(b), e] = 1, -1
    demand = np.zeros(len(nodes))
    demand[0], demand[-1] = 1, -1
    states = np.array(list(product((0, 1), repeat=len(edges))))
    broken = ((states @ flow.T - demand) ** 2).sum(1)
    energy = penalty * best * broken - states @ [w for _, _, w in edges]
    assert (abs(energy.min() + best) < 1e-9) == same
