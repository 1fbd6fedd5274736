from __future__ import annotations

from itertools import product

import networkx as nx
import numpy as np
import pytest

from qglib.causal import discrete_bic, exact_search, gaussian_bic, load_network
from qglib.causal.orientation import (
    exact_orientation,
    orientation_problem,
)
from qglib.causal.orientation_search import (
    anneal,
    compare_orientation,
    draw_orientation_table,
)
from qglib.quantum.qaoa import qaoa
from qglib.quantum.qaoa_circuit import qaoa_qnode


def asia() -> tuple:
    data = load_network("asia").sample(2000, np.random.default_rng(0))
    score = discrete_bic(data.to_numpy())
    return score, *exact_search(8, score)


def linear(edges: int, seed: int) -> tuple:
    rng = np.random.default_rng(seed)
    d = 5
    table = np.zeros((d, d), dtype=int)
    pairs = rng.permutation(np.argwhere(np.triu(np.ones((d, d)), 1)))[:edges]
    table[tuple(pairs.T)] = 1
    x = rng.standard_normal((300, d))
    for b in range(d):
        x[:, b] += x[:, :b] @ (table[:b, b] * rng.uniform(0.5, 1, b))
    return gaussian_bic(x), table


def test_asia_minimum_is_minus_dynamic_programming() -> None:
    score, dag, value = asia()
    found = orientation_problem(dag, score)
    assert found.values.min() == pytest.approx(-value, abs=1e-6)
    assert found.exact == pytest.approx(value, abs=1e-6)
    assert found.acyclic[found.optima].all()
    assert len(found.values) == 2 ** int(dag.sum())
    # every acyclic state is cheaper than every cyclic one: the penalty is safe
    assert found.values[~found.acyclic].min(initial=np.inf) > found.values.min()


@pytest.mark.parametrize("edges", [4, 6, 8])
def test_costs_and_optimum_match_brute_force(edges: int) -> None:
    score, table = linear(edges, edges)
    found = orientation_problem(table, score)
    best = -np.inf
    for index, bits in enumerate(product((0, 1), repeat=edges)):
        arcs = [
            (b, a) if bit else (a, b)
            for bit, (a, b) in zip(bits, found.edges, strict=True)
        ]
        graph = nx.DiGraph(arcs)
        graph.add_nodes_from(range(5))
        total = sum(score(v, sorted(graph.predecessors(v))) for v in range(5))
        acyclic = nx.is_directed_acyclic_graph(graph)
        assert found.acyclic[index] == acyclic
        extra = 0 if acyclic else found.penalty
        assert found.values[index] == pytest.approx(extra - total, abs=1e-8)
        assert np.array_equal(
            found.adjacency(index), nx.to_numpy_array(graph, range(5)).astype(int)
        )
        best = max(best, total) if acyclic else best
    dag, value = exact_orientation(table, score)
    assert value == pytest.approx(best, abs=1e-9)
    assert found.values[~found.acyclic].min(initial=np.inf) > -best
    own = sum(score(v, np.flatnonzero(dag[:, v])) for v in range(5))
    assert own == pytest.approx(value, abs=1e-9)


def test_a_penalty_that_is_too_small_is_refused() -> None:
    def cyclic(node: int, parents: tuple) -> float:
        return float(parents == ((node - 1) % 3,))  # rewards 0 -> 1 -> 2 -> 0

    triangle = np.ones((3, 3)) - np.eye(3)
    with pytest.raises(RuntimeError, match="penalty 0 is too small"):
        orientation_problem(triangle, cyclic, penalty=0.0)
    assert orientation_problem(triangle, cyclic).exact == pytest.approx(1.0)


def test_comparison_table() -> None:
    score, dag, _ = asia()
    problem = orientation_problem(dag, score)
    table = compare_orientation(problem, 2, np.random.default_rng(0), starts=3)
    assert table.loc["dynamic programming", "per_shot"] == 1
    uniform = len(problem.optima) / len(problem.values)
    assert table.loc["uniform guessing", "per_shot"] == uniform
    assert table.loc["QAOA, depth 2", "per_shot"] > uniform
    assert table["within_looks"].between(0, 1).all()
    assert (table["gap_nats"] >= -1e-9).all()
    figure = draw_orientation_table({"asia": table})
    assert figure.axes[0].get_ylabel() == "chance of an optimal orientation"


@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit"])
def test_gates_give_the_simulated_energy(device: str) -> None:
    score, table = linear(4, 1)
    values = orientation_problem(table, score).values
    found = qaoa(values, 2, np.random.default_rng(0), 2)
    energy = float(qaoa_qnode(values, device)(found.gammas, found.betas))
    assert energy == pytest.approx(found.expected, abs=1e-7)


def test_annealing_looks_and_finds() -> None:
    rng = np.random.default_rng(0)
    values = np.array([bin(k).count("1") for k in range(256)], float)
    assert (anneal(values, 400, 50, rng) == 0).mean() > 0.9
    draws = anneal(values, 2, 4000, rng)
    assert draws.mean() == pytest.approx(3.5, abs=0.12)  # 4 - 1/2


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    score, table = linear(4, 0)
    with pytest.raises(ValueError, match="no edge"):
        orientation_problem(np.zeros((3, 3)), score)
    with pytest.raises(ValueError, match="no edge"):
        exact_orientation(np.zeros((0, 0)), score)
    with pytest.raises(ValueError, match="square"):
        orientation_problem(np.zeros((3, 2)), score)
    with pytest.raises(ValueError, match="itself"):
        orientation_problem(np.eye(3), score)
    with pytest.raises(ValueError, match="NaN"):
        orientation_problem(np.full((3, 3), np.nan), score)
    with pytest.raises(ValueError, match="must be finite"):
        orientation_problem(table, lambda node, parents: float("nan"))
    with pytest.raises(ValueError, match="GiB"):
        exact_orientation(np.ones((40, 40)) - np.eye(40), score)
    with pytest.raises(MemoryError, match="register of 780 qubits needs about"):
        orientation_problem(np.ones((40, 40)) - np.eye(40), score)
    with pytest.raises(ValueError, match="finite costs"):
        anneal(np.zeros(3), 10, 10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least 2 and 1"):
        anneal(np.zeros(4), 1, 10, np.random.default_rng(0))
