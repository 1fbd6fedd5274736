"""A decision as a game: parts are players, a coalition is an input that keeps some.

The value of a game takes booleans (coalitions, players) and returns one number for each
row, so that a model can answer many coalitions as one batch.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from scipy.special import binom

from qglib.explain.decision import Decision, decision

MAX_EXACT_PLAYERS = 12
BATCH = 64  # inputs in one call of a model
Value = Callable[[np.ndarray], np.ndarray]


class Game(NamedTuple):
    """Value of an input with some of its parts."""

    parts: tuple[str, ...]  # names of the players
    target: Any
    value: Value
    decision: Decision | None = None  # of a transformers model


def is_tagger(model: Any) -> bool:
    """Whether `model` is a pair (transformers model, tokenizer)."""
    pair = isinstance(model, (tuple, list)) and len(model) == 2
    return pair and isinstance(model[0], torch.nn.Module) and callable(model[1])


def game_of(
    model: Any,
    x: Any,
    target: Any,
    *,
    kind: Any = None,
    background: Sequence[Any] = (),
    baseline: str = "mask",
    probability: bool = False,
) -> Game:
    """The game of one decision, arguments as of `qglib.explain.attribute`.

    `baseline` is the token for an absent word, `probability` asks for no logits.
    """
    if is_tagger(model):
        if len(background):
            raise ValueError(
                "background is for other models: absent words of a sentence stand as "
                "a token"
            )
        this = decision(model[0], model[1], x, target)

        def ask(keep: np.ndarray) -> np.ndarray:
            rows = this.without_words(keep, baseline)
            return this.logits(rows, BATCH, probability=probability)

        return Game(this.words, this.target, ask, this)
    predict, target = _predictor(model), class_of(model, target)
    kind = kind_of(kind, model)

    def value(keep: np.ndarray) -> np.ndarray:
        total = np.zeros(len(keep))
        for other in [*background] or [None]:
            inputs = [kind.blank(x, row, other) for row in np.asarray(keep, bool)]
            for start in range(0, len(inputs), BATCH):
                part = slice(start, start + BATCH)
                total[part] += _column(predict(inputs[part]), target)
        return total / max(len(background), 1)

    return Game(tuple(kind.parts(x)), target, value)


def _predictor(model: Any) -> Callable[[list[Any]], np.ndarray]:
    """The function from a list of inputs to an array (inputs, classes)."""
    for name in ("predict_proba", "probabilities"):
        if callable(getattr(model, name, None)):
            return getattr(model, name)
    if callable(model) and not isinstance(model, torch.nn.Module):
        return cast(Any, model)
    raise TypeError(
        f"model of type {type(model).__name__}: give (transformers model, tokenizer), "
        "or a function from a list of inputs to an array (inputs, classes)"
    )


def class_of(model: Any, target: Any) -> Any:
    """The number of a class that is given by its name; other targets as they are."""
    if not isinstance(target, str):
        return target
    labels = [str(label) for label in getattr(model, "labels", ())]
    if target not in labels:
        raise ValueError(f"target={target!r} is not one of the labels {labels}")
    return labels.index(target)


def kind_of(kind: Any, model: Any) -> Any:
    """The object with ``parts`` and ``blank``; by default the kind of the model."""
    from qglib.data import KINDS

    if kind is None:
        kind = getattr(model, "settings", {}).get("kind")
    found = KINDS.get(kind) if isinstance(kind, str) else kind
    if not all(callable(getattr(found, name, None)) for name in ("parts", "blank")):
        raise ValueError(
            f"kind={kind!r}: give one of {sorted(KINDS)}, or an object with "
            "parts(x) and blank(x, keep, background)"
        )
    return found


def _column(values: Any, target: Any) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 1:
        return values
    if not isinstance(target, int | np.integer) or not 0 <= target < values.shape[1]:
        raise ValueError(
            f"target={target!r}: the model gives {values.shape[1]} columns, ask for "
            f"one of 0 to {values.shape[1] - 1}"
        )
    return values[:, target]


def exact_shapley(value: Value, players: int) -> np.ndarray:
    """Exact Shapley values from all 2**players coalitions, asked in one call.

    phi_i = sum over S without i of |S|! (n-|S|-1)! / n! (v(S + i) - v(S))
    (Shapley 1953). They add up to v(all) - v(none).

    Args:
        value: boolean (coalitions, players) to one number a row.
        players: how many words, features or gates there are, 1 to 12.

    Returns:
        Shapley values, float64, (players,).
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

    Orders come in antithetic pairs (an order and its reverse; Castro et al. 2009,
    Mitchell et al. 2022); the standard error is that of the mean over pairs.
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
