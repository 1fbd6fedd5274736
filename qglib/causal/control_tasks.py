"""Two small tasks whose cause is known: one hangs on meaning, one on word order.

They calibrate the interventions: on ``sentiment`` one adjective decides and order
must not matter (negative control of order, positive control of meaning); on ``role``
both classes hold the same words and only their order decides who acts (positive
control of order).
"""

from __future__ import annotations

import numpy as np

__all__ = ["CONTROL_TASKS", "control_task"]

CONTROL_TASKS = ("sentiment", "role")

_GOOD = "wonderful brilliant excellent delightful superb lovely charming perfect"
_BAD = "terrible dreadful awful boring horrible poor dull useless"
_THINGS = "film meal concert hotel book lecture garden match journey speech"
_PEOPLE = "pilot teacher doctor farmer singer painter sailor judge baker nurse"
_ANIMALS = "lion dog horse tiger wolf bear eagle goat fox bull"
_VERBS = "chased followed watched ignored frightened trusted guarded avoided"
_WHEN = ("last night", "this morning", "after lunch", "near the river", "in the rain")
_WHO = ("we thought", "they said", "everyone agreed", "my sister wrote")


def control_task(
    name: str, n: int, rng: np.random.Generator
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Sentences, as words, and their labels.

    Parameters
    ----------
    name: 'sentiment' (labels 'good' and 'bad') or 'role' (the actor is 'animal' or
        'human').
    n: number of sentences, labels in turn; sentences may repeat.
    rng: source of the words.

    Raises
    ------
    ValueError: an unknown name or `n` < 2.
    """
    if name not in CONTROL_TASKS:
        raise ValueError(f"name must be one of {CONTROL_TASKS}, got {name!r}.")
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}.")

    def one(words: str) -> str:
        some = words.split()
        return some[rng.integers(len(some))]

    def some(phrases: tuple[str, ...]) -> str:
        return phrases[rng.integers(len(phrases))]

    texts, labels = [], []
    for k in range(n):
        if name == "sentiment":
            word = one(_BAD if k % 2 else _GOOD)
            text = f"{some(_WHO)} the {one(_THINGS)} was {word} {some(_WHEN)}"
            labels.append("bad" if k % 2 else "good")
        else:
            actor, other = one(_PEOPLE), one(_ANIMALS)
            if k % 2 == 0:
                actor, other = other, actor
            text = f"the {actor} {one(_VERBS)} the {other} {some(_WHEN)}"
            labels.append("human" if k % 2 else "animal")
        texts.append(tuple(text.split()))
    return texts, labels
