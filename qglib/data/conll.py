"""Sentences with named-entity tags, read from CoNLL columns.

Tags leave this module in IOB2: ``B-X`` opens every entity, ``I-X`` continues it. In
IOB1 ``I-X`` also opens one, and ``B-X`` stands only where two entities of one type
touch (Ratnaparkhi 1998; Tjong Kim Sang and Veenstra 1999).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

TAG = re.compile(r"O|[BI]-\S+")
# Only these keys make a comment: real corpora hold words that start with "#".
COMMENT = re.compile(r"# (doc|newdoc id|sent_id|text|topic|ambiguous) =(?: (.*))?")
LAYOUT = {  # number of columns -> word, tag, and what the columns hold
    2: (0, 1, "2 columns (word, tag)"),
    4: (0, 3, "4 columns (word, part of speech, chunk, tag)"),
    5: (1, 2, "5 columns (number, word, tag, -, annotator)"),
}


@dataclass(frozen=True)
class Sentence:
    """One tagged sentence: as many IOB2 tags as words.

    ``document`` and ``topic`` name its source (empty when unknown); ``ambiguous``
    marks sentences in which an entity's type shows only in the words around it.
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


def illegal(tags: Sequence[str], prefix: str = "I-") -> list[int]:
    """Positions of ``I-X``, or of another prefix, after neither ``B-X`` nor ``I-X``."""
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
    iob2 = any(illegal([tag for _, tag, _ in rows], "B-") for rows, _ in blocks)
    sentences = []
    for rows, marks in blocks:
        words, tags, numbers = map(list, zip(*rows, strict=True))
        for i in illegal(tags):  # in IOB1 these open an entity
            if iob2:
                wanted = f"B-{tags[i][2:]} at the start of an entity (IOB2 elsewhere)"
                raise _broken(path, numbers[i], wanted, f"{tags[i]} on {words[i]!r}")
            tags[i] = "B-" + tags[i][2:]
        sentences.append(Sentence(tuple(words), tuple(tags), **marks))
    return sentences


def _broken(path: Path, number: int, expected: str, found: str) -> ValueError:
    return ValueError(f"{path}, line {number}: expected {expected}, found {found}")


def _blocks(path: Path) -> Iterator[tuple[list[tuple[str, str, int]], dict[str, Any]]]:
    """Per sentence (word, tag, line number) of its tokens, and the marks in force."""
    first, documents, rows = "", 0, []
    marks = {"document": "", "topic": "", "ambiguous": False}
    # Bytes are split at line feeds only: words may hold U+0085 or U+2028.
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, raw in enumerate([*lines, b""], 1):  # the last ends a sentence
        refuse = partial(_broken, path, number)
        try:
            line = raw.decode().rstrip("\r")
        except UnicodeDecodeError as error:
            wanted = "UTF-8 text (convert the file, e.g. with iconv)"
            raise refuse(wanted, repr(raw[:40])) from error
        start = line.startswith("-DOCSTART-")
        if start or not line.strip(" \t"):
            if rows:
                yield rows, dict(marks)
                rows, marks["ambiguous"] = [], False
            if start:
                documents += 1
                marks |= {"document": f"{path.stem}-{documents}", "topic": ""}
            continue
        comment = None if rows or "\t" in line else COMMENT.fullmatch(line)
        key, value = (comment[1], (comment[2] or "").strip()) if comment else ("", "")
        if not comment:
            first = first or line  # decides on columns and separator
            rows.append((*_token(line, first, len(rows) + 1, refuse), number))
        elif key in ("doc", "newdoc id"):
            marks |= {"document": value, "topic": ""}
        elif key == "topic":
            marks["topic"] = value
        elif key == "ambiguous":
            marks["ambiguous"] = value.lower() in ("1", "true", "yes")


def _token(line: str, first: str, place: int, refuse: Callable) -> tuple[str, str]:
    """Word and tag of a line that is laid out as the first one."""
    by, name = ("\t", "a tab") if "\t" in first else (" ", "blanks")
    split = [[p for p in x.split(by) if p or by == "\t"] for x in (first, line)]
    width, parts = len(split[0]), split[1]
    if width not in LAYOUT:
        wanted = ", ".join(layout for _, _, layout in LAYOUT.values())
        raise refuse(wanted, f"{width}: {line!r}")
    *columns, layout = LAYOUT[width]
    if len(parts) != width:
        wanted = f"{layout} separated by {name}, as above in this file"
        raise refuse(wanted, f"{len(parts)}: {line!r}")
    word, tag = (parts[k].strip(" ") for k in columns)
    if not word:
        raise refuse("a word in the word column", repr(line))
    if width == 5 and parts[0] != str(place):
        raise refuse(f"token number {place} in the first column", repr(parts[0]))
    if not TAG.fullmatch(tag):
        raise refuse("a tag O, B-TYPE or I-TYPE", repr(tag))
    return word, tag
