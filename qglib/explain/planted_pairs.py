"""Clean and corrupt sentences whose deciding words are known by construction.

Both hold an ambiguous name in a cue frame, which decides its type. The corrupt one has
a frame of another type and, as bait, another ambiguous name and another adverb.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from qglib.data.lexicon import frames, names
from qglib.data.structural import ADVERBS


class PlantedPair(NamedTuple):
    """One clean and one corrupt sentence with equally many words."""

    clean: tuple[str, ...]
    corrupt: tuple[str, ...]
    target: tuple[int, str]  # word index of the name, label the clean frame asks for
    cause: tuple[int, ...]  # word indices of the frame, which decide
    bait: tuple[int, ...]  # those of name and adverb, which differ and do not


def planted_pairs(
    tokenizer: Any, n: int, rng: np.random.Generator
) -> list[PlantedPair]:
    """`n` pairs with frames of different types, equal in words and sub-words.

    Frames are drawn evenly from those that have a partner, names from the held-out
    part. A tokenizer under which no two frames align is a ValueError.
    """
    if n < 1:
        raise ValueError(f"n={n}: ask for at least one pair")

    def size(words: tuple[str, ...]) -> tuple[int, int]:
        """Words and sub-words."""
        ids = tokenizer(list(words), is_split_into_words=True).word_ids()
        return len(words), sum(i is not None for i in ids)

    groups = defaultdict(list)  # frames whose two sides are equally long
    for split in ("train", "test"):
        for (kind, _), texts in sorted(frames(split).cue.items()):
            for text in texts:
                words = tuple((text[0].upper() + text[1:]).split())
                slot = next(i for i, w in enumerate(words) if w.startswith("{"))
                key = size(words[:slot]), size(words[slot + 1 :])
                groups[key].append((kind, words, slot))
    partners = defaultdict(list)
    for members in groups.values():
        for one, two in permutations(members, 2):
            if one[0] != two[0]:
                partners[one].append(two)
    if not partners:
        raise ValueError("no two planted frames of different types align: add frames")
    by_length = defaultdict(list)
    for name in names("test").ambiguous:
        by_length[size((name,))].append(name)
    lengths = sorted(length for length, some in by_length.items() if len(some) > 1)
    weights = np.array([len(by_length[length]) for length in lengths], dtype=float)
    first_frames, pairs = sorted(partners), []
    for _ in range(n):
        one = first_frames[rng.integers(len(first_frames))]
        two = partners[one][rng.integers(len(partners[one]))]
        length = lengths[rng.choice(len(lengths), p=weights / weights.sum())]
        who = rng.choice(by_length[length], 2, replace=False)
        when = rng.choice(sorted(ADVERBS.values()), 2, replace=False)
        slot, last = one[2], len(one[1])
        clean, corrupt = (
            (*words[:slot], str(name), *words[slot + 1 :], str(adverb), ".")
            for (_, words, _), name, adverb in zip((one, two), who, when, strict=True)
        )
        cause = tuple(i for i in range(last) if i != slot)
        target = slot, f"B-{one[0]}"
        pairs.append(PlantedPair(clean, corrupt, target, cause, (slot, last)))
    return pairs


def turning_pairs(
    model: Any, tokenizer: Any, pairs: Iterable[PlantedPair], least: float = 2.0
) -> list[PlantedPair]:
    """Pairs whose decision turns: right on the clean sentence, not on the corrupt.

    The logit of the label has to fall by `least`: a restored share divides by it.
    """
    from qglib.models import word_logits

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
