from itertools import permutations
from math import cos

import numpy as np
import pennylane as qml
import pytest

from qglib.explain.games import exact_shapley, sampled_shapley


def random_game(players, seed=0):
    worth = np.random.default_rng(seed).normal(size=2**players)
    return lambda c: worth[(c * 2 ** np.arange(players)).sum(1)]


def test_additive_game_gives_its_weights():
    weights = np.array([0.5, -2.0, 3.0, 0.0])
    result = exact_shapley(lambda c: c @ weights + 7, 4)
    np.testing.assert_allclose(result, weights, atol=1e-12)


def test_glove_game():
    """Two left gloves, one right: 1/6, 1/6, 2/3 (Shapley and Shubik)."""
    result = exact_shapley(lambda c: (c[:, :2].any(1) & c[:, 2]).astype(float), 3)
    np.testing.assert_allclose(result, [1 / 6, 1 / 6, 2 / 3], atol=1e-12)


def test_equals_the_mean_over_all_orders():
    value = random_game(4)
    expected = np.zeros(4)
    for order in permutations(range(4)):
        have = np.zeros((1, 4), dtype=bool)
        for player in order:
            before = value(have)[0]
            have[0, player] = True
            expected[player] += (value(have)[0] - before) / 24
    np.testing.assert_allclose(exact_shapley(value, 4), expected, atol=1e-12)


@pytest.mark.parametrize("players", [1, 6, 12])
def test_complete(players):
    value = random_game(players)
    empty, full = value(np.array([[False] * players, [True] * players]))
    assert exact_shapley(value, players).sum() == pytest.approx(full - empty)


def test_gates_of_a_circuit():
    """RY(.4) and RY(1.0) on one qubit, <Z> = cos of the sum: derived by hand."""
    angles = (0.4, 1.0)

    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit(present):
        for angle, here in zip(angles, present, strict=True):
            if here:
                qml.RY(angle, wires=0)
        return qml.expval(qml.Z(0))

    result = exact_shapley(lambda c: [float(circuit(row)) for row in c], 2)
    np.testing.assert_allclose(result, [-0.2246, -0.6054], atol=5e-5)
    assert result.sum() == pytest.approx(cos(1.4) - 1, abs=1e-9)


def test_sampled_meets_exact_and_is_complete():
    value = random_game(6, seed=4)
    exact = exact_shapley(value, 6)
    sampled, error = sampled_shapley(value, 6, 400, np.random.default_rng(0))
    assert (np.abs(sampled - exact) < 4 * error).all()
    assert sampled.sum() == pytest.approx(exact.sum(), abs=1e-10)


def test_sampled_is_exact_for_games_of_pairs():
    """An order and its reverse cancel every interaction of two players."""
    rng = np.random.default_rng(2)
    pair = rng.normal(size=(5, 5))

    def value(c):
        return np.einsum("ci,ij,cj->c", c.astype(float), pair, c.astype(float))

    sampled, error = sampled_shapley(value, 5, 4, rng)
    np.testing.assert_allclose(sampled, exact_shapley(value, 5))
    np.testing.assert_allclose(error, 0, atol=1e-12)


def test_too_many_players_names_the_sampled_version():
    with pytest.raises(ValueError, match="sampled"):
        exact_shapley(random_game(3), 13)


def test_bad_input():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="players=0"):
        exact_shapley(random_game(1), 0)
    with pytest.raises(ValueError, match="one number for each row"):
        exact_shapley(lambda c: np.zeros(3), 3)
    with pytest.raises(ValueError, match="permutations=2"):
        sampled_shapley(random_game(3), 3, 2, rng)


def test_the_error_is_that_of_the_mean_over_pairs():
    value, rng, paired = random_game(4, seed=1), np.random.default_rng(5), []
    for order in [rng.permutation(4) for _ in range(3)]:
        gains = np.zeros(4)
        for way in (order, order[::-1]):
            have = np.zeros((1, 4), dtype=bool)
            for player in way:
                before = value(have)[0]
                have[0, player] = True
                gains[player] += (value(have)[0] - before) / 2
        paired.append(gains)
    found, error = sampled_shapley(value, 4, 6, np.random.default_rng(5))
    np.testing.assert_allclose(found, np.mean(paired, 0))
    np.testing.assert_allclose(error, np.std(paired, 0, ddof=1) / 3**0.5)
