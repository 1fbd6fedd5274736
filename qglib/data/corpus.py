"""A tagged corpus with its three splits, from the project, a folder or a hub."""

from __future__ import annotations

import hashlib
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qglib.data.conll import Sentence, entities, read_conll

EMBEDDED = Path(__file__).resolve().parents[2] / "data" / "embedded"
SPLITS = ("train", "dev", "test")
NAMES = {  # words in the names of files; CoNLL-2003 says testa for its dev part
    "train": {"train"},
    "dev": {"dev", "valid", "validation", "testa"},
    "test": {"test", "testb"},
}
SUFFIXES = (
    ".conll .txt .iob .iob2 .bio .tsv .annotated .train .testa .testb .dev .test"
).split()


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


def labels_of(types: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """IOB2 labels of entity types: ``O`` first, then B and I of each, sorted."""
    return ("O", *(f"{p}-{t}" for t in sorted(types) for p in "BI"))


def _corpus(name: str, splits: dict[str, list[Sentence]]) -> Corpus:
    types = sorted(
        {
            kind
            for part in splits.values()
            for s in part
            for kind, _, _ in entities(s.tags)
        }
    )
    if not types:
        raise ValueError(f"corpus {name!r}: no entity in any split, every tag is O")
    return Corpus(name, tuple(types), *(tuple(splits[s]) for s in SPLITS))


def load_corpus(name_or_folder: str | Path) -> Corpus:
    """A corpus by name or folder.

    Args:
        name_or_folder: "newswire", the corpus written for this project; a folder that
            holds one file each for train, dev (or valid, testa) and test (or testb)
            in CoNLL columns; any other name is a Hugging Face ``datasets`` name with
            columns ``tokens`` and ``ner_tags`` and is downloaded.

    Raises:
        FileNotFoundError: the embedded corpus or a split's file is missing.
        ValueError: a broken file, a wrong checksum, no entities.
        RuntimeError: a hub name that cannot be fetched.
    """
    name = str(name_or_folder)
    if name == "newswire":
        return _corpus(name, _embedded(name))
    folder = Path(name).expanduser()
    if folder.is_dir():
        files = {split: _split_file(folder, split) for split in SPLITS}
        return _corpus(folder.name, {s: read_conll(f) for s, f in files.items()})
    if (
        folder.exists()
        or name.startswith((".", "/", "~"))
        or isinstance(name_or_folder, Path)
    ):
        raise FileNotFoundError(
            f"name_or_folder: {name} is no folder; give a folder that holds the files "
            "train, dev and test, or 'newswire'"
        )
    return _corpus(name, _hub(name))


def _embedded(name: str) -> dict[str, list[Sentence]]:
    """The corpus of the project, its files compared with their checksums."""
    files = {split: EMBEDDED / name / f"{split}.conll" for split in SPLITS}
    missing = [str(f) for f in files.values() if not f.is_file()]
    if missing:
        raise FileNotFoundError(
            f"embedded corpus {name!r}: {missing[0]} is missing. It belongs to the "
            "project's repository: install from a checkout (pip install -e .) or give "
            "a folder of your own"
        )
    listed = EMBEDDED / "SHA256SUMS"
    lines = listed.read_text().splitlines() if listed.is_file() else []
    sums = {path: sha for sha, path in (line.split(maxsplit=1) for line in lines)}
    for file in files.values():
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        expected = sums.get(file.relative_to(EMBEDDED).as_posix(), found)
        if found != expected:
            raise ValueError(
                f"{file}: sha256 is {found}, data/embedded/SHA256SUMS says {expected}; "
                "restore the file (git checkout) or update the list"
            )
    return {split: read_conll(file) for split, file in files.items()}


def _split_file(folder: Path, split: str) -> Path:
    """The one file with a name of this split in its own name."""
    files = [
        f
        for f in sorted(folder.iterdir())
        if f.is_file() and f.suffix.lower() in (*SUFFIXES, "") and f.name[0] != "."
    ]
    found = [
        f for f in files if NAMES[split] & set(re.split("[^a-z]+", f.name.lower()))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f.name for f in found)
        raise ValueError(f"{folder}: several files for the {split} split: {names}")
    names = ", ".join(f.name for f in files) or "none"
    raise FileNotFoundError(
        f"{folder}: no file for the {split} split; expected a file in CoNLL columns "
        f"with {' or '.join(sorted(NAMES[split]))} in its name, found: {names}"
    )


def _hub(name: str) -> dict[str, list[Sentence]]:
    """A corpus of the Hugging Face hub with columns tokens and ner_tags."""
    keys = {"train": "train", "dev": "validation", "test": "test"}
    try:
        loaded = importlib.import_module("datasets").load_dataset(name)
        return {split: _hub_split(loaded[key]) for split, key in keys.items()}
    except Exception as error:  # no package, no network, no such name, other columns
        raise RuntimeError(
            f"corpus {name!r} is no folder, and as a hub name it fails with "
            f"{type(error).__name__}: {error}. A hub name needs pip install datasets, "
            "network (the profile quick is offline), splits train, validation, test "
            "and columns tokens, ner_tags; or give a folder with the files train, dev "
            "and test in CoNLL columns, or 'newswire', which needs no network"
        ) from error


def _hub_split(part: Any) -> list[Sentence]:
    names = part.features["ner_tags"].feature.names
    return [  # conll2003 on the hub keeps emptied -DOCSTART- rows
        Sentence(tuple(row["tokens"]), tuple(names[t] for t in row["ner_tags"]))
        for row in part
        if row["tokens"]
    ]


@dataclass(frozen=True)
class Document:
    """One document.

    Attributes:
        split: train, dev or test.
        name: name of the document.
        topic: its topic, empty where the corpus has none.
        sentences: words of each sentence, in reading order.
    """

    split: str
    name: str
    topic: str
    sentences: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> list[str]:
        """All words in reading order."""
        return [word for sentence in self.sentences for word in sentence]

    def is_content(self) -> np.ndarray:
        """Whether each word is neither punctuation, number nor function word.

        Function words are the English list of scikit-learn; booleans (n_words,).
        """
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return np.array(
            [w.isalpha() and w.lower() not in ENGLISH_STOP_WORDS for w in self.words],
            dtype=bool,
        )


def documents(corpus: Corpus) -> list[Document]:
    """Documents of a corpus, train first; sentences of one name belong together."""
    found: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
    for split in SPLITS:
        for sentence in getattr(corpus, split):
            key = (split, sentence.document, sentence.topic)
            found.setdefault(key, []).append(sentence.words)
    return [Document(*key, tuple(sentences)) for key, sentences in found.items()]
