"""Clean and corrupt sentences whose deciding words are known by construction.

Both sentences hold an ambiguous name in a cue frame: the words of the frame decide
the type of the name. The corrupt sentence has a frame of another type, and, as
bait, another ambiguous name and another adverb, which decide nothing. All parts
have as many sub-words as the parts they replace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qglib.data.lexicon import frames, names
from qglib.data.structural import ADVERBS
from qglib.models import TokenTagger, word_logits


@dataclass(frozen=True)
class PlantedPair:
    """One clean and one corrupt sentence.

    Attributes:
        clean: words of the clean sentence.
        corrupt: words of the corrupt sentence, aligned with `clean`.
        target: (word index of the name, label that the clean frame asks for).
        corrupt_label: label that the corrupt frame asks for.
        cause: word indices of the frame, which decide.
        bait: word indices of the name and the adverb, which differ and do not.
    """

    clean: tuple[str, ...]
    corrupt: tuple[str, ...]
    target: tuple[int, str]
    corrupt_label: str
    cause: tuple[int, ...]
    bait: tuple[int, ...]


def planted_pairs(
    tokenizer: Any, n: int, rng: np.random.Generator
) -> list[PlantedPair]:
    """`n` pairs with frames of different types, equal in words and sub-words.

    Frames are drawn evenly from those that have a partner, so that no sentence
    pattern dominates; names come from the held-out part.

    Raises:
        ValueError: `n` below 1, or no two frames of different types align under
            this tokenizer.
    """
    if n < 1:
        raise ValueError(f"n={n}: ask for at least one pair")

    def sub_words(words: Sequence[str]) -> tuple[int, ...]:
        if not words:
            return ()
        ids = tokenizer(list(words), is_split_into_words=True).word_ids()
        inside = [i for i in ids if i is not None]
        return len(words), len(inside)

    groups: dict[tuple, list[tuple[str, tuple[str, ...], int]]] = defaultdict(list)
    for split in ("train", "test"):
        for (kind, _), texts in sorted(frames(split).cue.items()):
            for text in texts:
                words = text.split()
                slot = next(i for i, w in enumerate(words) if w.startswith("{"))
                words = [words[0][0].upper() + words[0][1:], *words[1:]]
                key = sub_words(words[:slot]), sub_words(words[slot + 1 :])
                groups[key].append((kind, tuple(words), slot))
    partners = [
        (one, two)
        for members in groups.values()
        for one in members
        for two in members
        if one[0] != two[0]
    ]
    if not partners:
        raise ValueError("no two planted frames of different types align: add frames")
    first_frames = sorted({one for one, _ in partners})
    by_length: dict[tuple, list[str]] = defaultdict(list)
    for name in names("test").ambiguous:
        by_length[sub_words([name])].append(name)
    lengths = sorted(length for length, some in by_length.items() if len(some) > 1)
    weights = np.array([len(by_length[length]) for length in lengths], dtype=float)
    pairs = []
    for _ in range(n):
        one = first_frames[rng.integers(len(first_frames))]
        options = [b for a, b in partners if a == one]
        two = options[rng.integers(len(options))]
        length = lengths[rng.choice(len(lengths), p=weights / weights.sum())]
        who = rng.choice(by_length[length], 2, replace=False)
        when = rng.choice(sorted(ADVERBS.values()), 2, replace=False)
        sides = []
        for (_, words, slot), name, adverb in zip((one, two), who, when, strict=True):
            text = [*words, str(adverb), "."]
            text[slot] = str(name)
            sides.append(tuple(text))
        slot, last = one[2], len(one[1])
        pairs.append(
            PlantedPair(
                clean=sides[0],
                corrupt=sides[1],
                target=(slot, f"B-{one[0]}"),
                corrupt_label=f"B-{two[0]}",
                cause=tuple(i for i in range(last) if i != slot),
                bait=(slot, last),
            )
        )
    return pairs


def turning_pairs(
    model: TokenTagger,
    tokenizer: Any,
    pairs: Iterable[PlantedPair],
    least: float = 2.0,
) -> list[PlantedPair]:
    """Pairs whose decision turns: right on the clean sentence, not on the corrupt.

    The logit of the label has to fall by at least `least`: a restored share
    divides by this fall.
    """
    pairs = list(pairs)
    clean = word_logits(model, tokenizer, [p.clean for p in pairs])
    corrupt = word_logits(model, tokenizer, [p.corrupt for p in pairs])
    found = []
    for pair, one, two in zip(pairs, clean, corrupt, strict=True):
        word, name = pair.target
        label = model.config.labels.index(name)
        right = one[word].argmax() == label and two[word].argmax() != label
        if right and one[word][label] - two[word][label] >= least:
            found.append(pair)
    return found
