"""Labelled examples by name or from the reader's own files, and known time series."""

import importlib
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from qglib.data.corpus import EMBEDDED, Corpus, load_corpus
from qglib.data.examples import SPLITS, Examples, check_examples, divided
from qglib.data.files import class_folder, labelled_csv
from qglib.data.kinds import KINDS
from qglib.data.simulated import gliding_tones, machine_vibration

MESSAGES = EMBEDDED / "messages"
# column of the set of statsmodels (none: one column per month)
_SERIES = dict(sunspots="SUNACTIVITY", co2="co2", elnino="", unemployment="unemp")


def load(
    name_or_path: str | Path, seed: int = 0, kind: str = "", label: str = ""
) -> Examples:
    """Labelled examples by name, or from a file or folder.

    Names need no network: language, topic, sentiment, customer_service (text), vision
    (image), audio (sound), manufacturing (series), product_origin, medicine (table), or
    the name of the set (newswire, digits, wine, breast_cancer, ...). Paths:

    - a ``.csv`` or ``.tsv`` file with a header: a text where the columns are label
      (or category) and text, else a table. Columns called group (document, speaker,
      patient) and split (train, dev, test) are used as such. With kind="series" a row
      is one series, its columns are the steps;
    - a folder with train.csv and test.csv (dev is cut from train if it is absent);
    - a folder of CoNLL files train, dev and test: sentences with tagged words;
    - a folder with one sub-folder per class that holds .txt, .png or .wav files; or
      of .wav files named label_speaker_index.wav.

    Args:
        name_or_path: see above; what exists as a file or folder counts as a path.
        seed: of the random split 60 : 20 : 20, every class spread evenly and groups
            kept together. Splits that the data brings along stay.
        kind: "text", "table" or "series" where a csv file leaves it open.
        label: the column of labels; "label", "category" or the last column if left out.

    Raises:
        ValueError: an unknown name or kind, or data that nothing can be learnt from;
            the message names file, column, value and remedy.
        FileNotFoundError: a path that does not exist, or a folder without data.
    """
    if kind and kind not in KINDS:
        raise ValueError(f"kind is {kind!r}: choose one of {', '.join(KINDS)}")
    path, name = Path(name_or_path).expanduser(), str(name_or_path)
    if path.is_file() or (path / "train.csv").is_file():
        examples = labelled_csv(path, seed, kind, label)
    elif path.is_dir():
        words = any(f.is_file() and "train" in f.name.lower() for f in path.iterdir())
        examples = _sentences(load_corpus(path)) if words else class_folder(path, seed)
    elif isinstance(name_or_path, Path) or "/" in name or path.suffix:
        raise FileNotFoundError(
            f"name_or_path: {name} does not exist (seen from {Path.cwd().name}); give "
            f"a file, a folder, or one of {', '.join(NAMED)}"
        )
    else:
        task = OTHER_NAMES.get(name, name)
        if task not in NAMED:
            near = get_close_matches(name, [*NAMED, *OTHER_NAMES], 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            known = f"{hint}known names are {', '.join(NAMED)}"
            raise ValueError(f"name_or_path is {name!r}: {known}; or give a path")
        examples = NAMED[task](seed)
    check_examples(examples)
    return examples


def _sentences(corpus: Corpus, topics: bool = False) -> Examples:
    """Sentences with tags or topics, grouped by document where all are known."""
    rows = [(s, part) for part in SPLITS for s in getattr(corpus, part)]
    names = [f"{part}: {s.document}" if s.document else "" for s, part in rows]
    return Examples(
        [" ".join(s.words) if topics else s.words for s, _ in rows],
        [s.topic if topics else s.tags for s, _ in rows],
        np.array([part for _, part in rows]),
        kind="text",
        groups=names if all(names) else None,
    )


def _scikit(name: str, names: Sequence[str], seed: int) -> Examples:
    """A set of scikit-learn with the names of its classes."""
    found = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")()
    labels = [names[k] for k in found.target]
    split = divided(labels, seed)
    if name == "digits":
        return Examples(found.images / 16, labels, split, kind="image")
    columns = tuple(map(str, found.feature_names))
    return Examples(found.data, labels, split, columns=columns)


# Name of a task to its loader, a function of the seed; licences in data/README.md.
NAMED: dict[str, Callable[[int], Examples]] = {
    "language": lambda seed: _sentences(load_corpus("newswire")),
    "topic": lambda seed: _sentences(load_corpus("newswire"), topics=True),
    # 72 sentences on products and firms, 84 messages to a help desk
    "sentiment": partial(labelled_csv, MESSAGES / "sentiment.tsv", kind="text"),
    "customer_service": partial(labelled_csv, MESSAGES / "intents.tsv", kind="text"),
    "vision": partial(_scikit, "digits", "0123456789"),  # 1797 of 8 x 8 pixels (UCI)
    "audio": gliding_tones,
    "manufacturing": machine_vibration,
    # 178 chemical analyses of wines, 569 biopsies with 30 measurements each (UCI)
    "product_origin": partial(_scikit, "wine", ("maker 1", "maker 2", "maker 3")),
    "medicine": partial(_scikit, "breast_cancer", ("malignant", "benign")),
}
_OTHERS = """newswire language, names language, topics topic, intents customer_service,
digits vision, gliding_tones audio, vibration manufacturing, wine product_origin,
breast_cancer medicine"""
OTHER_NAMES = {pair.split()[0]: pair.split()[1] for pair in _OTHERS.split(",")}


def load_series(name: str) -> pd.Series:
    """A time series that statsmodels ships, gaps filled by straight lines.

    "sunspots" (yearly number), "co2" (weeks at Mauna Loa, ppm), "elnino" (monthly sea
    surface temperature, deg C) or "unemployment" (quarters, US, per cent), all in the
    public domain; another name is a ValueError.
    """
    if name not in _SERIES:
        raise ValueError(f"name is {name!r}: known series are {', '.join(_SERIES)}")
    column = _SERIES[name]
    own = "macrodata" if name == "unemployment" else name
    module = importlib.import_module(f"statsmodels.datasets.{own}")
    frame = module.load_pandas().data
    found = frame[column] if column else frame.iloc[:, 1:]
    values = pd.Series(found.to_numpy(dtype=float).ravel(), name=name)
    return values.interpolate(limit_direction="both")
