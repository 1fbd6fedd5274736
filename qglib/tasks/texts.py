"""Texts as examples: topics, sentiment, intents, and names in sentences."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from qglib.data import load_corpus
from qglib.data.corpus import EMBEDDED
from qglib.data.examples import SPLITS, Examples, divided
from qglib.models import N_SHAPES, build_tagger, encoder_path, frozen_features
from qglib.models.encoder import load_encoder
from qglib.models.tokenizer import load_tokenizer
from qglib.tasks.pooling import mean_hidden

MESSAGES = EMBEDDED / "messages"


def sentiment(seed: int) -> Examples:
    """72 authored sentences on products and firms: positive, negative, neutral."""
    return _messages("sentiment.tsv", seed)


def intents(seed: int) -> Examples:
    """84 authored messages to a help desk, six intents."""
    return _messages("intents.tsv", seed)


def _messages(name: str, seed: int) -> Examples:
    texts, labels = read_labelled(MESSAGES / name, "\t")
    return Examples(texts, labels, divided(labels, seed))


def banking_intents(seed: int, folder: str | Path) -> Examples:
    """Real questions to a bank, 77 intents; the test part is the published one.

    Args:
        seed: divides the published training part into train and dev.
        folder: holds train.csv and test.csv (Casanueva et al. 2020, CC BY 4.0, not
            shipped here).
    """
    texts, labels = read_labelled(Path(folder) / "train.csv")
    more, theirs = read_labelled(Path(folder) / "test.csv")
    split = divided(labels, seed)
    split[split == "test"] = "train"
    parts = np.concatenate([split, np.full(len(more), "test")])
    return Examples([*texts, *more], [*labels, *theirs], parts)


def topics(seed: int) -> Examples:
    """1086 sentences of news, five topics; documents stay together.

    The split is the corpus's own and the seed changes nothing.
    """
    corpus = load_corpus("newswire")
    rows = [(s, part) for part in SPLITS for s in getattr(corpus, part)]
    texts = [" ".join(s.words) for s, _ in rows]
    return Examples(texts, [s.topic for s, _ in rows], np.array([p for _, p in rows]))


def names(seed: int, folder: str | Path = "newswire") -> Examples:
    """Sentences with tagged names; the split is the corpus's own.

    Args:
        seed: changes nothing.
        folder: see `qglib.data.load_corpus`.
    """
    corpus = load_corpus(str(folder))
    rows = [(s, part) for part in SPLITS for s in getattr(corpus, part)]
    split = np.array([part for _, part in rows])
    return Examples([s.words for s, _ in rows], [s.tags for s, _ in rows], split)


def read_labelled(
    path: str | Path, delimiter: str = ","
) -> tuple[list[str], list[str]]:
    """Texts and labels from a file with a header and the columns text and label.

    The column of labels may also be called category.

    Raises:
        FileNotFoundError: no such file.
        ValueError: other columns, or a row without text or label (file, row).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"folder: {path.parent.name} holds no {path.name}; give the folder with "
            "the data"
        )
    texts, labels = [], []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter=delimiter)
        label = "category" if "category" in (rows.fieldnames or ()) else "label"
        if not {"text", label} <= set(rows.fieldnames or ()):
            raise ValueError(
                f"{path.name}: the header is {rows.fieldnames}; expected the columns "
                "text and label"
            )
        for number, row in enumerate(rows, 1):
            text, name = (row["text"] or "").strip(), (row[label] or "").strip()
            if not text or not name:
                raise ValueError(
                    f"{path.name}, row {number}: expected a text and a label, got {row}"
                )
            texts.append(text)
            labels.append(name)
    return texts, labels


@lru_cache(maxsize=4)
def _encoder(encoder: str) -> tuple:
    path = encoder_path(encoder)
    model = load_encoder(path).eval()
    return model, load_tokenizer(path, model.config)


def text_features(texts: Sequence[str], encoder: str = "") -> np.ndarray:
    """Mean of the encoder's last layer over all sub-words, (n, width) float32.

    Computed once per text; long texts are read in windows, nothing is cut.
    """
    if isinstance(texts, str):
        raise ValueError("inputs is one string: give a list of texts")
    return _text_features(tuple(texts), encoder)


@lru_cache(maxsize=8)
def _text_features(texts: tuple[str, ...], encoder: str) -> np.ndarray:
    model, tokenizer = _encoder(encoder)
    return mean_hidden(model, tokenizer, texts)


def word_features(sentences: Sequence[Sequence[str]], encoder: str = "") -> np.ndarray:
    """What the token tagger's head reads, (n_words, F) float32, before scaling.

    Hidden layers 3 and 6 of the first sub-word and the one-hot word shape.
    """
    return _word_features(tuple(tuple(s) for s in sentences), encoder)


@lru_cache(maxsize=8)
def _word_features(sentences: tuple[tuple[str, ...], ...], encoder: str) -> np.ndarray:
    model, tokenizer = build_tagger(encoder, head="linear")
    found = frozen_features(model, tokenizer, sentences, dtype=np.float32)
    return np.hstack([found.hidden, np.eye(N_SHAPES, dtype=np.float32)[found.shapes]])
