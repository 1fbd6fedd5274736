"""A tagged corpus with its three splits, from the project, a folder or a hub."""

import hashlib
import importlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qglib.data.conll import PLAIN, Sentence, entities, read_conll
from qglib.data.examples import SPLITS

EMBEDDED = Path(__file__).resolve().parents[2] / "data" / "embedded"
NAMES = {  # words in the names of files; CoNLL-2003 says testa for its dev part
    "train": {"train"},
    "dev": {"dev", "devel", "development", "valid", "validation", "val", "testa"},
    "test": {"test", "testb"},
}
GIVE = "a folder with CoNLL files train, dev and test, or 'newswire'"
SUFFIXES = ["", *PLAIN, *".bioes .bilou .annotated".split()]
SUFFIXES += ".train .testa .testb .dev .test".split()


@dataclass(frozen=True)
class Corpus:
    """Tagged sentences in three splits; ``types`` are the sorted entity types."""

    name: str
    types: tuple[str, ...]
    train: tuple[Sentence, ...]
    dev: tuple[Sentence, ...]
    test: tuple[Sentence, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """``("O", "B-LOC", "I-LOC", …)``, types in sorted order."""
        return labels_of(self.types)


def labels_of(types: Sequence[str]) -> tuple[str, ...]:
    """IOB2 labels of entity types: ``O`` first, then B and I of each, sorted."""
    return ("O", *(f"{p}-{t}" for t in sorted(types) for p in "BI"))


def load_corpus(name_or_folder: str | Path, scheme: str = "auto") -> Corpus:
    """A corpus by name or folder.

    Args:
        name_or_folder: "newswire", the corpus written for this project; a folder that
            holds one file each for train, dev (or valid, testa) and test (or testb)
            in CoNLL columns; any other name is a Hugging Face ``datasets`` name with
            columns ``tokens`` and ``ner_tags`` and is downloaded.
        scheme: of the tags in a folder, see `read_conll`.

    Raises:
        FileNotFoundError: the embedded corpus or a split's file is missing.
        ValueError: a broken file, no entities, equal splits, a document in two.
        RuntimeError: a hub name that cannot be fetched.
    """
    name = str(name_or_folder)
    folder = Path(name).expanduser()
    if name == "newswire":
        parts = [read_conll(checked(EMBEDDED / name / f"{s}.conll")) for s in SPLITS]
    elif folder.is_dir():
        name = folder.name
        parts = [read_conll(_split_file(folder, split), scheme) for split in SPLITS]
    elif folder.exists() or isinstance(name_or_folder, Path) or name[:1] in "./~":
        raise FileNotFoundError(f"name_or_folder: {name} is no folder; give {GIVE}")
    else:
        parts = _hub(name)
    if len({frozenset((s.words, s.tags) for s in part) for part in parts}) < 3:
        raise ValueError(f"{name}: two splits are equal, give each its own")
    times = Counter(d for part in parts for d in {s.document for s in part} if d)
    twice = [d for d, count in times.items() if count > 1]
    if twice:
        raise ValueError(
            f"{name}: the document {twice[0]!r} (and {len(twice) - 1} more) is in two "
            "splits: keep it in one, or rename one"
        )
    types = {kind for part in parts for s in part for kind, _, _ in entities(s.tags)}
    if not types:
        raise ValueError(f"corpus {name!r}: no entity in any split, every tag is O")
    return Corpus(name, tuple(sorted(types)), *map(tuple, parts))


def checked(file: Path) -> Path:
    """A file of the project, compared with its checksum."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: install from a checkout")
    listed = EMBEDDED / "SHA256SUMS"
    text = listed.read_text() if listed.is_file() else ""
    sums = dict(line.split(maxsplit=1)[::-1] for line in text.splitlines())
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sums.get(file.relative_to(EMBEDDED).as_posix(), found):
        raise ValueError(f"{file}: sha256 is {found}, not as listed: restore the file")
    return file


def _split_file(folder: Path, split: str) -> Path:
    """The one file with a name of this split in its own name."""
    files = [f for f in sorted(folder.glob("[!.]*")) if f.suffix.lower() in SUFFIXES]
    files = [f for f in files if f.is_file()]
    found = [f for f in files if NAMES[split] & {*re.split("[^a-z]+", f.name.lower())}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f.name for f in found or files) or "none"
    if found:
        raise ValueError(f"{folder}: several files for the {split} split: {names}")
    wanted = " or ".join(sorted(NAMES[split]))
    raise FileNotFoundError(
        f"{folder}: no file for the {split} split, {wanted} in its name; found: {names}"
    )


def _hub(name: str) -> list[list[Sentence]]:
    """A corpus of the Hugging Face hub with columns tokens and ner_tags."""
    try:
        loaded, parts = importlib.import_module("datasets").load_dataset(name), []
        for part in (loaded[key] for key in ("train", "validation", "test")):
            tag_of = part.features["ner_tags"].feature.names
            rows = ((row["tokens"], row["ner_tags"]) for row in part)
            parts.append(  # conll2003 on the hub keeps emptied -DOCSTART- rows
                [Sentence(tuple(w), tuple(tag_of[k] for k in t)) for w, t in rows if w]
            )
        return parts
    except Exception as error:  # no package, no network, no such name, other columns
        raise RuntimeError(
            f"corpus {name!r} is no folder, and as a hub name it fails with "
            f"{type(error).__name__}: {error}. A hub name needs pip install datasets, "
            "network (the profile quick is offline), splits train, validation, test "
            f"and columns tokens, ner_tags; or give {GIVE}"
        ) from error


@dataclass(frozen=True)
class Document:
    """A document: the words of its sentences; name and topic are empty if unknown."""

    split: str
    name: str
    topic: str
    sentences: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> list[str]:
        """All words in reading order."""
        return [word for sentence in self.sentences for word in sentence]

    def is_content(self) -> np.ndarray:
        """Whether each word is no punctuation, number or function word, (n_words,).

        Function words are the English list of scikit-learn.
        """
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS as common

        keep = [w.isalpha() and w.lower() not in common for w in self.words]
        return np.array(keep, dtype=bool)


def documents(corpus: Corpus) -> list[Document]:
    """Documents of a corpus, train first; sentences of one name belong together."""
    found: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
    for split in SPLITS:
        for sentence in getattr(corpus, split):
            key = (split, sentence.document, sentence.topic)
            found.setdefault(key, []).append(sentence.words)
    return [Document(*key, tuple(sentences)) for key, sentences in found.items()]
