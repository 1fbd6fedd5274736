"""Columns of a csv file: labels, numbers, words and time, each checked."""

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


def series_windows(
    frame: pd.DataFrame, groups: Sequence[str] | None, window: int
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Stretches of rows without overlap, the last row of each, and the channels.

    Args:
        frame: the first column is time, the others are channels.
        groups: series each row belongs to; no stretch crosses their borders.
        window: rows of a stretch.

    Returns:
        Shape (n, window, channels), row numbers (n,), names of the channels.

    Raises:
        ValueError: time that does not rise, no channel, or a window that is too long.
    """
    if len(frame.columns) < 2:
        raise ValueError("a series needs time in its first column, and a channel")
    values, channels = numeric_columns(frame.iloc[:, 1:])
    times = _times(frame.iloc[:, 0])
    units = np.zeros(len(frame), int) if groups is None else np.array(groups)
    ends = []
    for unit in dict.fromkeys(units.tolist()):
        rows = np.flatnonzero(units == unit)
        steps = np.diff(times[rows])
        if (steps <= 0).any():
            k = rows[int(np.argmax(steps <= 0)) + 1]
            raise ValueError(
                f"{frame.index[k]}, column {frame.columns[0]!r}: time does not rise "
                f"({frame.iloc[k, 0]!r}): sort the rows and drop copies"
            )
        ends += [rows[k : k + window] for k in range(0, len(rows) - window + 1, window)]
    if window < 2 or len(ends) < 3:
        raise ValueError(
            f"window is {window}: {len(frame)} rows give {len(ends)} stretches of at "
            "least 2 rows, three are needed; choose another window"
        )
    stretches = np.array(ends)
    return values[stretches], stretches[:, -1], channels


def _times(cells: pd.Series) -> np.ndarray:
    """Numbers, or dates as seconds."""
    numbers = pd.to_numeric(cells, errors="coerce")
    if not numbers.isna().any():
        return numbers.to_numpy(dtype=float)
    dates = pd.to_datetime(cells, errors="coerce", format="ISO8601")
    wrong = dates.isna().to_numpy()
    if wrong.any():
        k = int(np.argmax(wrong))
        raise ValueError(
            f"{cells.index[k]}, column {cells.name!r}: {cells.iloc[k]!r} is neither a "
            "number nor a date like 2024-05-17: the first column is time"
        )
    return dates.astype("int64").to_numpy(dtype=float)
