from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import unitary_group

from qglib.causal.quantum_causality import (
    PAULIS,
    causal_witness,
    channel_correlations,
    depolarising_channel,
    order_game,
    process_matrix,
    pseudo_density,
    quantum_causality,
    state_correlations,
    switch_information,
)


def bell() -> np.ndarray:
    vector = np.array([1, 0, 0, 1]) / math.sqrt(2)
    return np.outer(vector, vector)


def test_published_values() -> None:
    table = quantum_causality()
    assert np.allclose(table["value"], table["exact"], atol=1e-12, rtol=0)
    assert table["value"].iloc[3] == pytest.approx(0.0487949, abs=1e-7)
    assert table["classical"].iloc[3] == pytest.approx(0, abs=1e-12)
    assert table["value"].iloc[4] == pytest.approx(0.8535534, abs=1e-7)
    assert table["classical"].iloc[4] == pytest.approx(0.75, abs=1e-12)


def test_pseudo_density_of_the_identity_channel_is_half_a_swap() -> None:
    r = pseudo_density(channel_correlations([np.eye(2)]))
    assert np.allclose(r, np.eye(4)[[0, 2, 1, 3]] / 2, atol=1e-12)
    assert np.allclose(np.linalg.eigvalsh(r), [-0.5, 0.5, 0.5, 0.5], atol=1e-12)
    assert np.allclose(pseudo_density(state_correlations(bell())), bell(), atol=1e-12)


def test_witness_bounds_hold_on_bell_diagonal_states_and_unital_channels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        weights = rng.dirichlet(np.full(4, 0.5))
        rotated = [
            np.kron(np.eye(2), p) @ bell() @ np.kron(np.eye(2), p).conj().T
            for p in PAULIS
        ]
        state = sum(w * rho for w, rho in zip(weights, rotated, strict=True))
        assert causal_witness(state_correlations(state)) <= 1 / 27 + 1e-12
        kraus = [math.sqrt(w) * p for w, p in zip(weights, PAULIS, strict=True)]
        assert causal_witness(channel_correlations(kraus)) >= -1 / 27 - 1e-12
    third = [math.sqrt(1 / 3) * p for p in PAULIS[1:]]
    extreme = causal_witness(channel_correlations(third))
    assert extreme == pytest.approx(-1 / 27, abs=1e-12)


def test_switch_of_noiseless_and_of_half_noisy_channels() -> None:
    clean = switch_information([np.eye(2)], [np.eye(2)])
    assert clean["switch"] == pytest.approx(1, abs=1e-12)
    half = switch_information(depolarising_channel(0.5), depolarising_channel(0.5))
    assert half["switch"] > half["fixed_order"] > 0
    # a quarter of the signal survives: chi = 1 - h(5/8)
    h = -(5 / 8 * math.log2(5 / 8) + 3 / 8 * math.log2(3 / 8))
    assert half["fixed_order"] == pytest.approx(1 - h, abs=1e-12)


def test_process_gives_probabilities_for_random_instruments() -> None:
    """Sum over outcomes is 1 for unitaries in both laboratories."""
    rng = np.random.default_rng(1)
    swap = np.zeros((4, 1))
    swap[[0, 3]] = 1
    for process in (process_matrix(), process_matrix(ordered=True)):
        for _ in range(20):
            choi = []
            for _ in range(2):
                u = unitary_group.rvs(2, random_state=rng)
                vector = np.kron(np.eye(2), u) @ swap
                choi.append((vector @ vector.conj().T).T)
            total = np.trace(process @ np.kron(*choi)).real
            assert total == pytest.approx(1, abs=1e-12)


def test_white_noise_wins_half_of_the_games() -> None:
    assert order_game(np.eye(16) / 4) == pytest.approx(0.5, abs=1e-12)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="no channel"):
        channel_correlations([2 * np.eye(2)])
    with pytest.raises(ValueError, match="no channel"):
        switch_information([np.eye(2)], [np.full((2, 2), np.nan)])
    with pytest.raises(ValueError, match="one at least"):
        channel_correlations([])
    with pytest.raises(ValueError, match="density matrix"):
        state_correlations(np.eye(4))
    with pytest.raises(ValueError, match="trace 4"):
        order_game(np.eye(16))
    with pytest.raises(ValueError, match="0 to 1"):
        depolarising_channel(1.5)
