"""Columns of a csv file: labels, numbers and words, each checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

GAPS = ("", "na", "nan", "n/a", "null", "?")
MOST_VALUES = 20  # different words of a column that becomes columns of 0 and 1


def column_of(frame: pd.DataFrame, names: Sequence[str], but: str = "") -> str | None:
    """The first column with one of the names, capitals ignored, or None."""
    known = {c.lower(): c for c in frame.columns if c != but}
    return next((known[name] for name in names if name in known), None)


def label_column(frame: pd.DataFrame, label: str = "") -> str:
    """The column of labels: the one named, else label or category, else the last.

    Raises:
        ValueError: no column of that name, or no column beside it.
    """
    if label and label not in frame.columns:
        raise ValueError(
            f"label is {label!r}: the header has the columns {list(frame.columns)}"
        )
    if len(frame.columns) < 2:
        raise ValueError(
            f"{frame.index[0].split(',')[0]} has one column, {frame.columns[0]!r}: "
            "labels and at least one column to learn from are needed"
        )
    return label or column_of(frame, ("label", "category")) or frame.columns[-1]


def is_gap(cells: pd.Series) -> np.ndarray:
    """Where a cell says that a value is missing."""
    return cells.str.lower().isin(GAPS).to_numpy()


def labels_in(cells: pd.Series) -> list[str]:
    """The labels as strings; numbers lose a trailing ".0".

    Raises:
        ValueError: a missing label, or more different numbers than classes can be.
    """
    gaps = is_gap(cells)
    if gaps.any():
        raise ValueError(
            f"{cells.index[gaps][0]}, column {cells.name!r}: no label, and "
            f"{gaps.sum() - 1} more: fill them in or drop the rows"
        )
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.isna().any():
        return cells.tolist()
    if numbers.nunique() > MOST_VALUES:
        raise ValueError(
            f"column {cells.name!r} holds {numbers.nunique()} different numbers: "
            "labels are classes; cut the numbers into classes, or name another column"
        )
    return [f"{value:g}" for value in numbers]


def numeric_columns(frame: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """All columns as numbers, and their names.

    A column of words becomes one column of 0 and 1 per word, named "column=word"; of
    two words the second is enough.

    Raises:
        ValueError: a gap, a word among numbers, an infinite number, or more than 20
            different words in a column.
    """
    values, names = [], []
    for name in frame.columns:
        cells = frame[name]
        gaps = is_gap(cells)
        if gaps.any():
            raise ValueError(
                f"{cells.index[gaps][0]}, column {name!r}: the value is missing, and "
                f"{gaps.sum() - 1} more: fill the gaps or drop the rows or the column"
            )
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float)
        words = np.isnan(numbers)
        if words.all():
            levels = sorted(set(cells))
            if len(levels) > MOST_VALUES:
                raise ValueError(
                    f"column {name!r} holds {len(levels)} different words: leave it "
                    'out, or read it as text with kind="text"'
                )
            for level in levels[1:] if len(levels) == 2 else levels:
                values.append((cells == level).to_numpy(dtype=float))
                names.append(f"{name}={level}")
            continue
        wrong = words | np.isinf(numbers)
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(
                f"{cells.index[k]}, column {name!r}: {cells.iloc[k]!r} is no finite "
                "number, others are: correct it"
            )
        values.append(numbers)
        names.append(str(name))
    if not values:
        raise ValueError("the file has no column beside the labels: add some")
    return np.column_stack(values), tuple(names)
