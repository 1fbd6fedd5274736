"""Examples as numbers: features, class numbers and the rows of each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from qglib.data import labels_of
from qglib.data.examples import SPLITS, check_examples
from qglib.tasks.registry import TaskConfig


@dataclass(frozen=True, repr=False)
class Prepared:
    """What heads and baselines learn from, the same for all of them.

    Attributes:
        features: part to array (rows, columns) float32, not standardised.
        gold: part to class numbers, shape (rows,).
        labels: names of the classes.
        tags: part to the tags of its sentences, where every word has a label; a row
            is a word then.
    """

    features: dict[str, np.ndarray]
    gold: dict[str, np.ndarray]
    labels: tuple[str, ...]
    tags: dict[str, list[tuple[str, ...]]] | None

    @property
    def width(self) -> int:
        """Columns of the features."""
        return self.features["train"].shape[1]


def check_features(values: np.ndarray, name: str = "inputs", width: int = 0) -> None:
    """Refuse features that are not finite rows of the expected width.

    Raises:
        ValueError: wrong shape or width, NaN or infinity (row and column).
    """
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(
            f"{name}: features have shape {values.shape}; expected (n, columns)"
        )
    if width and values.shape[1] != width:
        raise ValueError(
            f"{name}: {values.shape[1]} columns, the model was trained on {width}; "
            "give the same columns in the same order"
        )
    broken = np.argwhere(~np.isfinite(values))
    if len(broken):
        row, column = broken[0]
        raise ValueError(
            f"{name}: {values[row, column]} in row {row}, column {column} and "
            f"{len(broken) - 1} more places; fill the gaps or drop the rows"
        )


@lru_cache(maxsize=16)
def prepare(config: TaskConfig, seed: int, folder: str | Path = "") -> Prepared:
    """Load, check and compute the features of a task once per split.

    Raises:
        ValueError: what `check_examples` and `check_features` refuse, or a task
            that needs a folder without one.
    """
    if config.folder and not folder:
        raise ValueError(
            f"folder is empty: the task {config.name!r} reads data that is not part of "
            f"the package ({config.question}); give its folder"
        )
    examples = config.load(seed, folder=folder) if folder else config.load(seed)
    check_examples(examples)
    parts = np.asarray(examples.split)
    rows = np.asarray(config.features(examples.inputs))
    check_features(rows)
    tags = None
    if examples.tagged:
        sizes = [len(t) for t in examples.labels]
        tags = {
            name: [
                tuple(t)
                for t, p in zip(examples.labels, parts, strict=True)
                if p == name
            ]
            for name in SPLITS
        }
        parts = np.repeat(parts, sizes)
        flat = [tag for sentence in examples.labels for tag in sentence]
        labels = labels_of(tuple(sorted({t[2:] for t in flat if t != "O"})))
    else:
        flat = [str(label) for label in examples.labels]
        labels = tuple(sorted(set(flat)))
    if len(rows) != len(flat):
        raise ValueError(
            f"features gave {len(rows)} rows for {len(flat)} labels; expected one each"
        )
    numbers = {label: k for k, label in enumerate(labels)}
    gold = np.array([numbers[label] for label in flat])
    return Prepared(
        {name: rows[parts == name].astype(np.float32) for name in SPLITS},
        {name: gold[parts == name] for name in SPLITS},
        labels,
        tags,
    )


def sentences_of(rows: np.ndarray, tags: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """Cut one row per word into one array per sentence."""
    return np.split(rows, np.cumsum([len(t) for t in tags])[:-1])
