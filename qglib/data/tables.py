"""Small public tables that ship with scikit-learn and statsmodels."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import pandas as pd

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
_SERIES = {  # statsmodels set, column (none: one column per month)
    "sunspots": ("sunspots", "SUNACTIVITY"),
    "co2": ("co2", "co2"),
    "elnino": ("elnino", ""),
    "unemployment": ("macrodata", "unemp"),
}
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


def load_series(name: str) -> pd.Series:
    """A time series that statsmodels ships, gaps filled by straight lines.

    Args:
        name: "sunspots" (yearly number), "co2" (weeks at Mauna Loa, ppm), "elnino"
            (monthly sea surface temperature, deg C) or "unemployment" (quarters, US,
            per cent); all in the public domain.

    Raises:
        ValueError: an unknown name.
    """
    if name not in _SERIES:
        raise ValueError(f"name is {name!r}: known series are {', '.join(_SERIES)}")
    folder, column = _SERIES[name]
    frame = importlib.import_module(f"statsmodels.datasets.{folder}").load_pandas().data
    found = frame[column] if column else frame.iloc[:, 1:]
    values = pd.Series(found.to_numpy(dtype=float).ravel(), name=name)
    return values.interpolate(limit_direction="both")
