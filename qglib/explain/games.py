"""A decision as a game: parts are players, a coalition is an input that keeps some.

One object stands between the methods and the models, so that every method of
`qglib.explain` serves every kind of data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from qglib import data
from qglib.explain.decision import Decision, decision


class Game(NamedTuple):
    """Value of an input with some of its parts."""

    parts: tuple[str, ...]  # names of the players
    target: Any
    value: Callable[[np.ndarray], np.ndarray]  # (coalitions, parts) -> (coalitions,)
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
    batch_size: int = 64,
    probability: bool = False,
) -> Game:
    """The game of one decision; arguments and errors as `qglib.explain.attribute`.

    `probability` asks a transformers model for probabilities instead of logits.
    """
    if is_tagger(model):
        if len(background):
            raise ValueError(
                "background is for other models: absent words of a sentence stand as "
                "the token baseline='mask', 'pad' or 'unk'"
            )
        this = decision(*model, x, target)

        def ask(keep: np.ndarray) -> np.ndarray:
            rows = this.without_words(keep, baseline)
            return this.logits(rows, batch_size, probability=probability)

        return Game(this.words, this.target, ask, this)
    predict, target = _predictor(model), class_of(model, target)
    kind = kind_of(kind, model)

    def value(keep: np.ndarray) -> np.ndarray:
        total = np.zeros(len(keep))
        for other in [*background] or [None]:
            inputs = [kind.blank(x, row, other) for row in np.asarray(keep, bool)]
            for start in range(0, len(inputs), batch_size):
                part = slice(start, start + batch_size)
                total[part] += _column(predict(inputs[part]), target)
        return total / max(len(background), 1)

    return Game(tuple(kind.parts(x)), target, value)


def _predictor(model: Any) -> Callable[[list[Any]], np.ndarray]:
    """The function from a list of inputs to an array (inputs, classes)."""
    for name in ("predict_proba", "probabilities"):
        if callable(getattr(model, name, None)):
            return getattr(model, name)
    if callable(model) and not isinstance(model, torch.nn.Module):
        return model
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
    if kind is None:
        kind = getattr(model, "settings", {}).get("kind")
    found = data.KINDS.get(kind) if isinstance(kind, str) else kind
    if not all(callable(getattr(found, name, None)) for name in ("parts", "blank")):
        raise ValueError(
            f"kind={kind!r}: give one of {sorted(data.KINDS)}, or an object with "
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
