"""Shapley values of any game: words, features or gates.

A game is a function ``value(coalitions)`` that takes a boolean array of shape
(coalitions, players) and returns one number for each row; it is called with
many coalitions at once, so that a model can answer them as one batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import binom

MAX_EXACT_PLAYERS = 12
Value = Callable[[np.ndarray], np.ndarray]


def exact_shapley(value: Value, players: int) -> np.ndarray:
    """Exact Shapley values from all 2**players coalitions, asked in one call.

    phi_i = sum over S without i of |S|! (n-|S|-1)! / n! (v(S + i) - v(S))
    (Shapley 1953). They add up to v(all) - v(none).

    Returns:
        Shapley values, float64, (players,).

    Raises:
        ValueError: fewer than 1 or more than 12 players (then take
            ``attribute(..., method="shapley_sampled")``).
    """
    if not 1 <= players <= MAX_EXACT_PLAYERS:
        raise ValueError(
            f"players={players}: exact Shapley values take 2**players coalitions, of "
            f"1 to {MAX_EXACT_PLAYERS} players. Use method='shapley_sampled', which "
            "gives an error bar, or group the players"
        )
    codes = np.arange(2**players)
    coalitions = (codes[:, None] >> np.arange(players)) & 1 == 1
    worth = _ask(value, coalitions)
    size = coalitions.sum(1)
    values = np.empty(players)
    for player in range(players):
        without = codes[~coalitions[:, player]]
        gain = worth[without | (1 << player)] - worth[without]
        values[player] = gain @ (1 / binom(players - 1, size[without])) / players
    return values


def sampled_shapley(
    value: Value, players: int, permutations: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values from random orders of the players, and their standard errors.

    Orders come in antithetic pairs (an order and its reverse), which lowers the
    variance; the standard error is that of the mean over pairs. Every order adds
    up to full - empty, so the estimate is complete too (Castro et al. 2009;
    antithetic pairs: Mitchell et al. 2022). Two pairs are the least.
    """
    if permutations < 4:
        raise ValueError(f"permutations={permutations}: at least 4 for an error bar")
    pairs = permutations // 2
    orders = np.array([rng.permutation(players) for _ in range(pairs)])
    orders = np.concatenate([orders, orders[:, ::-1]])
    rank = orders.argsort(1)  # a chain keeps the players before each step
    chains = rank[:, None, :] < np.arange(players + 1)[:, None]
    distinct, inverse = np.unique(
        chains.reshape(-1, players), axis=0, return_inverse=True
    )
    worth = _ask(value, distinct)[inverse.ravel()].reshape(len(orders), players + 1)
    gains = np.take_along_axis(np.diff(worth, axis=1), rank, axis=1)
    paired = (gains[:pairs] + gains[pairs:]) / 2
    return paired.mean(0), paired.std(0, ddof=1) / np.sqrt(pairs)


def _ask(value: Value, coalitions: np.ndarray) -> np.ndarray:
    worth = np.asarray(value(coalitions), dtype=np.float64)
    if worth.shape != (len(coalitions),):
        raise ValueError(
            f"value() returned shape {worth.shape} for {len(coalitions)} coalitions: "
            "it must return one number for each row"
        )
    return worth
