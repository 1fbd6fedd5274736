"""Tables: one input is one row of numbers; the background is a row, or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qglib.data.kinds.parting import Edits, kept


def _row(x: Any) -> np.ndarray:
    values = np.asarray(x, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"x has shape {values.shape}: give one row, (columns,)")
    return values


def _rows(background: Any, n: int) -> np.ndarray:
    if background is None:
        raise ValueError(
            "background is None: a column cannot be taken out of a row, only be "
            "overwritten; give the training rows (n, columns) or one row"
        )
    values = np.asarray(background, dtype=float)
    if values.ndim not in (1, 2) or not len(values) or values.shape[-1] != n:
        raise ValueError(
            f"background has shape {values.shape}: give (n, {n}) or ({n},), as x has"
        )
    return np.atleast_2d(values)


def parts(x: Any, columns: Sequence[str] = ()) -> list[str]:
    """Names of the columns: those given, those of a pandas row, or "column 0" ...

    ``columns`` are names as in `Examples.columns`, one per value.
    """
    n = len(_row(x))
    if columns and len(columns) != n:
        raise ValueError(f"columns has {len(columns)} names for {n} values")
    if not columns and isinstance(x, pd.Series):
        columns = tuple(x.index)
    return [str(name) for name in columns] or [f"column {k}" for k in range(n)]


def blank(x: Any, keep: Any, background: Any = None) -> np.ndarray:
    """The row with columns set to the (mean of the) background, which must be given."""
    row = _row(x)
    fill = _rows(background, len(row)).mean(axis=0)
    return np.where(kept(keep, len(row)), row, fill)


def events(x: Any) -> None:
    """One row has no events: a ValueError that says what to use instead."""
    raise ValueError(
        "one row of a table has no events: the rows are the elements of an order, "
        "smaller in every column; use qglib.spacetime.Causet.from_dominance(rows)"
    )


def edits(
    x: Any,
    rng: np.random.Generator,
    background: Any = None,
    columns: Sequence[str] = (),
) -> Edits:
    """One copy per column, set to the value of another row, and a placebo.

    Returns:
        One entry per column under its name (see `parts`): its value is drawn from the
        rows of the background that differ there (a constant column is left out);
        "placebo" (columns permuted and permuted back).
    """
    row, found = _row(x), {}
    rows = _rows(background, len(row))
    for k, name in enumerate(parts(x, columns)):
        others = rows[rows[:, k] != row[k], k]
        if len(others):
            found[name] = row.copy()
            found[name][k] = others[int(rng.integers(len(others)))]
    order = rng.permutation(len(row))
    found["placebo"] = row[order][np.argsort(order)]
    return found
