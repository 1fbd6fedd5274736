"""Interventions on the context of a named entity: its words' meaning and order.

Only *context words* are touched: words outside the target entity that hold a
letter or a digit. Punctuation and the target stay where they are, so the true
label's place is known after every intervention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qglib.causal.word_classes import WordClasses

__all__ = ["KINDS", "Intervention", "Target", "intervene_on_context", "targets_of"]

KINDS = (
    "meaning_near",
    "meaning_far",
    "deletion",
    "adjacent_swap",
    "transposition",
    "phrase_block",
    "shuffle",
)
"""What can be done to the context; 'whitespace', the placebo, is done to raw text."""


@dataclass(frozen=True)
class Target:
    """An entity whose label is watched.

    Attributes
    ----------
    sentence: number of the sentence, the cluster of the bootstrap.
    words: the sentence as words.
    start, stop: word span of the entity.
    label: true tag of its first word, such as "B-PER".
    """

    sentence: int
    words: tuple[str, ...]
    start: int
    stop: int
    label: str

    @property
    def context(self) -> tuple[int, ...]:
        """Indices of the words that interventions may touch."""
        return tuple(
            k
            for k, word in enumerate(self.words)
            if not self.start <= k < self.stop and any(c.isalnum() for c in word)
        )


@dataclass(frozen=True)
class Intervention:
    """One changed sentence.

    Attributes
    ----------
    kind: one of `KINDS`.
    target: index of the target in the list it was made from.
    words: the sentence after the intervention.
    start: index of the entity's first word in `words`.
    """

    kind: str
    target: int
    words: tuple[str, ...]
    start: int


def targets_of(sentences: Sequence, ambiguous_only: bool = False) -> list[Target]:
    """Every gold entity of tagged sentences (objects with ``words`` and ``tags``).

    Raises
    ------
    ValueError: no sentence holds an entity.
    """
    from qglib.data import entities

    found = [
        Target(number, tuple(s.words), start, stop, f"B-{kind}")
        for number, s in enumerate(sentences)
        if s.ambiguous or not ambiguous_only
        for kind, start, stop in entities(s.tags)
    ]
    if not found:
        raise ValueError("no sentence holds an entity to watch; give tagged sentences.")
    return found


def intervene_on_context(
    targets: Sequence[Target],
    kinds: Sequence[str],
    n_draws: int,
    rng: np.random.Generator,
    classes: WordClasses | None = None,
) -> list[Intervention]:
    """Up to `n_draws` different interventions of each kind on each target.

    Parameters
    ----------
    targets: entities to watch.
    kinds: some of `KINDS`.
    n_draws: draws per target and kind; draws that leave the text unchanged or
        repeat another are dropped, so short sentences give fewer.
    rng: source of the choices.
    classes: vocabulary for substitution, needed by the meaning kinds.

    Raises
    ------
    ValueError: an unknown kind, `n_draws` < 1, or no `classes` for a meaning kind.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ValueError(f"kinds {unknown} are unknown; choose from {KINDS}.")
    if n_draws < 1:
        raise ValueError(f"n_draws must be at least 1, got {n_draws}.")
    if classes is None and any(kind.startswith("meaning") for kind in kinds):
        raise ValueError(
            "substitution needs classes=WordClasses(model, tokenizer, sentences)."
        )
    done = []
    for number, target in enumerate(targets):
        for kind in kinds:
            seen = {target.words}
            for _ in range(2 * n_draws):
                drawn = _draw(kind, target, rng, classes)
                if drawn is not None and drawn[0] not in seen:
                    seen.add(drawn[0])
                    done.append(Intervention(kind, number, *drawn))
                if len(seen) > n_draws:
                    break
    return done


def _draw(
    kind: str, target: Target, rng: np.random.Generator, classes: WordClasses | None
) -> tuple[tuple[str, ...], int] | None:
    words, context = list(target.words), list(target.context)
    if not context:
        return None
    if kind.startswith("meaning"):
        k = context[rng.integers(len(context))]
        new = classes.replacement(
            words[k], rng, near=kind == "meaning_near", first=k == 0
        )
        if new is None:
            return None
        words[k] = new
        return tuple(words), target.start
    if kind == "deletion":
        k = context[rng.integers(len(context))]
        del words[k]
        return tuple(words), target.start - (k < target.start)
    if len(context) < 2:
        return None
    if kind == "phrase_block":
        moved = _block_swap(context, rng)
        if moved is None:
            return None
    elif kind == "shuffle":
        moved = [int(k) for k in rng.permutation(context)]
    else:
        i = int(rng.integers(len(context) - 1))
        j = i + 1
        if kind == "transposition":
            i, j = sorted(rng.choice(len(context), 2, replace=False))
        moved = context.copy()
        moved[i], moved[j] = moved[j], moved[i]
    for place, source in zip(context, moved, strict=True):
        words[place] = target.words[source]
    return tuple(words), target.start


def _block_swap(context: list[int], rng: np.random.Generator) -> list[int] | None:
    """Exchange two neighbouring blocks of two or three context words."""
    a, b = (int(k) for k in rng.integers(2, 4, 2))
    if len(context) < a + b:
        return None
    i = int(rng.integers(len(context) - a - b + 1))
    return (
        context[:i]
        + context[i + a : i + a + b]
        + context[i : i + a]
        + context[i + a + b :]
    )
