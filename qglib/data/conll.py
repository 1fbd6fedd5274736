"""Sentences with named-entity tags, read from CoNLL columns.

Tags leave this module in IOB2: ``B-X`` opens every entity, ``I-X`` continues it. In
IOB1 ``I-X`` also opens one, and ``B-X`` stands only where two entities of one type
touch (Ratnaparkhi 1998; Tjong Kim Sang and Veenstra 1999).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TAG = re.compile(r"O|[BI]-\S+")
# Only these keys make a comment: real corpora hold words that start with "#".
COMMENT = re.compile(r"# (doc|newdoc id|sent_id|text|topic|ambiguous) =(?: (.*))?")
COLUMNS = {2: (0, 1), 4: (0, 3), 5: (1, 2)}  # number of columns -> word, tag
LAYOUT = {
    2: "2 columns (word, tag)",
    4: "4 columns (word, part of speech, chunk, tag)",
    5: "5 columns (number, word, tag, -, annotator)",
}


@dataclass(frozen=True)
class Sentence:
    """One tagged sentence.

    ``words`` and ``tags`` have the same length; tags are IOB2. ``document`` and
    ``topic`` name its source (empty when unknown); ``ambiguous`` marks sentences
    in which an entity's type shows only in the words around it.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: str = ""
    topic: str = ""
    ambiguous: bool = False

    def __post_init__(self) -> None:
        """Refuse a sentence whose words and tags differ in number."""
        if len(self.words) != len(self.tags):
            raise ValueError(
                f"a sentence needs one tag per word, got {len(self.words)} words "
                f"and {len(self.tags)} tags: {' '.join(self.words)!r}"
            )

    def __len__(self) -> int:
        """Number of words."""
        return len(self.words)


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
    return _after_another(tags, "I-")


def _after_another(tags: Sequence[str], prefix: str) -> list[int]:
    """Positions of tags with this prefix whose type does not stand just before."""
    pairs = enumerate(zip(["O", *tags], tags, strict=False))
    return [i for i, (a, b) in pairs if b.startswith(prefix) and a[2:] != b[2:]]


def read_conll(path: str | Path) -> list[Sentence]:
    """Tagged sentences of a file in CoNLL columns, tags in IOB2.

    Layouts: 2 columns (WNUT; word, tag), 4 (CoNLL-2003; the tag last) and 5
    (Universal NER; number, word, tag, ``-``, annotator), separated by tabs or
    blanks; the first token line decides for the file. A sentence ends at an
    empty line or one of blanks and tabs. ``-DOCSTART-`` starts a document.
    Before a sentence, ``# doc = …``, ``# newdoc id = …``, ``# topic = …`` (both
    hold until they change), ``# ambiguous = 1`` (for one sentence), ``# sent_id``
    and ``# text`` are comments; every other line is a token, hashtags included.

    Args:
        path: file, UTF-8, in IOB2 or IOB1; a mixture is refused.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a broken line (file, line number, what was expected), or a file
            without sentences.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"path: no such file: {path}")
    blocks = list(_blocks(path))
    if not blocks:
        raise ValueError(f"{path}: holds no tagged sentence")
    tags = [[tag for _, tag, _ in rows] for rows, _ in blocks]
    opened = [illegal(row) for row in tags]  # in IOB1 these open an entity
    repairs = [blocks[k][0][i] for k, row in enumerate(opened) for i in row]
    if repairs and any(_after_another(row, "B-") for row in tags):
        word, tag, number = repairs[0]
        wanted = f"B-{tag[2:]} at the start of an entity (other lines are IOB2)"
        raise _broken(path, number, wanted, f"{tag} on {word!r}")
    for row, places in zip(tags, opened, strict=True):
        for i in places:
            row[i] = "B-" + row[i][2:]
    return [
        Sentence(
            words=tuple(word for word, _, _ in rows),
            tags=tuple(row),
            document=marks["doc"],
            topic=marks["topic"],
            ambiguous=marks["ambiguous"].lower() in ("1", "true", "yes"),
        )
        for (rows, marks), row in zip(blocks, tags, strict=True)
    ]


def _broken(path: Path, number: int, expected: str, found: str) -> ValueError:
    return ValueError(f"{path}, line {number}: expected {expected}, found {found}")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    # Bytes are split at line feeds only: words may hold U+0085 or U+2028.
    for number, raw in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number}: expected UTF-8 text, found {raw[:40]!r}; "
                "convert the file, e.g. with iconv"
            ) from error
        yield number, text.rstrip("\r")
    yield 0, ""  # ends the last sentence


def _blocks(path: Path) -> Iterator[tuple[list[tuple[str, str, int]], dict[str, str]]]:
    """Per sentence (word, tag, line number) of its tokens, and the marks in force."""
    first, documents = "", 0
    rows: list[tuple[str, str, int]] = []
    marks = {"doc": "", "topic": "", "ambiguous": ""}
    for number, line in _lines(path):
        start = line.startswith("-DOCSTART-")
        if start or not line.strip(" \t"):
            if rows:
                yield rows, dict(marks)
                rows, marks["ambiguous"] = [], ""
            if start:
                documents += 1
                marks |= {"doc": f"{path.stem}-{documents}", "topic": ""}
            continue
        comment = None if rows or "\t" in line else COMMENT.fullmatch(line)
        if comment is None:
            first = first or line  # decides on columns and separator
            rows.append((*_token(path, number, line, first, len(rows) + 1), number))
            continue
        key, value = comment[1], (comment[2] or "").strip()
        if key in ("doc", "newdoc id"):
            marks |= {"doc": value, "topic": ""}
        elif key in marks:
            marks[key] = value


def _token(
    path: Path, number: int, line: str, first: str, place: int
) -> tuple[str, str]:
    """Word and tag of a line that is laid out as the first one."""

    def split(text: str) -> list[str]:
        if "\t" in first:
            return text.split("\t")
        return [part for part in text.split(" ") if part]

    width, parts = len(split(first)), split(line)
    if width not in COLUMNS:
        wanted = ", ".join(LAYOUT.values())
        raise _broken(path, number, wanted, f"{width}: {line!r}")
    if len(parts) != width:
        by = "a tab" if "\t" in first else "blanks"
        wanted = f"{LAYOUT[width]} separated by {by}, as above in this file"
        raise _broken(path, number, wanted, f"{len(parts)}: {line!r}")
    word, tag = (parts[k].strip(" ") for k in COLUMNS[width])
    if not word:
        raise _broken(path, number, "a word in the word column", repr(line))
    if width == 5 and parts[0] != str(place):
        wanted = f"token number {place} in the first column"
        raise _broken(path, number, wanted, repr(parts[0]))
    if not TAG.fullmatch(tag):
        raise _broken(path, number, "a tag O, B-TYPE or I-TYPE", repr(tag))
    return word, tag
