"""Public time series that ship with statsmodels."""

from __future__ import annotations

import importlib

import pandas as pd

_SERIES = {  # statsmodels set, column (none: one column per month)
    "sunspots": ("sunspots", "SUNACTIVITY"),
    "co2": ("co2", "co2"),
    "elnino": ("elnino", ""),
    "unemployment": ("macrodata", "unemp"),
}


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
