from __future__ import annotations

import itertools
import math

import numpy as np
import pennylane as qml
import pytest
from scipy.linalg import expm

from qglib import memory as memory_module
from qglib import quantum
from qglib.quantum.grover import grover_iterations, grover_qnode, grover_success
from qglib.quantum.path_register import layered_minimum, path_register_qaoa
from qglib.quantum.qaoa import energy_and_gradient, evolve
from qglib.quantum.qaoa_circuit import z_terms


def layered(rng, widths):
    pairs = itertools.pairwise(widths)
    return [rng.uniform(0.1, 1.0, (a, b)) for a, b in pairs]


@pytest.mark.parametrize(
    "widths", [(2, 2), (3, 4, 2), (1, 3, 3, 1), (4, 4, 4), (5,) * 4]
)
def test_register_and_dynamic_programming_match_brute_force(widths):
    rng = np.random.default_rng(1)
    costs = layered(rng, widths)
    register = quantum.path_register(costs)
    assert register.widths == widths
    everything = {
        path: sum(
            table[edge]
            for table, edge in zip(costs, itertools.pairwise(path), strict=True)
        )
        for path in itertools.product(*map(range, widths))
    }
    for index in range(len(register.values)):
        path = register.path(index)
        assert register.values[index] == pytest.approx(everything[path], abs=1e-12)
    value, path = layered_minimum(costs)
    assert value == pytest.approx(min(everything.values()), abs=1e-12)
    assert register.optima() == [path]


def test_qubits_of_a_register():
    rng = np.random.default_rng(0)
    assert quantum.path_register(layered(rng, (4, 4, 4))).n_qubits == 6
    assert quantum.path_register(layered(rng, (1, 3, 3, 1))).n_qubits == 4


def reference_state(values, gammas, betas, widths):
    """The ansatz with matrix exponentials, sharing no formula with the library."""
    adjacency = np.zeros((len(values), len(values)))
    for place, width in enumerate(widths):
        factors = [np.eye(w) for w in widths]
        factors[place] = np.ones((width, width)) - np.eye(width)
        term = np.ones((1, 1))
        for factor in factors:
            term = np.kron(term, factor)
        adjacency += term
    state = np.full(len(values), len(values) ** -0.5, complex)
    for gamma, beta in zip(gammas, betas, strict=True):
        state = expm(-1j * beta * adjacency) @ (np.exp(-1j * gamma * values) * state)
    return state


@pytest.mark.parametrize("widths", [(2,) * 6, (3, 4, 2), (4, 4, 4), (7, 11)])
def test_statevector_matches_matrix_exponentials(widths):
    rng = np.random.default_rng(2)
    values = rng.normal(size=math.prod(widths))
    gammas, betas = rng.uniform(0, 2, (2, 3))
    got = evolve(values, gammas, betas, widths)
    want = reference_state(values, gammas, betas, widths)
    np.testing.assert_allclose(got, want, atol=1e-12)

    def energy(angles):
        return float(abs(evolve(values, *np.split(angles, 2), widths)) ** 2 @ values)

    angles, h = np.concatenate([gammas, betas]), 1e-6
    found, gradient = energy_and_gradient(values, gammas, betas, widths)
    assert found == pytest.approx(energy(angles), abs=1e-12)
    central = [
        (energy(angles + h * e) - energy(angles - h * e)) / (2 * h) for e in np.eye(6)
    ]
    np.testing.assert_allclose(gradient, central, atol=1e-7)


def test_circuit_equals_simulation_on_both_devices():
    rng = np.random.default_rng(3)
    values = quantum.path_register(layered(rng, (4, 4, 4))).values
    gammas, betas = np.array([0.3, 0.7]), np.array([0.4, 0.2])
    state = reference_state(values, gammas, betas, (2,) * 6)
    want = float(abs(state) ** 2 @ values)
    for device in ("default.qubit", "lightning.qubit"):
        got = float(quantum.qaoa_qnode(values, device)(gammas, betas))
        assert got == pytest.approx(want, abs=1e-10)
    ours = evolve(values, gammas, betas, (2,) * 6)
    assert float(abs(ours) ** 2 @ values) == pytest.approx(want, abs=1e-10)


def test_z_terms_rebuild_the_cost():
    values = np.random.default_rng(4).normal(size=16)
    bits = (np.arange(16)[:, None] >> np.arange(3, -1, -1)) & 1
    rebuilt = np.zeros(16)
    for coefficient, wires in z_terms(values):
        rebuilt += coefficient * (1 - 2 * bits[:, list(wires)]).prod(1)
    np.testing.assert_allclose(rebuilt, values, atol=1e-12)


@pytest.mark.parametrize("mixer", ["complete", "x"])
def test_path_register_qaoa_finds_the_path(mixer):
    costs = layered(np.random.default_rng(5), (1, 4, 4, 1))
    result = path_register_qaoa(costs, 6, np.random.default_rng(0), 6, mixer)
    value, path = layered_minimum(costs)
    assert result.optimum == pytest.approx(value, abs=1e-12)
    assert result.uniform == 1 / 16
    assert result.success > 4 * result.uniform
    register = quantum.path_register(costs)
    assert register.path(int(result.probabilities.argmax())) == path
    assert result.probabilities.sum() == pytest.approx(1, abs=1e-10)
    means = [mean for _, _, mean in result.by_depth]
    assert len(means) == 6
    assert all(b <= a + 1e-6 for a, b in itertools.pairwise(means))
    if mixer == "x":  # the angles returned are those of the circuit
        circuit = quantum.qaoa_qnode(register.values, "default.qubit")
        mean = float(circuit(result.gammas, result.betas))
        assert mean == pytest.approx(result.expected, abs=1e-9)


def test_qaoa_is_reproducible_and_handles_flat_costs():
    costs = layered(np.random.default_rng(5), (3, 3))
    runs = [path_register_qaoa(costs, 2, np.random.default_rng(1), 3)] * 2
    np.testing.assert_array_equal(runs[0].probabilities, runs[1].probabilities)
    flat = quantum.qaoa(np.zeros(8), 1, np.random.default_rng(0), 2)
    assert flat.success == pytest.approx(1)


@pytest.mark.parametrize(
    ("qubits", "want"), [(4, 0.961319), (6, 0.996586), (8, 0.999947)]
)
@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit"])
def test_grover_matches_the_published_success(qubits, want, device):
    marked = 2**qubits // 3
    result = quantum.grover_search(qubits, marked, device)
    assert result.success == pytest.approx(want, abs=1e-6)
    assert result.closed_form == pytest.approx(want, abs=1e-6)
    assert int(result.probabilities.argmax()) == marked


@pytest.mark.parametrize(
    ("paths", "iterations", "want"),
    [(9, 2, 0.9836), (64, 6, 0.9966), (256, 12, 0.9999), (1024, 25, 0.9995)],
)
def test_grover_closed_form_on_paths(paths, iterations, want):
    assert grover_iterations(paths) == iterations
    assert grover_success(paths, 1, iterations) == pytest.approx(want, abs=1e-4)


@pytest.mark.parametrize("iterations", [0, 1, 3, 5])
def test_grover_with_several_marks_follows_the_closed_form(iterations):
    result = quantum.grover_search(5, [0, 7, 31], iterations=iterations)
    assert result.success == pytest.approx(result.closed_form, abs=1e-10)


def test_grover_finds_the_cheapest_path():
    costs = layered(np.random.default_rng(6), (4, 4, 4))
    register = quantum.path_register(costs)
    best = int(register.values.argmin())
    result = quantum.grover_search(register.n_qubits, best)
    _, path = layered_minimum(costs)
    assert register.path(int(result.probabilities.argmax())) == path


def test_minimum_finding():
    rng = np.random.default_rng(0)
    values = rng.normal(size=64)
    runs = [quantum.durr_hoyer(values, rng) for _ in range(200)]
    assert np.mean([run.index == values.argmin() for run in runs]) > 0.95
    assert 8 < np.median([run.queries_to_best for run in runs]) < 36
    assert quantum.durr_hoyer(np.ones(1), rng).index == 0


def test_bad_input_is_named(monkeypatch):
    rng = np.random.default_rng(0)
    good = [np.ones((2, 3)), np.ones((3, 2))]
    with pytest.raises(ValueError, match="empty"):
        quantum.path_register([])
    with pytest.raises(ValueError, match="layers must join"):
        quantum.path_register([np.ones((2, 3)), np.ones((2, 2))])
    with pytest.raises(ValueError, match=r"costs\[0\]"):
        quantum.path_register([np.array([[np.inf]])])
    with pytest.raises(ValueError, match="power"):
        path_register_qaoa(good, 1, rng, mixer="x")
    with pytest.raises(ValueError, match="mixer"):
        path_register_qaoa(good, 1, rng, mixer="y")
    with pytest.raises(ValueError, match="depth=0"):
        path_register_qaoa(good, 0, rng)
    with pytest.raises(ValueError, match="power of two"):
        quantum.qaoa(np.arange(6.0), 1, rng)
    with pytest.raises(ValueError, match="states"):
        quantum.qaoa(np.arange(6.0), 1, rng, widths=(2, 2))
    with pytest.raises(ValueError, match="finite"):
        quantum.qaoa(np.array([0, np.nan]), 1, rng)
    for marked in ([], 16, -1):
        with pytest.raises(ValueError, match="marked"):
            quantum.grover_search(4, marked)
    with pytest.raises(ValueError, match="n_qubits=1"):
        quantum.grover_search(1, 0)
    with pytest.raises(ValueError, match="finite"):
        quantum.durr_hoyer(np.array([]), rng)
    monkeypatch.setattr(memory_module, "available_bytes", lambda device: 2**20)
    with pytest.raises(MemoryError, match="GiB"):
        quantum.path_register([np.ones((64, 64))] * 3)
    with pytest.raises(MemoryError, match="GiB"):
        quantum.qaoa(np.arange(2.0**14), 8, rng)


def test_circuits_can_be_drawn():
    text = qml.draw(grover_qnode(3, [5], "default.qubit"))(1)
    assert "Grover" in text
