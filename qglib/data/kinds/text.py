"""Texts: a string, or the words of a tagged sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from qglib.data.events import Events, token_events
from qglib.data.kinds.parting import Edits, kept

MASK = "[MASK]"
Text = str | Sequence[str]


def parts(x: Text) -> list[str]:
    """Words: the pieces of a string between white space, or the words given."""
    if isinstance(x, str):
        return x.split()
    if not all(isinstance(word, str) for word in x):
        raise TypeError(f"x is {type(x).__name__}: give a string or a list of words")
    return list(x)


def _like(x: Text, words: list[str]) -> Text:
    return " ".join(words) if isinstance(x, str) else type(x)(words)


def blank(x: Text, keep: Any, background: Any = None) -> Text:
    """The text with words replaced by the word ``background``, or by ``[MASK]``.

    "" removes the place as well; anything but a string (the training texts, say)
    means ``[MASK]``.
    """
    words = parts(x)
    mask = kept(keep, len(words))
    if mask.all():
        return x
    word = background if isinstance(background, str) else MASK
    new = [w if k else word for w, k in zip(words, mask, strict=True)]
    return _like(x, [w for w in new if w])


def events(x: Text, vectors: np.ndarray | None = None, **options: Any) -> Events:
    """Words as events: position as time, embedding as content.

    ``vectors`` are embeddings of the words, shape (n_words, k), without which a word
    has no place in a metric space; ``options`` the others of `token_events`.
    """
    if vectors is None:
        raise ValueError(
            "vectors is None: the words of a text need embeddings to be events; give "
            "an array (n_words, k), for instance from qglib.models.frozen_features"
        )
    return token_events(vectors, parts(x), **options)


def edits(x: Text, rng: np.random.Generator, background: Any = None) -> Edits:
    """Swapped, deleted, replaced words, and a placebo.

    Returns:
        "swap" (two neighbours exchanged), "delete" (a word less), "replace" (a word
        overwritten by another one of the text), "placebo" (white space doubled in a
        string; a copy of words).
    """
    words, found = parts(x), {}
    n = len(words)
    unlike = [k for k in range(n - 1) if words[k] != words[k + 1]]
    if unlike:
        k = int(rng.choice(unlike))
        found["swap"] = [*words[:k], words[k + 1], words[k], *words[k + 2 :]]
    if n > 1:
        k = int(rng.integers(n))
        found["delete"] = words[:k] + words[k + 1 :]
    if unlike:
        k = int(rng.integers(n))
        others = sorted(set(words) - {words[k]})
        word = others[int(rng.integers(len(others)))]
        found["replace"] = [*words[:k], word, *words[k + 1 :]]
    changed = {name: _like(x, new) for name, new in found.items()}
    placebo = re.sub(r"\s+", "  ", x) if isinstance(x, str) else _like(x, words)
    return changed | {"placebo": placebo}
