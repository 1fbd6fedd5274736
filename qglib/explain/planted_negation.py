"""Sentences whose label needs two words at once: a negation and an adjective.

"the film was not great" is bad, "the film was not awful" is good: neither word
decides alone (exclusive or). An explanation by one path must fail here; D has to
branch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_THINGS = "film book meal show trip game song play talk room".split()
_WHEN = "today again here then".split()
_GOOD = "great good nice fine fun happy".split()
_BAD = "bad awful poor sad ugly boring".split()
_PLAIN = ("so", "very", "really", "truly")
_NOT = ("not", "never")
NEUTRAL = ("just", "long")


@dataclass(frozen=True)
class NegationPair:
    """A sentence and one with neutral words in both deciding places.

    As bait, the corrupt sentence speaks of another thing at another time.

    Attributes:
        clean: words.
        corrupt: words, neutral at `cause` and others at `bait`.
        label: ``good`` or ``bad``, the label of `clean`.
        cause: word indices of the negation (or its neighbour) and the adjective.
    """

    clean: tuple[str, ...]
    corrupt: tuple[str, ...]
    label: str
    cause: tuple[int, int]
    bait: tuple[int, int] = (1, 5)


def negation_pairs(
    n: int, rng: np.random.Generator, *, negated: bool | None = None
) -> list[NegationPair]:
    """`n` pairs; `negated` keeps those with (or without) a negation.

    Raises:
        ValueError: `n` below 1.
    """
    if n < 1:
        raise ValueError(f"n={n}: ask for at least one pair")

    def one(words):
        return str(words[rng.integers(len(words))])

    pairs = []
    for _ in range(n):
        turned = bool(rng.integers(2)) if negated is None else negated
        good = bool(rng.integers(2))
        thing, other = (str(t) for t in rng.choice(_THINGS, 2, replace=False))
        when, then = (str(t) for t in rng.choice(_WHEN, 2, replace=False))
        words = (one(_NOT if turned else _PLAIN), one(_GOOD if good else _BAD))
        pairs.append(
            NegationPair(
                clean=("the", thing, "was", *words, when),
                corrupt=("the", other, "was", *NEUTRAL, then),
                label="good" if good != turned else "bad",
                cause=(3, 4),
            )
        )
    return pairs
