"""QAOA against matrix exponentials and gates."""

from __future__ import annotations

import math

import numpy as np
import pennylane as qml
import pytest
from scipy.linalg import expm

from qglib import memory as memory_module
from qglib import quantum
from qglib.quantum.qaoa import energy_and_gradient, evolve


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


@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit"])
def test_the_same_gates_on_a_device(device):
    """An Ising cost: PennyLane's own layers share no formula with the library."""
    rng, n = np.random.default_rng(3), 4
    pairs = [(a, b) for a in range(n) for b in range(a)]
    words = [qml.Z(a) @ qml.Z(b) for a, b in pairs] + [qml.Z(a) for a in range(n)]
    cost = qml.Hamiltonian(rng.normal(size=len(words)), words)
    mixer = qml.qaoa.x_mixer(range(n))
    gammas, betas = rng.uniform(0, 1, (2, 3))

    @qml.qnode(qml.device(device, wires=n))
    def circuit():
        for wire in range(n):
            qml.Hadamard(wire)
        for gamma, beta in zip(gammas, betas, strict=True):
            qml.qaoa.cost_layer(gamma, cost)
            qml.qaoa.mixer_layer(beta, mixer)
        return qml.probs(wires=range(n))

    values = np.diag(qml.matrix(cost, wire_order=range(n))).real
    ours = evolve(values, gammas, betas, (2,) * n)
    np.testing.assert_allclose(abs(ours) ** 2, circuit(), atol=1e-6)


@pytest.mark.parametrize("widths", [None, (4, 4, 4)])
def test_qaoa_finds_the_least_cost(widths):
    values = np.random.default_rng(5).uniform(0.1, 3, 64)
    result = quantum.qaoa(values, 6, np.random.default_rng(0), 6, widths)
    _, success, expected = result.by_depth[-1]
    assert success > 3 / 64
    assert expected < values.mean() - values.std()
    assert result.probabilities.sum() == pytest.approx(1, abs=1e-10)
    means = [mean for _, _, mean in result.by_depth]
    assert len(means) == 6
    assert (np.diff(means) <= 1e-6).all()
    state = evolve(values, result.gammas, result.betas, widths or (2,) * 6)
    assert abs(state) ** 2 @ values == pytest.approx(expected, abs=1e-9)


def test_qaoa_is_reproducible_and_handles_flat_costs():
    values = np.random.default_rng(5).uniform(0.1, 1, 9)
    work = values, 2
    runs = [
        quantum.qaoa(*work, np.random.default_rng(1), 3, (3, 3)).probabilities
        for _ in range(2)
    ]
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-12)
    flat = quantum.qaoa(np.zeros(8), 1, np.random.default_rng(0), 2)
    assert flat.by_depth[-1][1] == pytest.approx(1)


def test_bad_input_is_named(monkeypatch):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="depth=0"):
        quantum.qaoa(np.arange(4.0), 0, rng)
    with pytest.raises(ValueError, match="pass the widths"):
        quantum.qaoa(np.arange(6.0), 1, rng)
    with pytest.raises(ValueError, match="states"):
        quantum.qaoa(np.arange(6.0), 1, rng, widths=(2, 2))
    with pytest.raises(ValueError, match="finite"):
        quantum.qaoa(np.array([0, np.nan]), 1, rng)
    monkeypatch.setattr(memory_module, "available_bytes", lambda device: 2**20)
    with pytest.raises(MemoryError, match="GiB"):
        quantum.qaoa(np.arange(2.0**14), 8, rng)
