"""Words of the planted corpus: authored frames and invented names, held out exactly.

Frames are read from ``data/embedded/planted/frames.tsv``. Names are invented from
syllables by a hash counter, so they are the same on every machine. No two names
of the lexicon are equal, none is a word of a frame, and no name word stands in
both the training and the test part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from qglib.data.corpus import EMBEDDED

TYPES = ("PER", "LOC", "ORG", "MISC")
GENRES = ("sport", "market", "travel", "science", "politics")
FRAMES = EMBEDDED / "planted" / "frames.tsv"
SPLITS = ("train", "test")

SUFFIXES = {
    "PER": ("son", "sen", "ova", "ides"),
    "LOC": ("ville", "burg", "stead", "haven"),
    "ORG": ("tech", "corp", "bank", "works"),
    "MISC": ("ian", "ese", "ish", "cup"),
}
AFFIXES = ("Group", "Union", "Holdings")
FIRST_NAME, COMPANY = 0.5, 0.3  # probability of an affix on PER, on ORG
SIZES = {"suffixed": 400, "first": 200, "ambiguous": 300, "taught": 8}
TEST_SHARE = 0.2
# Every (type, genre) cell keeps this many cue frames for training, so that the
# index of the frame is independent of type and genre there.
TRAIN_FRAMES = 7

_ONSETS = "br d f gl h k l m n p r s t v w st th ch".split()
_VOWELS = "a e i o u ai ea oo".split()
_CODAS = ["", "", "", "", "", "", *"n r l s m nd rt lm v".split()]
_UNWANTED = ("piss", "puss", "tits", "rape", "anus", "nazi", "semen", "slav")


@dataclass(frozen=True)
class Frames:
    """Frames of one split.

    ``cue[type, genre]`` are frames with one slot ``{0}``; ``order[first, second]``
    are frames whose first slot ``{0}`` makes an ambiguous name a ``first`` and
    whose second slot ``{1}`` a ``second``.
    """

    cue: dict[tuple[str, str], tuple[str, ...]]
    order: dict[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Names:
    """Names of one split.

    ``suffixed[type]`` show their type by an ending; ``taught[type]`` have none and
    are the same in both splits, for their type can only be learnt by meeting them;
    ``first`` are first names; ``ambiguous`` carry any type.
    """

    suffixed: dict[str, tuple[str, ...]]
    taught: dict[str, tuple[str, ...]]
    first: tuple[str, ...]
    ambiguous: tuple[str, ...]


@lru_cache
def frames(split: str = "train", path: Path = FRAMES) -> Frames:
    """Frames of a split; the two splits share none.

    Of every (type, genre) cell of cue frames the first ``TRAIN_FRAMES`` serve for
    training and the rest for test; of the frames of every ordered pair of types
    one is held out, the genre changing from pair to pair.

    Raises
    ------
    FileNotFoundError
        the file of frames is missing.
    ValueError
        a broken line (file, line, what was expected) or a cell without held-out
        frames.
    """
    _check_split(split)
    cue: dict[tuple[str, str], list[str]] = {(t, g): [] for t in TYPES for g in GENRES}
    order: dict[tuple[str, str], list[str]] = {
        (a, b): [] for a in TYPES for b in TYPES if a != b
    }
    for number, line in enumerate(_read(path)[1:], 2):
        kind, genre, types, text = _columns(path, number, line)
        if kind == "cue":
            cue[types[0], genre].append(text)
        else:
            order[types[0], types[1]].append(text)
    for cell, texts in [*cue.items(), *order.items()]:
        need = TRAIN_FRAMES + 1 if cell in cue else 2
        if len(texts) < need:
            raise ValueError(
                f"{path}: needs at least {need} frames for {' '.join(cell)}, found "
                f"{len(texts)}; add frames"
            )
    held = {pair: j % len(order[pair]) for j, pair in enumerate(order)}
    train = split == "train"
    return Frames(
        cue={
            cell: tuple(texts[:TRAIN_FRAMES] if train else texts[TRAIN_FRAMES:])
            for cell, texts in cue.items()
        },
        order={
            pair: tuple(t for j, t in enumerate(texts) if (j != held[pair]) == train)
            for pair, texts in order.items()
        },
    )


@lru_cache
def names(split: str = "train") -> Names:
    """Names of a split. Beyond ``taught`` the splits share no name word."""
    _check_split(split)
    pools = _pools()

    def part(key: str) -> tuple[str, ...]:
        pool = pools[key]
        cut = len(pool) - round(TEST_SHARE * len(pool))
        return pool[:cut] if split == "train" else pool[cut:]

    return Names(
        suffixed={t: part(f"suffixed {t}") for t in TYPES},
        taught={t: pools[f"taught {t}"] for t in TYPES},
        first=part("first"),
        ambiguous=part("ambiguous"),
    )


def invent(
    kind: str,
    ambiguous: bool,
    draws: Mapping[str, float],
    taught: float,
    split: str,
    taken: set[str],
) -> str:
    """A name of a type, or an ambiguous one, from the draws taught, S, affix, first.

    Ambiguous and taught names stand bare. The next name of the pool is taken where
    the drawn one is in ``taken``.
    """
    lexicon = names(split)
    bare = ambiguous or draws["taught"] < taught
    if ambiguous:
        pool = lexicon.ambiguous
    else:
        pool = lexicon.taught[kind] if bare else lexicon.suffixed[kind]
    index = int(draws["S"] * len(pool))
    while pool[index] in taken:
        index = (index + 1) % len(pool)
    name = pool[index]
    if not bare and kind == "PER" and draws["affix"] < FIRST_NAME:
        return f"{lexicon.first[int(draws['first'] * len(lexicon.first))]} {name}"
    if not bare and kind == "ORG" and draws["affix"] < COMPANY:
        return f"{name} {AFFIXES[int(draws['first'] * len(AFFIXES))]}"
    return name


@lru_cache
def _pools() -> dict[str, tuple[str, ...]]:
    taken = {w for line in _read(FRAMES) for w in line.lower().split()}
    endings = tuple(s for group in SUFFIXES.values() for s in group)
    pools: dict[str, tuple[str, ...]] = {}

    def grow(key: str, size: int, suffixes: tuple[str, ...] = ()) -> None:
        pool: list[str] = []
        counter = 0
        while len(pool) < size:
            draw = hashlib.sha256(f"{key} {counter}".encode()).digest()
            counter += 1
            name = _syllable(draw[0:3])
            name += suffixes[draw[3] % 4] if suffixes else _syllable(draw[4:7])
            plain = not suffixes
            if name in taken or any(u in name for u in _UNWANTED):
                continue
            if plain and name.endswith(endings):  # would show a type
                continue
            taken.add(name)
            pool.append(name.capitalize())
        pools[key] = tuple(pool)

    for kind in TYPES:
        grow(f"suffixed {kind}", SIZES["suffixed"], SUFFIXES[kind])
        grow(f"taught {kind}", SIZES["taught"])
    grow("first", SIZES["first"])
    grow("ambiguous", SIZES["ambiguous"])
    return pools


def _syllable(draw: bytes) -> str:
    return (
        _ONSETS[draw[0] % len(_ONSETS)]
        + _VOWELS[draw[1] % len(_VOWELS)]
        + _CODAS[draw[2] % len(_CODAS)]
    )


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")


def _read(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing. It belongs to the project's repository: install from "
            "a checkout (pip install -e .)"
        )
    return path.read_text(encoding="utf-8").splitlines()


def _columns(path: Path, number: int, line: str) -> tuple[str, str, list[str], str]:
    parts = line.split("\t")
    if len(parts) == 4:
        kind, genre, types, text = parts[0], parts[1], parts[2].split(), parts[3]
        slots = {"cue": 1, "order": 2}.get(kind, 0)
        marks = [w for w in text.split() if "{" in w or "}" in w]
        if (
            slots
            and genre in GENRES
            and len(set(types)) == len(types) == slots
            and set(types) <= set(TYPES)
            and marks == ["{0}", "{1}"][:slots]
        ):
            return kind, genre, types, text
    raise ValueError(
        f"{path}, line {number}: expected four columns separated by tabs (cue or "
        "order; genre; one type or two different ones; a frame with the slots {0} "
        f"and, in an order frame, {{1}} as words of their own), found {line!r}"
    )
