"""Label numbers of tagged sentences, and the checks that training needs."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np

from qglib.data import illegal


def label_numbers(
    labels: Sequence[str], tags: Sequence[Sequence[str]], name: str = "sentences"
) -> list[np.ndarray]:
    """Number of each tag in ``labels``, one array per sentence.

    Raises:
        ValueError: a tag the model does not have, or one that breaks IOB2.
    """
    number = {label: k for k, label in enumerate(labels)}
    out = []
    for row, sentence in enumerate(tags):
        unknown = [t for t in sentence if t not in number]
        if unknown:
            raise ValueError(
                f"{name}: sentence {row} has the tag {unknown[0]!r}, the model knows "
                f"{list(labels)}; build it with types=corpus.types"
            )
        broken = illegal(sentence)
        if broken:
            raise ValueError(
                f"{name}: sentence {row} has {sentence[broken[0]]!r} without its B- "
                "before it; tags must be IOB2 (read_conll converts IOB1)"
            )
        out.append(np.array([number[t] for t in sentence], dtype=np.int64))
    return out


def check_training(labels: Sequence[str], tags: Sequence[Sequence[str]]) -> None:
    """Refuse training data from which nothing can be learnt.

    Entity types that never occur are counted in a warning: a small part of a
    corpus with many types lacks some, and their recall will be 0.

    Raises:
        ValueError: no sentences or a single class.
    """
    if not len(tags):
        raise ValueError("train is empty: give at least one tagged sentence")
    seen = Counter(t for sentence in tags for t in sentence)
    if len(seen) < 2:
        only = next(iter(seen), "nothing")
        raise ValueError(
            f"train holds one class only ({only}): nothing to learn; add sentences "
            "with and without entities"
        )
    absent = [t[2:] for t in labels if t.startswith("B-") and not seen[t]]
    if absent:
        warnings.warn(
            f"the entity types {absent} never occur in the {len(tags)} training "
            "sentences and cannot be learnt: train on more sentences",
            stacklevel=3,
        )
