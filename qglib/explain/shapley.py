"""Shapley values of any game: words, features or gates.

A game is a function ``value(coalitions)`` that takes a boolean array of shape
(coalitions, players) and returns one number for each row; it is called with
many coalitions at once, so that a model can answer them as one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np

MAX_EXACT_PLAYERS = 12
Game = Callable[[np.ndarray], np.ndarray]


def exact_shapley(value: Game, players: int) -> np.ndarray:
    """Exact Shapley values from all 2**players coalitions, asked in one call.

    phi_i = sum over S without i of |S|! (n-|S|-1)! / n! (v(S + i) - v(S))
    (Shapley 1953). They add up to v(all) - v(none).

    Returns:
        Shapley values, float64, (players,).

    Raises:
        ValueError: fewer than 1 or more than 12 players (then use
            `sampled_shapley`, which comes with an error bar).
    """
    if players < 1:
        raise ValueError(f"players={players}: a game needs at least one player")
    if players > MAX_EXACT_PLAYERS:
        raise ValueError(
            f"players={players}: exact Shapley values take 2**players coalitions and "
            f"stop at {MAX_EXACT_PLAYERS} players. Use sampled_shapley (method="
            "'shapley_sampled'), which gives an error bar, or group the players"
        )
    codes = np.arange(2**players)
    coalitions = (codes[:, None] >> np.arange(players)) & 1 == 1
    worth = _ask(value, coalitions)
    size = coalitions.sum(1)
    weight = np.array(
        [
            factorial(s) * factorial(players - s - 1) / factorial(players)
            for s in range(players)
        ]
    )
    values = np.empty(players)
    for player in range(players):
        without = codes[~coalitions[:, player]]
        gain = worth[without | (1 << player)] - worth[without]
        values[player] = weight[size[without]] @ gain
    return values


def sampled_shapley(
    value: Game, players: int, permutations: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values from random orders of the players, and their standard errors.

    Orders come in antithetic pairs (an order and its reverse), which lowers the
    variance; the standard error is that of the mean over pairs. Every order adds
    up to full - empty, so the estimate is complete too (Castro et al. 2009;
    antithetic pairs: Mitchell et al. 2022).

    Raises:
        ValueError: fewer than 1 player, or fewer than 4 permutations (two pairs
            are the least that gives an error bar).
    """
    if players < 1:
        raise ValueError(f"players={players}: a game needs at least one player")
    if permutations < 4:
        raise ValueError(f"permutations={permutations}: at least 4 for an error bar")
    pairs = permutations // 2
    orders = np.array([rng.permutation(players) for _ in range(pairs)])
    orders = np.concatenate([orders, orders[:, ::-1]])
    chains = np.zeros((len(orders), players + 1, players), dtype=bool)
    rows = np.arange(len(orders))
    for step in range(players):
        chains[:, step + 1] = chains[:, step]
        chains[rows, step + 1, orders[:, step]] = True
    distinct, inverse = np.unique(
        chains.reshape(-1, players), axis=0, return_inverse=True
    )
    worth = _ask(value, distinct)[inverse.ravel()].reshape(len(orders), players + 1)
    gains = np.zeros((len(orders), players))
    gains[rows[:, None], orders] = np.diff(worth, axis=1)
    paired = (gains[:pairs] + gains[pairs:]) / 2
    return paired.mean(0), paired.std(0, ddof=1) / np.sqrt(pairs)


def _ask(value: Game, coalitions: np.ndarray) -> np.ndarray:
    worth = np.asarray(value(coalitions), dtype=np.float64)
    if worth.shape != (len(coalitions),):
        raise ValueError(
            f"value() returned shape {worth.shape} for {len(coalitions)} coalitions: "
            "it must return one number for each row"
        )
    return worth
