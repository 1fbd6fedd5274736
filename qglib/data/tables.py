"""Small public tables that ship with scikit-learn and statsmodels."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata

_UCI = "CC BY 4.0 (UCI)"
# name: (task, licence, target column of statsmodels sets)
_SKLEARN = {
    "breast_cancer": ("classification", _UCI),
    "wine": ("classification", _UCI),
    "iris": ("classification", _UCI),
    "diabetes": ("regression", "published with Efron et al. 2004, no explicit licence"),
}
_STATSMODELS = {
    "stackloss": ("regression", "public domain", "STACKLOSS"),
    "randhie": ("regression", "public domain", "mdvis"),
    "modechoice": ("classification", "public domain", "choice"),
}
_COMPARED = 2000  # rows whose ties are counted, at most
NAMES = (*_SKLEARN, *_STATSMODELS)
"""Every name `load_table` knows."""


@dataclass(frozen=True)
class Table:
    """A table with its target.

    Attributes:
        name: name of the set.
        features: one row per case, numeric columns.
        target: what is to be predicted.
        task: "classification" or "regression".
        licence: under which terms the set may be used.
        source: where it comes from.
    """

    name: str
    features: pd.DataFrame
    target: pd.Series
    task: str
    licence: str
    source: str

    def __len__(self) -> int:
        """Number of cases."""
        return len(self.features)

    def __repr__(self) -> str:
        """Name, size and licence in one line."""
        rows, columns = self.features.shape
        return f"{self.name}: {rows} rows x {columns} columns, {self.licence}"


def load_table(name: str) -> Table:
    """Load a table that an installed package ships; nothing is downloaded.

    Args:
        name: one of `NAMES`.

    Raises:
        ValueError: an unknown name.
    """
    if name in _SKLEARN:
        task, licence = _SKLEARN[name]
        module = importlib.import_module("sklearn.datasets")
        bunch = getattr(module, f"load_{name}")(as_frame=True)
        source = f"scikit-learn, load_{name}"
        return Table(name, bunch.data, bunch.target, task, licence, source)
    if name in _STATSMODELS:
        task, licence, target = _STATSMODELS[name]
        module = importlib.import_module(f"statsmodels.datasets.{name}")
        frame = module.load_pandas().data
        features = frame.drop(columns=[target])
        source = f"statsmodels, datasets.{name}"
        return Table(name, features, frame[target], task, licence, source)
    raise ValueError(f"name is {name!r}: known tables are {', '.join(NAMES)}")


@dataclass(frozen=True)
class RankedRows:
    """Rows of a table as elements of a product order: smaller in every column.

    Attributes:
        values: shape (n, k), ranks in (0, 1), equal values share their mean rank; as
            `qglib.spacetime.Causet.from_dominance` takes them.
        columns: names of the columns.
        rows: which rows of the table were kept, shape (n,).
        dropped: how many rows were left out because a value is missing.
        tied: share of the pairs of rows (of a regular subset beyond 2000 rows) that
            are equal in some column: they are unrelated, and an exact null does not
            hold for them.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    rows: np.ndarray
    dropped: int
    tied: float

    def __len__(self) -> int:
        """Number of rows kept."""
        return len(self.values)

    def __repr__(self) -> str:
        """Counts and conventions in one line."""
        reason = " (missing value)" if self.dropped else ""
        return (
            f"RankedRows({len(self)} kept, {self.dropped} dropped{reason}, ranks of "
            f"{len(self.columns)} columns, {self.tied:.1%} of the pairs tied)"
        )

    def shuffled(self, rng: np.random.Generator) -> RankedRows:
        """Each column in an order of its own: the order null."""
        return replace(self, values=rng.permuted(self.values, axis=0))


def ranked_rows(
    table: Table | pd.DataFrame, columns: Sequence[str] | None = None
) -> RankedRows:
    """Rows of a table by the ranks of some columns; rows with a gap are dropped.

    Args:
        table: the table.
        columns: which columns; all if left out.

    Raises:
        ValueError: an unknown or non-numeric column, or fewer than two full rows.
    """
    frame = table.features if isinstance(table, Table) else table
    names = list(frame.columns if columns is None else columns)
    unknown = [name for name in names if name not in frame.columns]
    if unknown or not names:
        raise ValueError(
            f"columns {unknown} are not in the table: it has {list(frame.columns)}"
        )
    chosen = frame[names]
    words = [k for k in names if not pd.api.types.is_numeric_dtype(chosen[k])]
    if words:
        raise ValueError(f"columns {words} are not numeric: encode or leave them out")
    values = chosen.to_numpy(dtype=float)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    n = len(rows)
    if n < 2:
        raise ValueError(f"{n} of {len(frame)} rows have no gap: two are needed")
    ranks = (rankdata(values[rows], axis=0) - 0.5) / n
    some = ranks[:: -(-n // _COMPARED)]
    equal = np.zeros((len(some), len(some)), bool)
    for column in some.T:
        equal |= column[:, None] == column
    tied = float((equal.sum() - len(some)) / (len(some) * (len(some) - 1)))
    return RankedRows(ranks, tuple(names), rows, len(frame) - n, tied)
