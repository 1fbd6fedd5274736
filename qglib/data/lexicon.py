"""Words of the planted corpus: authored frames and invented names, held out exactly.

Both are read from ``data/embedded/planted``. No two names are equal, none is a word of
a frame, and no name word stands in both the training and the test part.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

from qglib.data.corpus import EMBEDDED, checked

TYPES = ("PER", "LOC", "ORG", "MISC")
GENRES = ("sport", "market", "travel", "science", "politics")
AFFIXES = ("Group", "Union", "Holdings")
FIRST_NAME, COMPANY = 0.5, 0.3  # probability of an affix on PER, on ORG
TAUGHT = 0.2  # probability of a name without an ending
TEST_SHARE = 0.2  # of the names of a pool
TRAIN_FRAMES = 7  # of every (type, genre) cell, so that their index tells neither


class Frames(NamedTuple):
    """Frames of one split: of a (type, genre), and of an ordered pair of types.

    A frame of ``cue`` has one slot ``{0}``. Slot ``{0}`` of a frame of ``order`` makes
    an ambiguous name a name of the first type, ``{1}`` of the second.
    """

    cue: dict[tuple[str, str], tuple[str, ...]]
    order: dict[tuple[str, ...], tuple[str, ...]]


class Names(NamedTuple):
    """Names of one split."""

    suffixed: dict[str, tuple[str, ...]]  # of a type, whose ending shows it
    taught: dict[str, tuple[str, ...]]  # of a type that only meeting them teaches
    first: tuple[str, ...]
    ambiguous: tuple[str, ...]  # of any type


@lru_cache
def frames(split: str = "train") -> Frames:
    """Frames of a split; the two splits share none.

    Training has the first ``TRAIN_FRAMES`` of every (type, genre), and all but one of
    every ordered pair of types; the genre of that one changes from pair to pair.
    """
    train, rows = _read("frames.tsv", split)
    part = slice(TRAIN_FRAMES) if train else slice(TRAIN_FRAMES, None)
    cue = {
        (t, g): tuple(text for *key, text in rows if key == ["cue", g, t])[part]
        for t in TYPES
        for g in GENRES
    }
    order = dict[tuple[str, ...], tuple[str, ...]]()
    for j, pair in enumerate(permutations(TYPES, 2)):
        texts = [text for _, _, types, text in rows if types == " ".join(pair)]
        held = texts.pop(j % len(texts))
        order[pair] = tuple(texts if train else [held])
    return Frames(cue, order)


@lru_cache
def names(split: str = "train") -> Names:
    """Names of a split. Beyond ``taught`` the splits share no name word."""
    train, rows = _read("names.tsv", split)
    pools: dict[str, list[str]] = {}
    for pool, name in rows:
        pools.setdefault(pool, []).append(name)
    for pool, own in pools.items():
        cut = len(own) - round(TEST_SHARE * len(own))
        if not pool.startswith("taught"):
            pools[pool] = own[:cut] if train else own[cut:]
    suffixed = {t: tuple(pools[f"suffixed {t}"]) for t in TYPES}
    taught = {t: tuple(pools[f"taught {t}"]) for t in TYPES}
    return Names(suffixed, taught, tuple(pools["first"]), tuple(pools["ambiguous"]))


def invent(
    kind: str, ambiguous: bool, draws: Mapping[str, float], split: str, taken: set[str]
) -> str:
    """A name of a type, or an ambiguous one, from the draws taught, S, affix, first.

    Ambiguous and taught names stand bare; a name in ``taken`` gives way to the next.
    """
    lexicon = names(split)
    bare = ambiguous or draws["taught"] < TAUGHT
    pool = (lexicon.taught if bare else lexicon.suffixed)[kind]
    if ambiguous:
        pool = lexicon.ambiguous
    index = int(draws["S"] * len(pool))
    while pool[index] in taken:
        index = (index + 1) % len(pool)
    name = pool[index]
    if not bare and kind == "PER" and draws["affix"] < FIRST_NAME:
        return f"{lexicon.first[int(draws['first'] * len(lexicon.first))]} {name}"
    if not bare and kind == "ORG" and draws["affix"] < COMPANY:
        return f"{name} {AFFIXES[int(draws['first'] * len(AFFIXES))]}"
    return name


def _read(file: str, split: str) -> tuple[bool, list[list[str]]]:
    """Whether the split is that for training, and the rows of the file."""
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    text = checked(EMBEDDED / "planted" / file).read_text(encoding="utf-8")
    return split == "train", [line.split("\t") for line in text.splitlines()[1:]]
