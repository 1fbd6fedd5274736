"""The surface of a planted sentence: its variables put into words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

LINKS = ("; elsewhere", "; meanwhile", ", and the same day")

T = TypeVar("T")


def pick(options: Sequence[T], draw: float) -> T:
    """The option that a uniform draw in [0, 1) falls on."""
    return options[int(draw * len(options))]


def write_sentence(
    rows: list[dict], texts: list[str], clauses: list[tuple[int, ...]], link: float
) -> tuple[tuple[str, ...], tuple, tuple, tuple[int, int]]:
    """Put clauses, adverb and ending into words, and note where the parts stand.

    Args:
        rows: per slot its variables, see `qglib.data.structural`.
        texts: per clause its frame, with a hole ``{k}`` for its k-th name.
        clauses: per clause, its slots in the order of the text.
        link: number in [0, 1) that picks the words between two clauses.

    Returns:
        Words; span (start, stop) of each slot's name; per clause the indices of its
        frame's words; span of the adverb.
    """
    words: list[str] = []
    slots: dict[int, tuple[int, int]] = {}
    frame_words: list[tuple[int, ...]] = []
    nuisance = (0, 0)
    for c, (text, clause) in enumerate(zip(texts, clauses, strict=True)):
        if c:
            words += pick(LINKS, link).split()
        own: list[int] = []
        for token in text.split():
            start = len(words)
            if token.startswith("{"):
                slot = clause[int(token[1])]
                words += rows[slot]["S"].split()
                slots[slot] = (start, len(words))
            else:
                words.append(token)
                own.append(start)
        frame_words.append(tuple(own))
        if not c:
            nuisance = (len(words), len(words) + 1)
            words.append(rows[0]["N"])
    words += [",", *rows[0]["E"].split()] if rows[0]["E"] else []
    words.append(".")
    words[0] = words[0][0].upper() + words[0][1:]
    if rows[0]["H"]:
        words = [w.upper() for w in words]
    spans = tuple(slots[i] for i in range(len(rows)))
    return tuple(words), spans, tuple(frame_words), nuisance
