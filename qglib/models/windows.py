"""From words to windows of sub-words that fit the encoder; nothing is cut silently."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qglib.models.shapes import word_shape
from qglib.models.tokenizer import ShapeTokenizer


@dataclass(frozen=True)
class Window:
    """A run of whole words of one sentence, ready for the encoder.

    ``ids`` and ``shapes`` include the special tokens; ``first[k]`` is the position
    of the first sub-word of the k-th kept word and ``words[k]`` that word's number
    in the sentence. Words of the window that another window scores better (they
    stand nearer to its middle) are context only and not kept.
    """

    sentence: int
    ids: list[int]
    shapes: list[int]
    first: list[int]
    words: list[int]


class WordEncoder:
    """Sub-words of single words, remembered, with the special tokens around."""

    def __init__(self, tokenizer: ShapeTokenizer, max_length: int) -> None:
        """Windows hold at most ``max_length`` sub-words, special tokens included."""
        probe = tokenizer("a", return_special_tokens_mask=True)
        special = probe["special_tokens_mask"]
        inner = [k for k, flag in enumerate(special) if not flag]
        self.before = probe["input_ids"][: inner[0]]
        self.after = probe["input_ids"][inner[-1] + 1 :]
        self.budget = max_length - len(self.before) - len(self.after)
        if self.budget < 1:
            raise ValueError(f"max_length must leave room for words, got {max_length}")
        self.tokenizer = tokenizer
        self.known: dict[str, list[int]] = {}
        self.cut_words = 0

    def learn(self, sentences: Sequence[Sequence[str]]) -> None:
        """Look up the sub-words of all new words in one call."""
        new = sorted({w for s in sentences for w in s if w not in self.known})
        if not new:
            return
        found = self.tokenizer(
            [[w] for w in new],
            is_split_into_words=True,
            add_special_tokens=False,
            return_token_type_ids=False,
            return_attention_mask=False,
        )["input_ids"]
        unknown = [self.tokenizer.unk_token_id]
        for word, ids in zip(new, found, strict=True):
            # zero-width characters leave nothing: such a word becomes [UNK]
            ids = list(ids) or unknown
            if len(ids) > self.budget:
                self.cut_words += 1
                ids = ids[: self.budget]
            self.known[word] = ids

    def window(
        self, number: int, words: Sequence[str], start: int, stop: int, keep: set[int]
    ) -> Window:
        """Words ``start`` to ``stop`` (exclusive), of which those in ``keep`` count."""
        ids, shapes = list(self.before), [0] * len(self.before)
        first, kept = [], []
        for k in range(start, stop):
            if k in keep:
                first.append(len(ids))
                kept.append(k)
            pieces = self.known[words[k]]
            ids += pieces
            shapes += [word_shape(words[k])] * len(pieces)
        ids += self.after
        shapes += [0] * len(self.after)
        return Window(number, ids, shapes, first, kept)


def check_words(sentences: Sequence[Sequence[str]]) -> None:
    """Refuse empty sentences, empty words and bare strings.

    Raises:
        ValueError, TypeError
    """
    if isinstance(sentences, str):
        raise TypeError("sentences must be a sequence of word sequences, got a string")
    for number, words in enumerate(sentences):
        if isinstance(words, str):
            raise TypeError(
                f"sentence {number} is a string: give its words, e.g. text.split()"
            )
        if not len(words):
            raise ValueError(f"sentence {number} is empty: drop it")
        for word in words:
            if not isinstance(word, str) or not word:
                raise ValueError(f"sentence {number}: {word!r} is no word: {words!r}")


def model_limit(tokenizer: ShapeTokenizer) -> int:
    """Sub-words the encoder can read at once, special tokens included."""
    return int(min(tokenizer.model_max_length, 4096))


def windows(
    tokenizer: ShapeTokenizer, sentences: Sequence[Sequence[str]], max_length: int
) -> list[Window]:
    """Windows that keep every word of every sentence exactly once.

    A sentence that fits gives one window; a longer one gives overlapping windows,
    each word kept where it has most context.
    """
    coder = WordEncoder(tokenizer, max_length)
    coder.learn(sentences)
    out: list[Window] = []
    for number, words in enumerate(sentences):
        sizes = [len(coder.known[w]) for w in words]
        spans = _overlapping(sizes, coder.budget)
        for (start, stop), keep in zip(spans, _owners(spans, len(words)), strict=True):
            if keep:
                out.append(coder.window(number, words, start, stop, keep))
    if coder.cut_words:
        warnings.warn(
            f"{coder.cut_words} single words are longer than {coder.budget} sub-words; "
            "only their beginning is read, their tags are kept",
            stacklevel=3,
        )
    return out


def _fill(sizes: Sequence[int], start: int, budget: int) -> int:
    stop, used = start, 0
    while stop < len(sizes) and used + sizes[stop] <= budget:
        used += sizes[stop]
        stop += 1
    return stop


def _overlapping(sizes: Sequence[int], budget: int) -> list[tuple[int, int]]:
    """Windows of at most ``budget`` sub-words that overlap by about a half."""
    spans = [(0, _fill(sizes, 0, budget))]
    while spans[-1][1] < len(sizes):
        start, stop = spans[-1]
        shift = start + max(1, (stop - start) // 2)
        while _fill(sizes, shift, budget) <= stop:  # long words: move on
            shift += 1
        spans.append((shift, _fill(sizes, shift, budget)))
    return spans


def _owners(spans: Sequence[tuple[int, int]], n_words: int) -> list[set[int]]:
    """For each span the words that stand deeper in it than in any other."""
    keep: list[set[int]] = [set() for _ in spans]
    for word in range(n_words):
        depth = []
        for start, stop in spans:
            if not start <= word < stop:
                depth.append(-1)
                continue
            left = word - start if start else n_words
            right = stop - 1 - word if stop < n_words else n_words
            depth.append(min(left, right))
        keep[int(np.argmax(depth))].add(word)
    return keep
