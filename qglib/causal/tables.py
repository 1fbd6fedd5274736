"""Checks that turn a user's table into columns that discovery can trust."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Table", "read_table"]


class Table(NamedTuple):
    """A checked table.

    Attributes:
        names: column names, in order.
        values: (n, d) integer codes when `discrete`, else floats.
        discrete: whether the columns are categories.
    """

    names: tuple[str, ...]
    values: np.ndarray
    discrete: bool


def read_table(data: pd.DataFrame | np.ndarray, kind: str = "auto") -> Table:
    """Check a table and decide whether its columns are categories or numbers.

    Args:
        data: DataFrame, or (n, d) array whose columns are then named x0, x1, ...
        kind: 'discrete', 'continuous', or 'auto': integer, boolean, text and category
            columns are categories, floats are numbers.

    Raises:
        ValueError: missing values, constant or duplicated columns, fewer rows than
            variables, categories coded as floats, or mixed kinds.
    """
    frame = pd.DataFrame(data)
    if not isinstance(data, pd.DataFrame):
        frame = frame.add_prefix("x")
    frame = frame.set_axis(frame.columns.map(str), axis=1)
    names = tuple(frame)
    if kind not in ("auto", "discrete", "continuous"):
        raise ValueError(
            f"kind must be 'auto', 'discrete' or 'continuous', got {kind!r}."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"column names repeat in {list(names)}; rename them.")
    if len(frame) < max(len(names), 2):
        raise ValueError(
            f"data has {len(frame)} rows for {len(names)} variables; at least as many "
            "rows as variables are needed. Collect rows or drop columns."
        )
    floats = [n for n in names if pd.api.types.is_float_dtype(frame[n])]
    infinite = [n for n in floats if np.isinf(frame[n]).any()]
    _refuse(
        [n for n in names if n in infinite or frame[n].isna().any()],
        "hold missing or infinite values; drop those rows (data.dropna()) or impute "
        "them first.",
    )
    if kind == "auto":
        _refuse(
            floats if len(floats) < len(names) else [],
            "are numbers and the others are categories; bin the numbers (pandas.cut) "
            "or pass kind='continuous' for number codes.",
        )
        _refuse(
            [n for n in floats if _looks_coded(frame[n].to_numpy())],
            "look like categories coded as floats; convert them with .astype(int), or "
            "pass kind='continuous' to treat them as numbers.",
        )
        kind = "continuous" if floats else "discrete"
    if kind == "discrete":
        codes = [np.unique(frame[n].to_numpy(), return_inverse=True)[1] for n in names]
        values = np.column_stack(codes).astype(np.int64)
    else:
        values = frame.to_numpy(dtype=float)
    _refuse(
        [n for n, v in zip(names, values.T, strict=True) if (v == v[0]).all()],
        "are constant: they can neither cause nor be caused here. Drop them.",
    )
    firsts = np.unique(values.T, axis=0, return_index=True)[1]
    _refuse(
        [n for k, n in enumerate(names) if k not in firsts],
        "are duplicates of earlier ones: no test can tell them apart. Drop them.",
    )
    return Table(names, values, kind == "discrete")


def _refuse(columns: Iterable[str], why: str) -> None:
    if columns:
        raise ValueError(f"columns {columns} {why}")


def _looks_coded(column: np.ndarray) -> bool:
    values = np.unique(column)
    return 1 < len(values) <= 10 and bool(np.all(values == np.round(values)))
