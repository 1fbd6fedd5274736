"""Tables: one input is one row of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qglib.data.kinds.parting import filling, kept


def _row(x: Any) -> np.ndarray:
    values = np.asarray(x, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"x has shape {values.shape}: give one row, (columns,)")
    return values


def parts(x: Any, columns: Sequence[str] = ()) -> list[str]:
    """Names of the columns: those given, those of a pandas row, or "column 0" ...

    Args:
        x: one row, shape (columns,); a row of a data frame brings its names along.
        columns: their names, as in `Examples.columns`.

    Raises:
        ValueError: not one row, or another number of names.
    """
    n = len(_row(x))
    if columns and len(columns) != n:
        raise ValueError(f"columns has {len(columns)} names for {n} values")
    if not columns and isinstance(x, pd.Series):
        columns = tuple(x.index)
    return [str(name) for name in columns] or [f"column {k}" for k in range(n)]


def _needed(background: Any, row: np.ndarray) -> np.ndarray:
    if background is None:
        raise ValueError(
            "background is None: a column cannot be taken out of a row, only be "
            "overwritten; give the training rows (n, columns) or one row"
        )
    values = np.asarray(background, dtype=float)
    if values.ndim not in (1, 2) or not len(values) or values.shape[-1] != len(row):
        raise ValueError(
            f"background has shape {values.shape}: give (n, {len(row)}) or "
            f"({len(row)},), the columns of x"
        )
    return values


def blank(x: Any, keep: Any, background: Any = None) -> np.ndarray:
    """The row with columns set to the background.

    Args:
        x: one row, shape (columns,).
        keep: shape (columns,), false where a column is overwritten.
        background: a row, or the training rows, whose mean is taken.

    Raises:
        ValueError: no background, or shapes that do not fit.
    """
    row = _row(x)
    fill = filling(_needed(background, row), row)
    return np.where(kept(keep, len(row)), row, fill)


def events(x: Any) -> None:
    """One row has no events: it is itself one element of an order.

    Raises:
        ValueError: always, with what to use instead.
    """
    raise ValueError(
        "one row of a table has no events: the rows are the elements of an order, "
        "smaller in every column; use qglib.spacetime.Causet.from_dominance(rows)"
    )


def edits(
    x: Any,
    rng: np.random.Generator,
    background: Any = None,
    columns: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """One copy per column, set to the value of another row, and a placebo.

    Args:
        x: one row, shape (columns,).
        rng: draws the other rows.
        background: the rows to draw from, (n, columns).
        columns: names of the columns.

    Returns:
        One entry per column under its name: its value is drawn from the rows that
        differ there (a constant column is left out); "placebo" (columns permuted and
        permuted back).
    """
    row, found = _row(x), {}
    rows = np.atleast_2d(_needed(background, row))
    for k, name in enumerate(parts(x, columns)):
        others = rows[rows[:, k] != row[k], k]
        if len(others):
            found[name] = row.copy()
            found[name][k] = others[int(rng.integers(len(others)))]
    order = rng.permutation(len(row))
    found["placebo"] = row[order][np.argsort(order)]
    return found
