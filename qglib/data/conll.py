"""Sentences with named-entity tags, read from CoNLL columns.

Tags leave this module in IOB2: ``B-X`` opens every entity, ``I-X`` continues it. In
IOB1 ``I-X`` also opens one, and ``B-X`` stands only where two entities of one type
touch (Ratnaparkhi 1998; Tjong Kim Sang and Veenstra 1999). BIOES ends an entity in
``E-X`` and makes a single word ``S-X``; BILOU calls them ``L-X`` and ``U-X``.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

SCHEMES = ("auto", "iob1", "iob2", "bioes")
OPENED = str.maketrans("SUEL", "BBII")  # first letters of BIOES and BILOU in IOB2
TAG = re.compile(r"O|[BIESLU]-\S+")
COMMENT = re.compile(r"# (?:(new(?:doc|par))|([^\t=]*[^\t= ]) =(?: (.*))?)")
IN_MISC = re.compile(r"(?:.*\|)?(?:ner|NER|Entity)=([^|]+)(?:\|.*)?")
MARK = "-DOCSTART-"
# number of columns -> word, tag, and what the columns hold
LAYOUT = {
    2: (0, 1, "2 columns (word, tag)"),
    3: (0, 2, "3 columns (word, part of speech, tag)"),
    4: (0, 3, "4 columns (word, part of speech, chunk, tag)"),
    5: (1, 2, "5 columns (number, word, tag, -, annotator)"),
    10: (1, 9, "10 columns of CoNLL-U, ner=TAG in the last"),
}
GERMAN = (0, 4, "5 columns (word, lemma, part of speech, chunk, tag)")
PLAIN = (".conll", ".conllu", ".txt", ".iob", ".iob2", ".bio", ".tsv")


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
            counts = f"{len(self.words)} words and {len(self.tags)} tags"
            raise ValueError(f"one tag per word, got {counts}: {self.words}")

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


def read_conll(path: str | Path, scheme: str = "auto") -> list[Sentence]:
    """Tagged sentences of a file in CoNLL columns, tags in IOB2.

    Layouts, of which the first token line decides for the file, separated by tabs or
    blanks: 2 columns (WNUT; word, tag), 3 (CoNLL-2002 and 2000) and 4 (CoNLL-2003),
    the tag last; 5, with the tag last (German CoNLL-2003) or, where the first is a
    number, third (Universal NER); 10 (CoNLL-U, ``ner=TAG`` in the last). A line
    ``# global.columns = …`` names them instead: FORM and one with NER in its name.

    A sentence ends at a line without a character but blanks and tabs. A line that
    starts with the word ``-DOCSTART-``, and ``# newdoc``, start a document. Before a
    sentence ``# key = value`` is a comment, of which ``doc``, ``newdoc id`` and
    ``topic`` (hold until they change) and ``ambiguous`` (1 for one sentence) are read;
    every other line is a token, hashtags included.

    Args:
        path: file, UTF-8.
        scheme: "auto" finds IOB1, IOB2 and BIOES (or BILOU); "iob1", "iob2", "bioes"
            insist, and "iob1" lets ``I-X`` open an entity wherever it stands. What
            breaks the scheme is refused; a warning tells of BIOES or BILOU.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a broken line (file, line number, what was expected).
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme is {scheme!r}: choose one of {', '.join(SCHEMES)}")
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"path: no such file: {path}")
    blocks = list(_blocks(path))
    if not blocks:
        raise ValueError(f"{path}: holds no tagged sentence")
    ends = any(tag[0] in "ESLU" for rows, _ in blocks for _, tag, _ in rows)
    opens = any(illegal([tag for _, tag, _ in rows], "B-") for rows, _ in blocks)
    if scheme == "auto":
        scheme = "bioes" if ends else "iob2" if opens else "iob1"
    elif ends and scheme != "bioes":
        raise ValueError(f"{path}: scheme is {scheme}, tags are in BIOES or BILOU")
    if ends:
        warnings.warn(f"{path}: tags in BIOES or BILOU, read as IOB2", stacklevel=2)
    sentences = []
    for rows, marks in blocks:
        words, tags, numbers = map(list, zip(*rows, strict=True))
        if scheme == "bioes":
            for i in _broken_off(tags):
                wanted = "B-X or I-X, then I-X or E-X, and only so (BIOES)"
                raise _broken(path, numbers[i], wanted, " then ".join(tags[i : i + 2]))
            tags = [tag[:1].translate(OPENED) + tag[1:] for tag in tags]
        for i in illegal(tags):  # in IOB1 these open an entity
            if scheme != "iob1":
                wanted = f"B-{tags[i][2:]} at the start of an entity (IOB2 elsewhere)"
                raise _broken(path, numbers[i], wanted, f"{tags[i]} on {words[i]!r}")
            tags[i] = "B-" + tags[i][2:]
        sentences.append(Sentence(tuple(words), tuple(tags), **marks))
    return sentences


def _broken_off(tags: Sequence[str]) -> list[int]:
    """Positions in BIOES before which or after which an entity has no other half."""
    pairs = enumerate(zip(["O", *tags], [*tags, "O"], strict=True))
    halves = (
        (i, a[0] in "BI" and a[2:], b[0] in "IEL" and b[2:]) for i, (a, b) in pairs
    )
    return [max(0, i - 1) for i, opened, goes_on in halves if opened != goes_on]


def _broken(path: Path, number: int, expected: str, found: str) -> ValueError:
    return ValueError(f"{path}, line {number}: expected {expected}, found {found}")


def _blocks(path: Path) -> Iterator[tuple[list[tuple[str, str, int]], dict[str, Any]]]:
    """Per sentence (word, tag, line number) of its tokens, and the marks in force."""
    layout, columns, documents, rows = None, list[str](), 0, list[tuple[str, str, int]]()
    # eng.train and eng.testa differ in what looks like a suffix
    stem = path.stem if path.suffix.lower() in PLAIN else path.name
    marks = {"document": "", "topic": "", "ambiguous": False}
    # Bytes are split at line feeds only: words may hold U+0085 or U+2028.
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, raw in enumerate([*lines, b""], 1):  # the last ends a sentence
        refuse = partial(_broken, path, number)
        try:
            line = raw.decode().rstrip("\r \t")
        except UnicodeDecodeError as error:
            wanted = "UTF-8 text (convert the file, e.g. with iconv)"
            raise refuse(wanted, repr(raw[:40])) from error
        comment = None if rows or "\t" in line else COMMENT.fullmatch(line)
        start = re.split("[ \t]", line)[0] == MARK or bool(comment and comment[1])
        if start or not line:
            if rows:
                yield rows, dict(marks)
                rows, marks["ambiguous"] = [], False
            if start and line != "# newpar":
                documents += 1
                marks |= {"document": f"{stem}-{documents}", "topic": ""}
        elif comment:
            key, value = comment[2], (comment[3] or "").strip()
            if key in ("doc", "newdoc id"):
                marks |= {"document": value, "topic": ""}
            elif key == "topic":
                marks["topic"] = value
            elif key == "ambiguous":
                marks["ambiguous"] = value.lower() in ("1", "true", "yes")
            elif key == "global.columns":
                columns = value.split()
        else:
            layout = layout or _layout(line, columns, refuse)
            token = _token(line, layout, len(rows) + 1, refuse)
            if token:
                rows.append((*token, number))


def _layout(first: str, columns: list[str], refuse: Callable) -> tuple:
    """Separator, width, places of word and tag, and a name, by the first token line."""
    by = "\t" if "\t" in first else " "
    parts = [p for p in first.split(by) if p or by == "\t"]
    if columns:
        tags = [k for k, name in enumerate(columns) if "NER" in name.upper()]
        if "FORM" not in columns or len(tags) != 1:
            wanted = "FORM and one name with NER in # global.columns"
            raise refuse(wanted, " ".join(columns))
        name = f"{len(columns)} columns ({', '.join(columns)})"
        return by, len(columns), columns.index("FORM"), tags[0], name
    if len(parts) == 5 and not (parts[0] == "1" and TAG.fullmatch(parts[2])):
        return by, 5, *GERMAN
    if len(parts) not in LAYOUT:
        wanted = ", ".join(layout for _, _, layout in LAYOUT.values())
        raise refuse(wanted, f"{len(parts)}: {first!r}")
    return by, len(parts), *LAYOUT[len(parts)]


def _token(
    line: str, layout: tuple, place: int, refuse: Callable
) -> tuple[str, str] | None:
    """Word and tag of a line; None for what CoNLL-U adds between the tokens."""
    by, width, at, tagged, layout = layout
    parts = [p for p in line.split(by) if p or by == "\t"]
    if len(parts) != width:
        name = "a tab" if by == "\t" else "blanks"
        wanted = f"{layout} separated by {name}, as above in this file"
        raise refuse(wanted, f"{len(parts)}: {line!r}")
    if width == 10 and re.fullmatch(r"\d+[-.]\d+", parts[0]):
        return None
    word, tag = parts[at].strip(" "), parts[tagged].strip(" ")
    if not word:
        raise refuse("a word in the word column", repr(line))
    if layout in (LAYOUT[5][2], LAYOUT[10][2]) and parts[0] != str(place):
        raise refuse(f"token number {place} in the first column", repr(parts[0]))
    if layout == LAYOUT[10][2]:
        found = IN_MISC.fullmatch(tag)
        tag = found[1] if found else "O"
    if not TAG.fullmatch(tag):
        raise refuse("a tag O, B-TYPE or I-TYPE (or of BIOES, BILOU)", repr(tag))
    return word, tag
