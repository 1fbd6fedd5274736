"""Planted sentences, drawn from the structural causal model."""

from __future__ import annotations

import numpy as np

from qglib.data.structural import (
    SENTENCE_NOISE,
    SLOT_NOISE,
    Mechanism,
    PlantedSentence,
    solve,
)


def planted(
    n: int,
    rng: np.random.Generator,
    *,
    rho: float = 0.95,
    conflict: float = 0.1,
    ambiguous: float = 0.45,
    order_share: float = 0.3,
    label_noise: float = 0.0,
    taught: float = 0.2,
    split: str = "train",
) -> list[PlantedSentence]:
    """Independent sentences with one to three names each.

    Args:
        n: how many.
        rng: source of all noise.
        rho: probability that the adverb follows the type of the first name, the
            spurious cue.
        conflict: see `qglib.data.structural` for this and the next four.
        ambiguous: see there.
        order_share: see there.
        label_noise: see there.
        taught: see there.
        split: "test" uses frames and names that training never shows (``taught``
            names excepted, which are known on purpose); set ``rho=0`` as well for a
            test without the spurious cue.

    Raises:
        TypeError: ``rng`` is no ``numpy.random.Generator``.
        ValueError: ``n`` below 1, a probability outside [0, 1], an unknown split.
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, got {n!r}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator, got {type(rng).__name__}; make "
            "one with numpy.random.default_rng(seed)"
        )
    mechanism = Mechanism(
        rho, conflict, ambiguous, order_share, label_noise, taught, split
    )
    out = []
    for _ in range(n):
        noise = [
            dict(zip(keys, rng.random(len(keys)).tolist(), strict=True))
            for keys in (SENTENCE_NOISE, *[SLOT_NOISE] * 3)
        ]
        out.append(solve(mechanism, tuple(noise), {}))
    return out
