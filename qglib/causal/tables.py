"""Checks that turn a user's table into columns that discovery can trust."""

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

KINDS = ("auto", "discrete", "continuous")
FEW = 10  # different whole numbers that may still be names of categories
ROWS_PER_CELL = 10  # of two such columns, on average
MOST_WORDS = 20  # different texts of a column of categories
SMALL = 50  # rows below which a warning is due


class Table(NamedTuple):
    """A checked table."""

    names: tuple[Hashable, ...]  # of the columns, as the user has them
    values: np.ndarray  # (n, d) floats; of a category the number of its value, from 0
    categorical: np.ndarray  # (d,) whether a column holds categories
    notes: tuple[str, ...]  # what a reader of the result must know, in sentences


def read_table(
    data: pd.DataFrame | np.ndarray,
    kind: str | Mapping[Hashable, str] = "auto",
    missing: str = "error",
) -> Table:
    """Check a table and decide which columns are categories and which numbers.

    Categories are columns of category, boolean or text type, columns of two values,
    and whole numbers of k <= 10 values where the table has 10 k^2 rows (with fewer,
    tests on categories miss chains that tests on amounts find). All other numbers,
    also `decimal.Decimal` and lengths of time (in seconds), are numbers.

    Columns of an array (n, d) are named x0, x1, ... `kind` is 'auto' for this rule,
    'discrete' or 'continuous', or a mapping from some columns to their kinds. Gaps are
    an error, or `missing` is 'drop': complete cases, right where gaps come at random.
    """
    frame = pd.DataFrame(data)
    if not isinstance(data, pd.DataFrame):
        frame = frame.rename(columns="x{}".format)
    names = tuple(frame.columns)
    if not frame.columns.is_unique:
        raise ValueError(f"column names repeat in {list(names)}; rename them.")
    if None in names or any(name != name for name in names):
        raise ValueError(f"some columns have no name in {list(names)}; name them.")
    kinds = _kinds(names, kind)
    frame, notes = _complete(frame, missing)
    if len(frame) < max(10, len(names) + 5):
        raise ValueError(
            f"data has {len(frame)} rows for {len(names)} columns; at least "
            f"{max(10, len(names) + 5)} are needed. Collect rows or drop columns."
        )
    if len(frame) < max(SMALL, 5 * len(names)):
        notes.append(f"Only {len(frame)} rows: most true edges will be missed.")
    columns = [_column(frame[name], name, kinds[name], notes) for name in names]
    values, categorical = zip(*columns, strict=True)
    table = Table(names, np.column_stack(values), np.array(categorical), tuple(notes))
    _require_different(table)
    return table


def _kinds(names: Sequence[Hashable], kind: str | Mapping) -> dict[Hashable, str]:
    given = kind if isinstance(kind, Mapping) else dict.fromkeys(names, kind)
    unknown = [name for name in given if name not in names]
    wrong = [value for value in given.values() if value not in KINDS]
    if unknown or wrong:
        raise ValueError(
            f"kind must be one of {KINDS}, or a mapping from columns to them, got "
            f"{kind!r}; the columns are {list(names)}."
        )
    return dict.fromkeys(names, "auto") | dict(given)


def _complete(frame: pd.DataFrame, missing: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows without a gap, and a note of what was left out."""
    if missing not in ("error", "drop"):
        raise ValueError(f"missing must be 'error' or 'drop', got {missing!r}.")
    infinite = frame.select_dtypes("floating").isin([np.inf, -np.inf])
    gaps = frame.isna() | infinite.reindex(columns=frame.columns, fill_value=False)
    counts = gaps.sum()[gaps.any()].to_dict()
    if not counts:
        return frame, []
    if missing == "error":
        raise ValueError(
            f"columns hold missing or infinite values (column: count): {counts}; "
            "missing='drop' leaves out those rows, or fill them in first."
        )
    kept = frame[~gaps.any(axis=1)]
    return kept, [f"{len(frame) - len(kept)} of {len(frame)} rows have a gap: dropped."]


def _column(
    cells: pd.Series, name: Hashable, kind: str, notes: list[str]
) -> tuple[np.ndarray, bool]:
    """Values as floats, and whether they are categories; adds a note where unsure."""
    if kind == "discrete" or (kind == "auto" and _is_named(cells, name)):
        sortable = len({type(v) for v in cells.unique()}) == 1
        return pd.factorize(cells.to_numpy(), sort=sortable)[0].astype(float), True
    found = numbers(cells, name)
    levels, codes = np.unique(found, return_inverse=True)
    k = len(levels)
    if kind == "auto" and k == 2:
        return codes.astype(float), True
    whole = 2 < k <= FEW and (levels == np.round(levels)).all()
    if kind == "continuous" or not whole:
        return found, False
    said = f"Column {name!r} holds {k} different whole numbers, taken as "
    if len(found) < ROWS_PER_CELL * k * k:
        notes.append(said + "amounts; kind='discrete' if they name categories.")
        return found, False
    notes.append(said + "categories; kind='continuous' if they are amounts.")
    return codes.astype(float), True


def _is_named(cells: pd.Series, name: Hashable) -> bool:
    """Whether the type alone makes a column one of categories."""
    if types.infer_dtype(cells, skipna=False) in ("boolean", "categorical"):
        return True
    if not (types.is_object_dtype(cells) or types.is_string_dtype(cells)):
        return False
    values = list(cells.unique())
    if all(isinstance(v, Real | Decimal) for v in values):
        return False
    if not all(isinstance(v, str) for v in values):
        kinds = sorted({type(v).__name__ for v in values})
        raise ValueError(
            f"column {name!r} mixes values of {', '.join(kinds)}: give all one type."
        )
    if pd.to_numeric(pd.Series(values), errors="coerce").notna().all():
        raise ValueError(
            f"column {name!r} holds numbers as text ({values[0]!r}): convert it with "
            f"pandas.to_numeric, or pass kind={{{name!r}: 'discrete'}}."
        )
    if len(values) > MOST_WORDS:
        raise ValueError(
            f"column {name!r} holds {len(values)} different texts, more than "
            f"{MOST_WORDS}: merge them into fewer, or drop the column."
        )
    return True


def numbers(cells: pd.Series, name: Hashable) -> np.ndarray:
    """A column as floats (lengths of time in seconds), or a ValueError naming it."""
    if types.is_timedelta64_dtype(cells):
        return cells.dt.total_seconds().to_numpy(dtype=float)
    try:
        if types.is_complex_dtype(cells) or types.is_datetime64_any_dtype(cells):
            raise TypeError(f"values of type {cells.dtype}")
        found = cells.to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"column {name!r} cannot be read as numbers ({error}): turn it into a "
            f"number, drop it, or pass kind={{{name!r}: 'discrete'}}."
        ) from None
    if not np.isfinite(found).all():
        raise ValueError(f"column {name!r} holds infinite values: drop those rows.")
    return found


def _require_different(table: Table) -> None:
    """Refuse columns that no test can tell apart from others."""
    values, names = table.values, table.names
    constant = [names[k] for k in np.flatnonzero((values == values[0]).all(0))]
    if constant:
        raise ValueError(
            f"columns {constant} are constant: they can neither cause nor be caused "
            "here. Drop them."
        )
    seen: dict[bytes, int] = {}
    for k, column in enumerate(values.T):
        keys = [(column + 0.0).tobytes()]  # 0 and -0 are one number
        if table.categorical[k]:  # renamed categories are the same column
            keys.append(pd.factorize(column)[0].tobytes())
        first = min(seen.setdefault(key, k) for key in keys)
        if first < k:
            raise ValueError(
                f"columns {[names[k]]} are duplicates of earlier ones "
                f"({names[first]!r}): no test can tell them apart. Drop them."
            )
    numbers = np.flatnonzero(~table.categorical)
    x = values[:, numbers]
    x = (x - x.mean(0)) / x.std(0)
    for k in range(1, len(numbers)):
        slopes = np.linalg.lstsq(x[:, :k], x[:, k], rcond=None)[0]
        if np.abs(x[:, k] - x[:, :k] @ slopes).max() < 1e-7:
            others = [names[numbers[j]] for j in np.flatnonzero(abs(slopes) > 1e-6)]
            raise ValueError(
                f"column {names[numbers[k]]!r} is an exact sum of multiples of "
                f"{others}: no test can tell them apart. Drop one of them."
            )
