"""Replacements of a word by meaning: near or far, in the same coarse word class.

A replacement has the same word shape (`qglib.models.shapes`) and the same class of a
light proxy for part of speech: closed-class words stand in lists, open-class words
are told apart by their ending. Nearness is the angle between the static (input)
embeddings of the encoder, the mean over a word's sub-words. The proxy is coarse:
a base form may be a noun, a verb or an adjective, so a replacement can still break
the grammar; that is why effects of near and far substitution are read together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import torch

from qglib.models import word_shape

__all__ = ["WordClasses", "word_class"]

_CLOSED = {
    "determiner": "a an the this that these those each every some any no another "
    "both either neither all half such",
    "preposition": "of in on at by for with from to into onto over under after before "
    "between through during against about across near along behind beside beyond "
    "inside outside past since until toward towards upon within without off up down",
    "pronoun": "he she it they we you i him her them us me his its their our your my "
    "who whom whose which what himself herself itself themselves",
    "conjunction": "and or but nor yet so because although though while when where if "
    "unless than as whether once",
    "auxiliary": "is are was were be been being am has have had having do does did "
    "will would can could may might must shall should",
    "particle": "not n't 's ' -- there here then now too also only just even still "
    "again more most less least very",
}
_CLASS_OF = {word: name for name, words in _CLOSED.items() for word in words.split()}
_ENDINGS = (
    ("ly", "adverb"),
    ("ing", "-ing form"),
    ("ed", "-ed form"),
    ("s", "-s form"),
)


def word_class(word: str) -> str:
    """Coarse class of a word: a closed class, or the class of its ending.

    Numbers, capitalised words and marks without letters are classes of their own.
    """
    lower = word.lower()
    if lower in _CLASS_OF:
        return _CLASS_OF[lower]
    if not any(c.isalpha() for c in word):
        return "number" if any(c.isdigit() for c in word) else "mark"
    if not word.islower():
        return "capitalised"
    for ending, name in _ENDINGS:
        if lower.endswith(ending) and len(lower) > len(ending) + 2:
            return name
    return "base"


class WordClasses:
    """A vocabulary grouped into classes, ordered by angle of static embeddings."""

    def __init__(
        self,
        model: torch.nn.Module,
        tokenizer: object,
        sentences: Iterable[Sequence[str]],
    ) -> None:
        """Collect the vocabulary of `sentences` and embed it.

        Parameters
        ----------
        model: a tagger; its input embeddings are read.
        tokenizer: its tokenizer.
        sentences: sentences as words; the first word of a sentence is left out,
            because its capital says nothing about its class.

        Raises
        ------
        ValueError: no words remain.
        """
        vocabulary = sorted({word for s in sentences for word in s[1:]})
        if not vocabulary:
            raise ValueError("sentences hold no words beyond their first; give more.")
        self._known = set(vocabulary)
        ids = tokenizer(
            [[word] for word in vocabulary],
            is_split_into_words=True,
            add_special_tokens=False,
        )["input_ids"]
        table = model.get_input_embeddings().weight.detach().float().cpu()
        embedded = torch.stack([table[row].mean(0) for row in ids]).numpy()
        norm = np.linalg.norm(embedded, axis=1, keepdims=True)
        self._vectors = embedded / np.maximum(norm, 1e-12)
        self._words = vocabulary

    @cached_property
    def _groups(self) -> dict[tuple[int, str], np.ndarray]:
        groups: dict[tuple[int, str], list[int]] = {}
        for row, word in enumerate(self._words):
            groups.setdefault((word_shape(word), word_class(word)), []).append(row)
        return {key: np.array(rows) for key, rows in groups.items()}

    @cached_property
    def _row(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self._words)}

    def replacement(
        self,
        word: str,
        rng: np.random.Generator,
        near: bool = True,
        n_near: int = 5,
        first: bool = False,
    ) -> str | None:
        """Another word of the same shape and class, or None where there is none.

        Parameters
        ----------
        word: the word to replace.
        rng: source of the choice.
        near: draw from the `n_near` smallest angles, else from the quarter of the
            class with the largest angles.
        n_near: size of the near set.
        first: the word opens a sentence: its lower-case form is replaced and the
            replacement capitalised.
        """
        lowered = word.lower() if first and word[:1].isupper() else word
        capital = lowered != word and lowered in self._row
        row = self._row.get(lowered if capital else word)
        if row is None:
            return None
        key = (word_shape(self._words[row]), word_class(self._words[row]))
        group = self._groups[key]
        folded = self._words[row].lower()
        group = group[[self._words[k].lower() != folded for k in group]]
        if len(group) < 2:
            return None
        order = group[np.argsort(-(self._vectors[group] @ self._vectors[row]))]
        pool = order[:n_near] if near else order[-max(len(order) // 4, 1) :]
        chosen = self._words[int(pool[rng.integers(len(pool))])]
        return chosen[:1].upper() + chosen[1:] if capital else chosen

    def angle(self, a: str, b: str) -> float:
        """Angle in degrees between the static embeddings of two known words.

        Raises
        ------
        KeyError: a word is not in the vocabulary.
        """
        cosine = float(self._vectors[self._row[a]] @ self._vectors[self._row[b]])
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
