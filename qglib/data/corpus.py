"""A tagged corpus with its three splits, from the project, a folder or a hub."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qglib.data.conll import Sentence, read_conll
from qglib.data.iob import entities

EMBEDDED = Path(__file__).resolve().parents[2] / "data" / "embedded"
SPLITS = ("train", "dev", "test")
# What a split's file may be called; CoNLL-2003 says testa for its dev part.
NAMES = {
    "train": ("train",),
    "dev": ("dev", "valid", "testa"),
    "test": ("testb", "test"),
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


def split_table(splits: Mapping[str, Sequence[Sentence]]) -> pd.DataFrame:
    """Sizes of named splits: sentences, words, entities, ambiguity, share of O."""
    rows = {}
    for name, part in splits.items():
        tags = [t for s in part for t in s.tags]
        rows[name] = {
            "sentences": len(part),
            "words": len(tags),
            "entities": sum(t.startswith("B-") for t in tags),
            "ambiguous sentences": sum(s.ambiguous for s in part),
            "share of words tagged O": round(tags.count("O") / max(1, len(tags)), 3),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


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
        RuntimeError: a hub name without the ``datasets`` package or in offline mode.
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
    folder = EMBEDDED / name
    files = {split: folder / f"{split}.conll" for split in SPLITS}
    missing = [str(f) for f in files.values() if not f.is_file()]
    if missing:
        raise FileNotFoundError(
            f"embedded corpus {name!r}: {missing[0]} is missing. It belongs to the "
            "project's repository: install from a checkout (pip install -e .) or give "
            "a folder of your own"
        )
    sums = _checksums()
    for file in files.values():
        expected = sums.get(file.relative_to(EMBEDDED).as_posix())
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if expected is not None and found != expected:
            raise ValueError(
                f"{file}: sha256 is {found}, data/embedded/SHA256SUMS says {expected}; "
                "restore the file (git checkout) or update the list"
            )
    return {split: read_conll(file) for split, file in files.items()}


def _checksums() -> dict[str, str]:
    listed = EMBEDDED / "SHA256SUMS"
    if not listed.is_file():
        return {}
    rows = (line.split(maxsplit=1) for line in listed.read_text().splitlines() if line)
    return {path.strip().lstrip("*").removeprefix("./"): sha for sha, path in rows}


def _split_file(folder: Path, split: str) -> Path:
    files = [
        f
        for f in sorted(folder.iterdir())
        if f.is_file()
        and (f.suffix in SUFFIXES or not f.suffix)
        and f.name[0] != "."
        # a licence or a list of checksums is no split
        and f.name.lower().split(".")[0] not in ("readme", "license", "sha256sums")
    ]
    for word in NAMES[split]:
        found = [f for f in files if word in f.name.lower()]
        if split == "test":
            found = [f for f in found if "testa" not in f.name.lower()]
        if len(found) > 1:  # an exact name wins over one that only contains the word
            found = [f for f in found if f.name.lower().split(".")[0] == word] or found
        if len(found) > 1:
            names = ", ".join(f.name for f in found)
            raise ValueError(f"{folder}: several files for the {split} split: {names}")
        if found:
            return found[0]
    names = ", ".join(f.name for f in files) or "none"
    raise FileNotFoundError(
        f"{folder}: no file for the {split} split; expected a file in CoNLL columns "
        f"with {' or '.join(NAMES[split])} in its name, found: {names}"
    )


def _hub(name: str) -> dict[str, list[Sentence]]:
    remedy = (
        "give a folder with the files train, dev and test in CoNLL columns, or "
        "'newswire', which needs no network"
    )
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise RuntimeError(
            f"corpus {name!r} is no folder seen from {Path.cwd()} and would be "
            "downloaded, but HF_HUB_OFFLINE is set (the runner sets it for the "
            f"profile quick, not for full): unset it, or {remedy}"
        )
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as error:
        raise RuntimeError(
            f"corpus {name!r} is no folder, and to fetch it by name the package "
            f"'datasets' is needed: pip install datasets, or {remedy}"
        ) from error
    try:
        loaded = datasets.load_dataset(name)
    except Exception as error:
        raise RuntimeError(
            f"corpus {name!r}: datasets.load_dataset failed with "
            f"{type(error).__name__}: {error}; check name and network, or {remedy}"
        ) from error
    keys = {"train": "train", "dev": "validation", "test": "test"}
    missing = [k for k in keys.values() if k not in loaded]
    if missing:
        raise ValueError(f"corpus {name!r}: no split {missing[0]!r} in {list(loaded)}")
    return {split: _hub_split(name, loaded[key]) for split, key in keys.items()}


def _hub_split(name: str, part: Any) -> list[Sentence]:
    columns = list(part.features)
    if not {"tokens", "ner_tags"} <= set(columns):
        raise ValueError(
            f"corpus {name!r}: expected columns tokens and ner_tags, found {columns}"
        )
    feature = part.features["ner_tags"]
    names = getattr(getattr(feature, "feature", feature), "names", None)
    sentences = []
    for row in part:
        if not row["tokens"]:
            continue  # conll2003 on the hub keeps emptied -DOCSTART- rows
        tags = [names[t] if names else str(t) for t in row["ner_tags"]]
        sentences.append(Sentence(tuple(row["tokens"]), tuple(tags)))
    return sentences
