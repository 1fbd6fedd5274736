"""Every interval and test that more than one notebook needs, once.

Intervals are 95 %, over the independent unit: a document, a patient, a seed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

DRAWS = 2000
COLUMNS = ("mean", "low", "high")


class Interval(NamedTuple):
    """A number and the ends of its interval."""

    value: float
    low: float
    high: float

    def claim(self) -> dict[str, float]:
        """The three numbers under the names that `Record.claim` takes."""
        return {"effect": self.value, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        """Return the signed number with its interval.

        >>> print(Interval(0.5, -0.25, 1.0))
        +0.500 [-0.250, +1.000]
        """
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def mean_interval(values: ArrayLike, share: float = 0.0) -> Interval:
    """Mean of a few values with Student's t interval; a single value has no width.

    Args:
        values: shape (n,), one per independent unit, finite; else a ValueError.
        share: for the parts of a repeated cross-validation, which share training
            data, test items over training items of a part; the variance of the mean
            is s^2 (1/n + share).

    Source: Nadeau, Bengio, Mach. Learn. 52 (2003) 239.
    """
    values = _finite("values", values)
    count, middle = len(values), float(values.mean())
    if count < 2:
        return Interval(middle, middle, middle)
    spread = values.std(ddof=1) * np.sqrt(1 / count + share)
    half = float(stats.t.ppf(0.975, count - 1) * spread)
    return Interval(middle, middle - half, middle + half)


def bootstrap(
    values: ArrayLike,
    rng: np.random.Generator,
    groups: ArrayLike | None = None,
    *,
    draws: int = DRAWS,
) -> Interval:
    """Mean with its percentile bootstrap interval over independent units.

    Args:
        values: shape (n,), one per observation, finite; else a ValueError.
        rng: source of the ``draws`` resamples.
        groups: unit of each observation; units are drawn whole and count the same.

    Source: Efron, Tibshirani (1993), chapters 8 and 13.
    """
    mean, drawn = resampled_means(values, rng, groups, draws=draws)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(mean, float(low), float(high))


def resampled_means(
    values: ArrayLike,
    rng: np.random.Generator,
    groups: ArrayLike | None = None,
    *,
    draws: int = DRAWS,
) -> tuple[float, np.ndarray]:
    """Mean as in `bootstrap`, and the same over resamples, shape (draws,)."""
    values = _finite("values", values)
    if groups is not None:
        units = np.asarray(groups)
        if len(units) != len(values):
            counts = f"{len(units)} units, there are {len(values)} values"
            raise ValueError(f"groups names {counts}")
        _, inverse = np.unique(units, return_inverse=True)
        values = np.bincount(inverse, values) / np.bincount(inverse)
    drawn = rng.integers(0, len(values), (draws, len(values)))
    return float(values.mean()), values[drawn].mean(1)


def interval_table(
    values: Mapping[str, Sequence[float]], rng: np.random.Generator
) -> pd.DataFrame:
    """Mean of each row of cases with its `bootstrap` interval: mean, low, high."""
    rows = {name: bootstrap(cases, rng) for name, cases in values.items()}
    return pd.DataFrame(rows, index=list(COLUMNS)).T


def permutation_pvalue(observed: float, null: ArrayLike) -> float:
    """Share of null draws at least as large, the observed one counted among them.

    Never below 1 / (draws + 1), so a level under that cannot be reached.

    Source: Phipson, Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39.
    """
    null = _finite("null", null)
    return float((1 + (null >= observed).sum()) / (1 + len(null)))


def recorded_rows(rows: Sequence[Mapping[str, Any]], **where: Any) -> pd.DataFrame:
    """Rows of a recorded study as a table of mean, low and high by name (key ``row``).

    ``where`` keeps the rows that hold these values, such as ``k=3``; no row, or a name
    that is left twice, is a ValueError.
    """
    table = pd.DataFrame(rows).dropna(subset=list(COLUMNS))
    for key, value in where.items():
        table = table[table[key] == value]
    names = list(table["row"])
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"where={where} leaves rows {names}: it must leave each name once"
        )
    return table.set_index("row")[list(COLUMNS)]


def beside(live: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    """Live and recorded intervals (mean, low, high by name), and whether they overlap.

    A live row that was not recorded is a KeyError.
    """
    old = recorded.loc[live.index]
    found = {
        name: [str(Interval(*row)) for row in table[list(COLUMNS)].to_numpy()]
        for name, table in (("live", live), ("recorded", old))
    }
    overlap = (live.low <= old.high) & (old.low <= live.high)
    return pd.DataFrame(found | {"overlap": overlap}, index=live.index)


def _finite(name: str, values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError(
            f"{name} of shape {numbers.shape} must be a list of at least one finite "
            "number: drop missing values first"
        )
    return numbers
