"""Planted corpora: sentences drawn from the structural causal model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from qglib.data.corpus import Corpus
from qglib.data.lexicon import TYPES
from qglib.data.structural import (
    SENTENCE_NOISE,
    SLOT_NOISE,
    VARIABLES,
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
    """``n`` independent sentences with one to three names each.

    ``split="test"`` uses frames and names that training never shows (``taught``
    names excepted, which are known names on purpose). For a test without the
    spurious cue set ``rho=0`` as well. :mod:`qglib.data.structural` defines the
    other knobs.

    Raises
    ------
    TypeError
        ``rng`` is no ``numpy.random.Generator``.
    ValueError
        ``n`` below 1, a probability outside [0, 1], an unknown split.
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


def planted_corpus(
    rng: np.random.Generator,
    *,
    n_train: int = 1000,
    n_dev: int = 200,
    n_test: int = 500,
    rho: float = 0.95,
    test_rho: float = 0.0,
    **settings: float,
) -> Corpus:
    """A corpus of planted sentences: dev is drawn like train, test is held out.

    The test part has other frames and names, and there the adverb follows the type
    with probability ``test_rho`` only. ``settings`` are the other probabilities of
    :func:`planted`.

    Raises
    ------
    TypeError, ValueError
        as :func:`planted`.
    """
    parts = {
        "train": planted(n_train, rng, rho=rho, **settings),
        "dev": planted(n_dev, rng, rho=rho, **settings),
        "test": planted(n_test, rng, rho=test_rho, split="test", **settings),
    }
    splits = {
        name: tuple(
            replace(example.sentence, document=f"planted-{name}-{i + 1}")
            for i, example in enumerate(part)
        )
        for name, part in parts.items()
    }
    return Corpus("planted", tuple(sorted(TYPES)), **splits)


def planted_table(examples: Iterable[PlantedSentence]) -> pd.DataFrame:
    """Variables of slot 0 of the sentences that open with a cue frame, one row each.

    S is given as the name's pool (a type or ``"AMB"``), so the table has the causal
    graph ``PLANTED_EDGES``.
    """
    rows = [
        {k: e.pools[0] if k == "S" else e.variables[k][0] for k in VARIABLES}
        for e in examples
        if len(e.clauses[0]) == 1
    ]
    return pd.DataFrame(rows, columns=list(VARIABLES))
