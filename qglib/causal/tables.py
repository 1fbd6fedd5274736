"""Checks that turn a user's table into columns that discovery can trust."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Table", "read_table"]


@dataclass(frozen=True)
class Table:
    """A checked table.

    Attributes:
        names: column names, in order.
        values: (n, d) integer codes when `discrete`, else floats.
        discrete: whether the columns are categories.
    """

    names: tuple[str, ...]
    values: np.ndarray
    discrete: bool


def _looks_coded(column: np.ndarray) -> bool:
    values = np.unique(column)
    return 1 < len(values) <= 10 and bool(np.all(values == np.round(values)))


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
    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(np.asarray(data))
    if not isinstance(data, pd.DataFrame):
        frame.columns = [f"x{k}" for k in range(frame.shape[1])]
    names = tuple(str(name) for name in frame.columns)
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
    missing = [n for n, c in zip(names, frame.columns, strict=True) if _gaps(frame[c])]
    if missing:
        raise ValueError(
            f"columns {missing} hold missing or infinite values; drop those rows "
            "(data.dropna()) or impute them first."
        )
    numeric = [pd.api.types.is_float_dtype(frame[c]) for c in frame.columns]
    if kind == "auto":
        if any(numeric) and not all(numeric):
            floats = [n for n, is_float in zip(names, numeric, strict=True) if is_float]
            raise ValueError(
                f"columns {floats} are numbers and the others are categories; bin the "
                "numbers (pandas.cut) or pass kind='continuous' for number codes."
            )
        coded = [
            name
            for name, column, is_float in zip(names, frame, numeric, strict=True)
            if is_float and _looks_coded(frame[column].to_numpy())
        ]
        if coded:
            raise ValueError(
                f"columns {coded} look like categories coded as floats; convert them "
                "with .astype(int), or pass kind='continuous' to treat them as numbers."
            )
        kind = "continuous" if all(numeric) else "discrete"
    if kind == "discrete":
        values = np.column_stack(
            [np.unique(frame[c].to_numpy(), return_inverse=True)[1] for c in frame]
        ).astype(np.int64)
    else:
        values = frame.to_numpy(dtype=float)
    _refuse_degenerate(values, names)
    return Table(names, values, kind == "discrete")


def _gaps(column: pd.Series) -> bool:
    if column.isna().any():
        return True
    return pd.api.types.is_float_dtype(column) and not np.isfinite(column).all()


def _refuse_degenerate(values: np.ndarray, names: tuple[str, ...]) -> None:
    constant = [
        name
        for name, column in zip(names, values.T, strict=True)
        if (column == column[0]).all()
    ]
    if constant:
        raise ValueError(
            f"columns {constant} are constant: they can neither cause nor be caused "
            "here. Drop them."
        )
    seen: dict[bytes, str] = {}
    for name, column in zip(names, values.T, strict=True):
        first = seen.setdefault(np.ascontiguousarray(column).tobytes(), name)
        if first != name:
            raise ValueError(
                f"columns {first!r} and {name!r} are duplicates: no test can tell them "
                "apart. Drop one."
            )
