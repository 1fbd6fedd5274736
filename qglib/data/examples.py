"""Labelled examples of a task, divided into training, choice and test."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, repr=False)
class Examples:
    """Raw inputs with labels and the part of the split each belongs to.

    Attributes:
        inputs: rows of numbers, images, sounds, texts, or tuples of words.
        labels: one per example, or one tuple of tags where words are labelled.
        split: shape (n,), "train", "dev" or "test"; dev serves for choices (the best
            epoch, the strength of a penalty), test only for the final score.
        kind: of `qglib.data.KINDS`; it decides how one input is taken apart.
        groups: the independent unit of each example (document, speaker, patient), the
            unit of splits and intervals; None where every example is one.
        columns: names of the columns of a table, else empty.
    """

    inputs: Any
    labels: Sequence[Any]
    split: np.ndarray
    kind: str = "table"
    groups: Sequence[Any] | None = None
    columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.labels)

    def __repr__(self) -> str:
        """Counts in one line."""
        sizes = ", ".join(f"{(self.split == s).sum()} {s}" for s in SPLITS)
        return f"Examples({sizes})"

    def part(self, name: str) -> tuple[list[Any], list[Any]]:
        """Inputs and labels of one part: "train", "dev" or "test"."""
        if name not in SPLITS:
            raise ValueError(f"part is {name!r}: use {', '.join(SPLITS)}")
        rows = np.flatnonzero(np.asarray(self.split) == name).tolist()
        return [self.inputs[k] for k in rows], [self.labels[k] for k in rows]

    @property
    def tagged(self) -> bool:
        """Whether every word has a label."""
        return len(self.labels) > 0 and isinstance(self.labels[0], tuple | list)


def divided(
    labels: Sequence[Any], seed: int, groups: Sequence[Any] | None = None
) -> np.ndarray:
    """A random split 60 : 20 : 20, every class spread evenly, groups kept together.

    Labels and groups are one per example. Fewer than five examples of a class, or
    groups, are a ValueError.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    names = np.asarray(labels).astype(str)
    counts = Counter(names.tolist())
    least = min(counts, key=counts.__getitem__, default="any")
    if counts[least] < 5:
        raise ValueError(
            f"labels: {least!r} occurs {counts[least]} times, a random split needs 5 "
            "examples of every class; add examples or give split yourself"
        )
    units = np.arange(len(names)) if groups is None else np.asarray(groups)
    if (n := len(set(units.tolist()))) < 5:
        few = f"{n} groups cannot be divided, five are needed"
        raise ValueError(f"groups: {few}; add some or give split yourself")
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    split = np.full(len(names), "train")
    parts = folds.split(names, names, units)
    for name, (_, rows) in zip(("test", "dev"), parts, strict=False):
        split[rows] = name
    return split


def check_examples(examples: Examples) -> None:
    """Refuse examples that nothing can be learnt from or judged on by a ValueError.

    That is no examples, unequal lengths, an empty or unknown part of the split, one
    class only, or a label in dev or test that training lacks (a warning where words
    are labelled: rare entity types come and go).
    """
    n, inputs, split = map(len, (examples.labels, examples.inputs, examples.split))
    if n == 0:
        raise ValueError("examples are empty: give labelled inputs")
    if inputs != n or split != n:
        raise ValueError(f"{inputs} inputs, {n} labels, split of {split}: give as many")
    unknown = sorted(set(map(str, examples.split)) - set(SPLITS))
    if unknown:
        raise ValueError(f"split holds {unknown[0]!r}: use {', '.join(SPLITS)}")
    seen = {}
    for name in SPLITS:
        labels = examples.part(name)[1]
        if not labels:
            raise ValueError(f"split: the {name} part is empty; see qglib.data.divided")
        every = chain.from_iterable(labels) if examples.tagged else labels
        seen[name] = set(map(str, every))
    if len(seen["train"]) < 2:
        only = seen["train"].pop()
        raise ValueError(f"labels: training holds the one class {only!r}: add another")
    absent = sorted((seen["dev"] | seen["test"]) - seen["train"])
    message = (
        f"labels: {absent[:5]} occur in dev or test and never in training; add "
        "training examples or split by qglib.data.divided"
    )
    if absent and not examples.tagged:
        raise ValueError(message)
    if absent:
        warnings.warn(message, stacklevel=3)
