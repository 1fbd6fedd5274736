"""Floors that a tagger has to beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from qglib.data import Sentence, entities


class SurfaceLookup:
    """Tags the longest names remembered from training, with their usual type.

    The baseline of CoNLL-2003 (Tjong Kim Sang and De Meulder, 2003): it knows
    names and nothing of their context. Ties between types go to the first in
    alphabetical order.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        """Remember every entity surface of ``sentences`` (case-sensitive)."""
        found: dict[tuple[str, ...], Counter] = defaultdict(Counter)
        for s in sentences:
            for kind, start, stop in entities(s.tags):
                found[s.words[start:stop]][kind] += 1
        self.types = {
            words: min(counts, key=lambda kind: (-counts[kind], kind))
            for words, counts in found.items()
        }
        self.longest = max(map(len, self.types), default=0)

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """IOB2 tags for sentences given as words."""
        return [self._tags(tuple(words)) for words in sentences]

    def _tags(self, words: tuple[str, ...]) -> list[str]:
        tags = ["O"] * len(words)
        start = 0
        while start < len(words):
            for stop in range(min(len(words), start + self.longest), start, -1):
                kind = self.types.get(words[start:stop])
                if kind is not None:
                    tags[start:stop] = [f"B-{kind}"] + [f"I-{kind}"] * (
                        stop - start - 1
                    )
                    start = stop - 1
                    break
            start += 1
        return tags
