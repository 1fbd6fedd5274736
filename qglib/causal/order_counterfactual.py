"""The smallest change of word order that flips a decision.

Permutations are visited by Kendall distance (the number of adjacent swaps), level
by level: exact up to `exact_to` swaps, then a beam of the most promising ones.
Found orders are often ungrammatical: they show what the model uses, not what
people write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from qglib.causal.interventions import Target
from qglib.text import word_logits

__all__ = [
    "OrderCounterfactual",
    "minimal_order_change",
    "order_counterfactual",
    "order_flips",
]

Permutation = tuple[int, ...]


@dataclass(frozen=True)
class OrderCounterfactual:
    """A reordered sentence on which the decision flips.

    Attributes
    ----------
    words: the sentence after the change.
    swaps: number of adjacent swaps (of whole units: the target entity is one).
    exact: whether no smaller change exists.
    margin: the score after the change, negative.
    n_candidates: orders that were scored.
    """

    words: tuple[str, ...]
    swaps: int
    exact: bool
    margin: float
    n_candidates: int


def minimal_order_change(
    n: int,
    score: Callable[[list[Permutation]], np.ndarray],
    *,
    exact_to: int = 3,
    beam: int = 32,
    max_swaps: int = 6,
    movable: Sequence[bool] | None = None,
) -> tuple[Permutation, int, bool, float, int] | None:
    """Smallest permutation of ``range(n)`` whose score is negative.

    Parameters
    ----------
    n: number of units.
    score: maps permutations to scores; called once per level.
    exact_to: levels that are enumerated in full.
    beam: permutations kept per level beyond.
    max_swaps: where the search stops.
    movable: units that may move, all if None; a swap needs two of them.

    Returns
    -------
    (permutation, swaps, exact, score, candidates scored), or None. Among several
    at the same distance the lowest score wins.

    Raises
    ------
    ValueError: `n`, `exact_to`, `beam` or `max_swaps` below 1.
    """
    small = {"n": n, "exact_to": exact_to, "beam": beam, "max_swaps": max_swaps}
    for name, value in small.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    free = [True] * n if movable is None else list(movable)
    if len(free) != n:
        raise ValueError(f"movable has {len(free)} entries for n={n} units.")
    frontier: list[Permutation] = [tuple(range(n))]
    scored = 0
    for swaps in range(1, max_swaps + 1):
        level = sorted(
            {
                (*p[:i], p[i + 1], p[i], *p[i + 2 :])
                for p in frontier
                for i in range(n - 1)
                # only a swap that makes a new inversion leads one level up
                if p[i] < p[i + 1] and free[p[i]] and free[p[i + 1]]
            }
        )
        if not level:
            return None
        scores = np.asarray(score(level), dtype=float)
        scored += len(level)
        order = np.argsort(scores, kind="stable")
        if scores[order[0]] < 0:
            best = int(order[0])
            return level[best], swaps, swaps <= exact_to, scores[best], scored
        frontier = level
        if swaps >= exact_to:
            frontier = [level[int(k)] for k in order[:beam]]
    return None


def order_counterfactual(
    model: torch.nn.Module,
    tokenizer: object,
    words: Sequence[str],
    target: tuple[int, int],
    label: str,
    *,
    window: int = 6,
    exact_to: int = 3,
    beam: int = 32,
    max_swaps: int = 6,
) -> OrderCounterfactual | None:
    """Smallest reordering after which `label` no longer wins at the target.

    Parameters
    ----------
    model, tokenizer: a tagger and its tokenizer.
    words: the sentence.
    target: word span (start, stop) of the entity, which moves as one unit.
    label: tag of its first word whose win is to be broken.
    window: only words within so many words of the entity move; punctuation never.
    exact_to, beam, max_swaps: see `minimal_order_change`.

    Raises
    ------
    ValueError: an unknown label, a span outside the sentence, or `label` does not
        win to begin with.
    """
    labels = list(model.config.labels)
    start, stop = target
    if label not in labels:
        raise ValueError(
            f"label {label!r} is unknown to the model, which has {labels}."
        )
    if not 0 <= start < stop <= len(words):
        raise ValueError(
            f"target {target} is no span of a sentence of {len(words)} words."
        )
    column = labels.index(label)
    units = [(k,) for k in range(start)] + [tuple(range(start, stop))]
    units += [(k,) for k in range(stop, len(words))]

    def near(unit: tuple[int, ...]) -> bool:
        letters = any(c.isalnum() for k in unit for c in words[k])
        return letters and start - window <= unit[0] < stop + window

    def build(order: Permutation) -> tuple[tuple[str, ...], int]:
        out: list[str] = []
        at = 0
        for k in order:
            if k == start:  # unit number of the entity: one unit per word before it
                at = len(out)
            out += [words[i] for i in units[k]]
        return tuple(out), at

    def score(orders: list[Permutation]) -> np.ndarray:
        built = [build(order) for order in orders]
        found = word_logits(model, tokenizer, [text for text, _ in built])
        rows = np.stack([f[at] for f, (_, at) in zip(found, built, strict=True)])
        return rows[:, column] - np.delete(rows, column, axis=1).max(1)

    if score([tuple(range(len(units)))])[0] <= 0:
        raise ValueError(
            f"{label!r} does not win at {words[start]!r} in the original order; search "
            "for a change of a decision that is made."
        )
    found = minimal_order_change(
        len(units),
        score,
        exact_to=exact_to,
        beam=beam,
        max_swaps=max_swaps,
        movable=[near(unit) for unit in units],
    )
    if found is None:
        return None
    order, swaps, exact, margin, scored = found
    return OrderCounterfactual(build(order)[0], swaps, exact, margin, scored)


def order_flips(
    model: torch.nn.Module,
    tokenizer: object,
    targets: Sequence[Target],
    **settings: int,
) -> pd.DataFrame:
    """`order_counterfactual` for every target that the model labels rightly.

    Parameters
    ----------
    model, tokenizer: a tagger and its tokenizer.
    targets: entities to watch; those labelled wrongly are left out.
    settings: passed to `order_counterfactual`.

    Returns
    -------
    One row per right decision: ``entity``, ``label``, ``swaps`` (NaN where none was
    found), ``exact``, ``words`` (four on each side of where the entity stood).
    """
    labels = list(model.config.labels)
    rows = []
    for target, logits in zip(
        targets,
        word_logits(model, tokenizer, [t.words for t in targets]),
        strict=True,
    ):
        if labels[int(logits[target.start].argmax())] != target.label:
            continue
        span = (target.start, target.stop)
        found = order_counterfactual(
            model, tokenizer, target.words, span, target.label, **settings
        )
        near = slice(max(0, span[0] - 4), span[1] + 4)
        rows.append(
            {
                "entity": " ".join(target.words[slice(*span)]),
                "label": target.label[2:],
                "swaps": float("nan") if found is None else found.swaps,
                "exact": found is not None and found.exact,
                "words": "" if found is None else " ".join(found.words[near]),
            }
        )
    return pd.DataFrame(rows, columns=["entity", "label", "swaps", "exact", "words"])
