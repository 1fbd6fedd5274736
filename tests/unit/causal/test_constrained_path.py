from __future__ import annotations

from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest

from qglib.causal.constrained_path import (
    budget_graph,
    constrained_path,
    quantum_constrained_path,
)


def random_graph(seed: int) -> nx.DiGraph:
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(9, 0.4, seed=seed, directed=True)  # with cycles
    nx.add_path(graph, range(9))
    for a, b in graph.edges:
        graph.edges[a, b].update(
            cost=float(rng.integers(0, 9)), resource=float(rng.integers(0, 9))
        )
    return graph


def total(graph: nx.DiGraph, path: tuple, name: str) -> float:
    return sum(graph.edges[arc][name] for arc in pairwise(path))


@pytest.mark.parametrize("seed", range(12))
def test_label_setting_equals_brute_force(seed: int) -> None:
    graph = random_graph(seed)
    paths = list(nx.all_simple_paths(graph, 0, 8))
    for budget in (4, 8, 14, 100):
        fits = [p for p in paths if total(graph, p, "resource") <= budget]
        if not fits:
            with pytest.raises(nx.NetworkXNoPath, match="least resource"):
                constrained_path(graph, 0, 8, budget)
            continue
        found = constrained_path(graph, 0, 8, budget)
        assert found.cost == min(total(graph, p, "cost") for p in fits)
        assert found.cost == total(graph, found.nodes, "cost")
        assert found.resource == total(graph, found.nodes, "resource") <= budget
        assert found.unconstrained == min(total(graph, p, "cost") for p in paths)


def test_quantum_search_is_checked_by_label_setting() -> None:
    rng = np.random.default_rng(3)
    costs, resources = rng.uniform(0.1, 1, (2, 3, 4, 4))
    table = quantum_constrained_path(list(costs), list(resources), 1.2, 3, rng)
    assert table.loc["label setting", "success"] == 1
    assert table.loc["uniform guessing", "success"] == 1 / 256
    assert table.loc["Grover, optimum's cost known", "success"] > 0.999
    q = table.loc["QAOA, depth 3"]
    assert q["success"] > 1 / 256
    assert q["feasible"] > table.loc["uniform guessing", "feasible"]


def test_budget_graph_of_layers_equals_brute_force_over_its_paths() -> None:
    rng = np.random.default_rng(5)
    costs = [rng.uniform(size=shape) for shape in ((2, 3), (3, 2))]
    loads = [rng.uniform(size=shape) for shape in ((2, 3), (3, 2))]
    graph = budget_graph(costs, loads)
    found = constrained_path(graph, "source", "target", 1.0)
    sums = {
        (a, b, c): tuple(t[0][a, b] + t[1][b, c] for t in (costs, loads))
        for a, b, c in product(range(2), range(3), range(2))
    }
    best = min((p for p in sums if sums[p][1] <= 1.0), key=lambda p: sums[p][0])
    assert found.nodes == ("source", *enumerate(best), "target")
    assert (found.cost, found.resource) == pytest.approx(sums[best], abs=1e-12)
    with pytest.raises(ValueError, match="of one shape"):
        budget_graph(costs, loads[:1])
    with pytest.raises(ValueError, match="of one shape"):
        budget_graph([], [])


def test_bad_input() -> None:
    graph = random_graph(0)
    with pytest.raises(ValueError, match="budget"):
        constrained_path(graph, 0, 8, float("nan"))
    with pytest.raises(nx.NodeNotFound, match="target"):
        constrained_path(graph, 0, 99, 3)
    with pytest.raises(nx.NodeNotFound, match="source"):
        constrained_path(nx.DiGraph(), 0, 1, 3)
    with pytest.raises(MemoryError, match="max_labels=3"):
        constrained_path(graph, 0, 8, 100, max_labels=3)
    graph.add_node("alone")
    with pytest.raises(nx.NetworkXNoPath, match="choose a descendant"):
        constrained_path(graph, 0, "alone", 3)
    graph.edges[0, 1]["cost"] = -1.0
    with pytest.raises(ValueError, match="at least 0"):
        constrained_path(graph, 0, 8, 100)
    graph.edges[0, 1]["cost"] = float("nan")
    with pytest.raises(ValueError, match="finite number"):
        constrained_path(graph, 0, 8, 100)
    rng = np.random.default_rng(0)
    ones = [np.ones((2, 2))]
    with pytest.raises(ValueError, match="one shape"):
        quantum_constrained_path(ones, [np.ones((2, 4))], 3, 1, rng)
    with pytest.raises(ValueError, match="powers of two"):
        quantum_constrained_path([np.ones((3, 3))], [np.ones((3, 3))], 3, 1, rng)
    with pytest.raises(ValueError, match="empty"):
        quantum_constrained_path([], [], 3, 1, rng)
    with pytest.raises(nx.NetworkXNoPath, match="keeps to budget"):
        quantum_constrained_path(ones, ones, 0.5, 1, rng)
