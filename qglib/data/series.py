"""Time series that an installed package ships, and their windows."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
from scipy.signal import detrend

_PUBLIC = "public domain"
# name: (statsmodels set, column, step, what it is)
_SERIES = {
    "sunspots": ("sunspots", "SUNACTIVITY", "year", "yearly sunspot number"),
    "co2": ("co2", "co2", "week", "CO2 at Mauna Loa, ppm"),
    "elnino": ("elnino", "", "month", "sea surface temperature, Nino 1+2, deg C"),
    "unemployment": ("macrodata", "unemp", "quarter", "US unemployment, per cent"),
}
SERIES = tuple(_SERIES)
"""Every name `load_series` knows."""


@dataclass(frozen=True)
class Series:
    """A time series at equal steps.

    Attributes:
        name: name of the series.
        values: shape (n,), finite.
        step: unit of time of one step.
        filled: how many gaps were filled by linear interpolation.
        licence: under which terms the set may be used.
        source: where it comes from.
    """

    name: str
    values: np.ndarray
    step: str
    filled: int
    licence: str
    source: str

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.values)

    def __repr__(self) -> str:
        """Name, size and licence in one line."""
        return (
            f"{self.name}: {len(self)} {self.step}s, {self.filled} filled, "
            f"{self.licence}"
        )


def load_series(name: str) -> Series:
    """Load a time series from statsmodels; nothing is downloaded.

    Args:
        name: one of `SERIES`.

    Raises:
        ValueError: an unknown name.
    """
    if name not in _SERIES:
        raise ValueError(f"name is {name!r}: known series are {', '.join(SERIES)}")
    folder, column, step, text = _SERIES[name]
    module = importlib.import_module(f"statsmodels.datasets.{folder}")
    frame = module.load_pandas().data
    if column:
        values = frame[column].to_numpy(dtype=float)
    else:  # one row per year, one column per month
        values = frame.iloc[:, 1:].to_numpy(dtype=float).ravel()
    gaps = np.isnan(values)
    steps = np.arange(len(values))
    values = np.interp(steps, steps[~gaps], values[~gaps])
    source = f"statsmodels, datasets.{folder}: {text}"
    return Series(name, values, step, int(gaps.sum()), _PUBLIC, source)


def windows(
    values: np.ndarray, length: int, stride: int, block: int
) -> tuple[np.ndarray, np.ndarray]:
    """Windows that never cross the border of a block, straightened and scaled.

    Args:
        values: shape (n,).
        length: steps of a window.
        stride: steps between the starts of two windows of a block.
        block: steps of a block; what is left at the end is dropped. Windows of
            different blocks share no step, so blocks can be divided between
            training and test.

    Returns:
        Windows without linear trend and with standard deviation 1 (a constant
        window stays 0), shape (m, length), and the block of each, shape (m,).

    Raises:
        ValueError: length, stride or block do not fit each other or the series.
    """
    values = np.asarray(values, dtype=float)
    if not (2 <= length <= block <= len(values) and stride >= 1):
        raise ValueError(
            f"length is {length}, stride {stride}, block {block}, the series has "
            f"{len(values)} steps: need 2 <= length <= block <= steps and stride >= 1"
        )
    rows, blocks = [], []
    for number in range(len(values) // block):
        part = values[number * block : (number + 1) * block]
        for start in range(0, block - length + 1, stride):
            row = detrend(part[start : start + length])
            spread = row.std()
            rounding = 1e-12 * (1 + np.abs(part).max())
            rows.append(row / spread if spread > rounding else np.zeros(length))
            blocks.append(number)
    return np.array(rows), np.array(blocks)
