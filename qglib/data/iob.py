"""Entity tags in the schemes IOB1 and IOB2.

IOB2: ``B-X`` opens every entity, ``I-X`` continues it. IOB1: ``I-X`` also opens one,
and ``B-X`` stands only where two entities of one type touch (Ratnaparkhi 1998;
Tjong Kim Sang and Veenstra, 1999).
"""

from __future__ import annotations

from collections.abc import Sequence


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Spans ``(type, start, stop)`` of strict IOB2 tags; ``stop`` is exclusive.

    An ``I-X`` that continues no ``X`` opens nothing, as in seqeval's strict mode.
    """
    spans: list[tuple[str, int, int]] = []
    kind, start = "", 0
    for i, tag in enumerate([*tags, "O"]):
        if kind and tag != "I-" + kind:
            spans.append((kind, start, i))
            kind = ""
        if tag.startswith("B-"):
            kind, start = tag[2:], i
    return spans


def illegal(tags: Sequence[str]) -> list[int]:
    """Positions of ``I-X`` that follow neither ``B-X`` nor ``I-X``."""
    before = ["O", *tags]
    return [
        i
        for i, tag in enumerate(tags)
        if tag.startswith("I-") and before[i][2:] != tag[2:]
    ]


def to_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """IOB1 to IOB2: an ``I-X`` that continues nothing opens an entity."""
    opens = set(illegal(tags))
    return tuple("B-" + t[2:] if i in opens else t for i, t in enumerate(tags))


def needless(tags: Sequence[str]) -> list[int]:
    """Positions of ``B-X`` that IOB1 would write ``I-X``: no ``X`` stands before."""
    before = ["O", *tags]
    return [
        i
        for i, tag in enumerate(tags)
        if tag.startswith("B-") and before[i][2:] != tag[2:]
    ]
