"""Sentences with named-entity tags, read from and written to CoNLL columns.

Tags leave this module in IOB2, see `qglib.data.iob`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qglib.data.iob import illegal, needless, to_iob2

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


class _Reader:
    """State of one pass over a file: columns, document and topic in force."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.separator = ""
        self.width = 0
        self.marks = {"doc": "", "topic": "", "ambiguous": ""}
        self.document_number = 0
        self.rows: list[tuple[str, str, int]] = []
        self.blocks: list[tuple[list[tuple[str, str, int]], dict[str, str]]] = []

    def broken(self, number: int, expected: str, found: str) -> ValueError:
        return ValueError(
            f"{self.path}, line {number}: expected {expected}, found {found}"
        )

    def split(self, number: int, line: str) -> list[str]:
        if not self.width:
            self.separator = "\t" if "\t" in line else " "
            parts = self._parts(line)
            if len(parts) not in COLUMNS:
                wanted = ", ".join(LAYOUT.values())
                raise self.broken(number, wanted, f"{len(parts)}: {line!r}")
            self.width = len(parts)
        parts = self._parts(line)
        if len(parts) != self.width:
            by = "a tab" if self.separator == "\t" else "blanks"
            wanted = f"{LAYOUT[self.width]} separated by {by}, as above in this file"
            raise self.broken(number, wanted, f"{len(parts)}: {line!r}")
        return parts

    def _parts(self, line: str) -> list[str]:
        if self.separator == "\t":
            return line.split("\t")
        return [part for part in line.split(" ") if part]

    def comment(self, line: str) -> bool:
        match = COMMENT.fullmatch(line)
        if match is None or self.rows:
            return False
        key, value = match[1], (match[2] or "").strip()
        if key in ("doc", "newdoc id"):
            self.marks.update(doc=value, topic="")
        elif key in self.marks:
            self.marks[key] = value
        return True

    def token(self, number: int, line: str) -> None:
        parts = self.split(number, line)
        word, tag = (parts[k].strip(" ") for k in COLUMNS[self.width])
        if not word:
            raise self.broken(number, "a word in the word column", repr(line))
        if self.width == 5 and parts[0] != str(len(self.rows) + 1):
            wanted = f"token number {len(self.rows) + 1} in the first column"
            raise self.broken(number, wanted, repr(parts[0]))
        if not TAG.fullmatch(tag):
            raise self.broken(number, "a tag O, B-TYPE or I-TYPE", repr(tag))
        self.rows.append((word, tag, number))

    def close(self) -> None:
        if self.rows:
            self.blocks.append((self.rows, dict(self.marks)))
            self.rows = []
            self.marks["ambiguous"] = ""

    def docstart(self) -> None:
        self.close()
        self.document_number += 1
        self.marks.update(doc=f"{self.path.stem}-{self.document_number}", topic="")

    def read(self) -> None:
        for number, line in _lines(self.path):
            if not line.strip(" \t"):
                self.close()
            elif line.startswith("-DOCSTART-"):
                self.docstart()
            elif "\t" in line or not self.comment(line):
                self.token(number, line)
        self.close()


def read_conll(path: str | Path, scheme: str = "auto") -> list[Sentence]:
    """Tagged sentences of a file in CoNLL columns, tags in IOB2.

    Layouts: 2 columns (WNUT; word, tag), 4 (CoNLL-2003; the tag last) and 5
    (Universal NER; number, word, tag, ``-``, annotator), separated by tabs or
    blanks; the first token line decides for the file. A sentence ends at an
    empty line or one of blanks and tabs. ``-DOCSTART-`` starts a document.
    Before a sentence, ``# doc = …``, ``# newdoc id = …``, ``# topic = …`` (both
    hold until they change), ``# ambiguous = 1`` (for one sentence), ``# sent_id``
    and ``# text`` are comments; every other line is a token, hashtags included.

    Parameters
    ----------
    path : file, UTF-8.
    scheme : ``"auto"`` accepts IOB2 and IOB1 and refuses a mixture; ``"iob1"``
        turns every ``I-X`` that continues nothing into ``B-X``; ``"iob2"``
        refuses it.

    Raises
    ------
    ValueError
        a broken line (file, line number, what was expected), a file without
        sentences, or an unknown scheme.
    """
    if scheme not in ("auto", "iob1", "iob2"):
        raise ValueError(f"scheme must be 'auto', 'iob1' or 'iob2', got {scheme!r}")
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"path: no such file: {path}")
    reader = _Reader(path)
    reader.read()
    if not reader.blocks:
        raise ValueError(f"{path}: holds no tagged sentence")
    repairs = [
        rows[i] for rows, _ in reader.blocks for i in illegal([r[1] for r in rows])
    ]
    iob2_only = scheme == "iob2" or (
        scheme == "auto"
        and any(needless([r[1] for r in rows]) for rows, _ in reader.blocks)
    )
    if repairs and iob2_only:
        word, tag, number = repairs[0]
        raise reader.broken(
            number,
            f"B-{tag[2:]} at the start of an entity (other lines of the file are "
            "IOB2; scheme='iob1' reads it as a start)",
            f"{tag} on {word!r}",
        )
    return [
        Sentence(
            words=tuple(r[0] for r in rows),
            tags=to_iob2([r[1] for r in rows]),
            document=marks["doc"],
            topic=marks["topic"],
            ambiguous=marks["ambiguous"].lower() in ("1", "true", "yes"),
        )
        for rows, marks in reader.blocks
    ]


def write_conll(path: str | Path, sentences: Iterable[Sentence]) -> None:
    """Write sentences in two tab-separated columns with their comment lines.

    Reading the file gives the same sentences back.

    Raises
    ------
    ValueError
        a word that is empty or holds a tab, a line break or outer blanks.
    """
    lines: list[str] = []
    document, topic = "", ""
    for number, sentence in enumerate(sentences):
        if sentence.document != document:
            lines.append(f"# doc = {sentence.document}")
            document, topic = sentence.document, ""
        if sentence.topic != topic:
            lines.append(f"# topic = {sentence.topic}")
            topic = sentence.topic
        if sentence.ambiguous:
            lines.append("# ambiguous = 1")
        for word, tag in zip(sentence.words, sentence.tags, strict=True):
            if not word or word != word.strip(" \r") or set("\t\n") & set(word):
                raise ValueError(f"sentence {number}: cannot write the word {word!r}")
            lines.append(f"{word}\t{tag}")
        lines.append("")
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
