"""The smallest change of word order that flips a tagger's decision.

Orders are visited by the number of moves, level by level: exact up to `exact_to`
moves, then a beam of the most promising ones. Found orders are often ungrammatical:
they show what the model uses, not what people write; so a language model's score of
the change stands beside each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from qglib.causal.interventions import Target
from qglib.causal.naturalness import LanguageModel, naturalness
from qglib.causal.order_search import (
    Found,
    Levels,
    Permutation,
    minimal_order_change,
    order_levels,
    search_together,
)
from qglib.models import word_logits

__all__ = [
    "OrderCounterfactual",
    "minimal_order_change",
    "order_counterfactual",
    "order_flips",
]


@dataclass(frozen=True)
class OrderCounterfactual:
    """A reordered sentence on which the decision flips.

    Attributes
    ----------
    words: the sentence after the change.
    swaps: number of moves (of whole units: the target entity is one).
    exact: whether no smaller change exists.
    margin: the score after the change, negative.
    n_candidates: orders that were scored.
    """

    words: tuple[str, ...]
    swaps: int
    exact: bool
    margin: float
    n_candidates: int


class _Sentence:
    """A sentence cut into units that may change places, the entity being one."""

    def __init__(
        self, words: Sequence[str], target: tuple[int, int], column: int, window: int
    ) -> None:
        start, stop = target
        self.words, self.start, self.column = words, start, column
        self.units = [(k,) for k in range(start)] + [tuple(range(start, stop))]
        self.units += [(k,) for k in range(stop, len(words))]
        self.movable = [
            any(c.isalnum() for k in unit for c in words[k])
            and start - window <= unit[0] < stop + window
            for unit in self.units
        ]

    def build(self, order: Permutation) -> tuple[tuple[str, ...], int]:
        """The words in this order, and where the entity starts."""
        out: list[str] = []
        at = 0
        for k in order:
            if k == self.start:  # number of the entity's unit: one per word before it
                at = len(out)
            out += [self.words[i] for i in self.units[k]]
        return tuple(out), at

    def margin(self, logits: np.ndarray, at: int) -> float:
        """Logit of the label minus the best other one."""
        row = logits[at]
        return float(row[self.column] - np.delete(row, self.column).max())


def _search(
    model: torch.nn.Module,
    tokenizer: object,
    sentences: Sequence[_Sentence],
    batch_size: int,
    progress: bool,
    settings: dict,
) -> list[Found | None]:
    """All searches side by side: one batch of texts per level."""

    def score(levels: Levels) -> dict[int, np.ndarray]:
        built = {k: [sentences[k].build(p) for p in v] for k, v in levels.items()}
        texts = [words for some in built.values() for words, _ in some]
        logits = iter(word_logits(model, tokenizer, texts, batch_size, progress))
        return {
            k: np.array([sentences[k].margin(next(logits), at) for _, at in some])
            for k, some in built.items()
        }

    searches = [
        order_levels(len(s.units), movable=s.movable, **settings) for s in sentences
    ]
    return search_together(searches, score)


def order_counterfactual(
    model: torch.nn.Module,
    tokenizer: object,
    words: Sequence[str],
    target: tuple[int, int],
    label: str,
    *,
    window: int = 6,
    batch_size: int = 32,
    **settings: object,
) -> OrderCounterfactual | None:
    """Smallest reordering after which `label` no longer wins at the target.

    Parameters
    ----------
    model, tokenizer: a tagger and its tokenizer.
    words: the sentence.
    target: word span (start, stop) of the entity, which moves as one unit.
    label: tag of its first word whose win is to be broken.
    window: only words within so many words of the entity move; punctuation never.
    batch_size: passed to `word_logits`.
    settings: ``exact_to``, ``beam``, ``max_swaps``, ``moves``, ``budget`` of
        `minimal_order_change`.

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
    sentence = _Sentence(words, target, labels.index(label), window)
    if sentence.margin(word_logits(model, tokenizer, [words])[0], start) <= 0:
        raise ValueError(
            f"{label!r} does not win at {words[start]!r} in the original order; search "
            "for a change of a decision that is made."
        )
    found = _search(model, tokenizer, [sentence], batch_size, False, settings)[0]
    if found is None:
        return None
    order, swaps, exact, margin, scored = found
    return OrderCounterfactual(sentence.build(order)[0], swaps, exact, margin, scored)


def order_flips(
    model: torch.nn.Module,
    tokenizer: object,
    targets: Sequence[Target],
    *,
    window: int = 6,
    language: LanguageModel | None = None,
    batch_size: int = 32,
    progress: bool = False,
    **settings: object,
) -> pd.DataFrame:
    """`order_counterfactual` for every target that the model labels rightly.

    All searches go side by side: one length-sorted batch of different texts a level.

    Parameters
    ----------
    model, tokenizer: a tagger and its tokenizer.
    targets: entities to watch; those labelled wrongly are left out.
    window, settings: as in `order_counterfactual`.
    language: judge of the found orders, such as `NgramModel`.
    batch_size, progress: passed to `word_logits`.

    Returns
    -------
    One row per right decision: ``entity``, ``label``, ``swaps`` (NaN where none was
    found), ``exact``, ``words`` (four on each side of where the entity stood) and,
    with a `language`, ``naturalness``: nats per word gained, negative where the new
    order is less natural.
    """
    labels = list(model.config.labels)
    logits = word_logits(
        model, tokenizer, [t.words for t in targets], batch_size, progress
    )
    right = [
        t
        for t, found in zip(targets, logits, strict=True)
        if labels[int(found[t.start].argmax())] == t.label
    ]
    sentences = [
        _Sentence(t.words, (t.start, t.stop), labels.index(t.label), window)
        for t in right
    ]
    rows = []
    for target, sentence, found in zip(
        right,
        sentences,
        _search(model, tokenizer, sentences, batch_size, progress, settings),
        strict=True,
    ):
        changed = () if found is None else sentence.build(found.order)[0]
        near = slice(max(0, target.start - 4), target.stop + 4)
        row = {
            "entity": " ".join(target.words[target.start : target.stop]),
            "label": target.label[2:],
            "swaps": float("nan") if found is None else found.swaps,
            "exact": found is not None and found.exact,
            "words": " ".join(changed[near]),
        }
        if language is not None:
            row["naturalness"] = (
                naturalness(language, target.words, changed) if changed else np.nan
            )
        rows.append(row)
    columns = ["entity", "label", "swaps", "exact", "words"]
    columns += ["naturalness"] if language is not None else []
    return pd.DataFrame(rows, columns=columns)
