"""Intervals side by side: what a notebook measures beside what a study recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from qglib import plots

COLUMNS = ("mean", "low", "high")


def recorded_rows(rows: Sequence[Mapping[str, Any]], **where: Any) -> pd.DataFrame:
    """Rows of a recorded study as a table of mean, low and high by name.

    Args:
        rows: with the keys ``row``, ``mean``, ``low``, ``high`` and others.
        where: keeps the rows that hold these values, such as ``k=3``.

    Raises:
        ValueError: no such row, or a name that is left twice.
    """
    chosen = [
        one
        for one in rows
        if all(one.get(key) == value for key, value in where.items())
        and all(column in one for column in COLUMNS)
    ]
    names = [one["row"] for one in chosen]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"where={where} leaves rows {names}: it must leave each name once"
        )
    return pd.DataFrame(chosen, index=pd.Index(names, name="row"))[list(COLUMNS)]


def recorded_groups(groups: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Means of several recorded groups, one line each, and the groups' plain numbers.

    >>> rows = [{"row": "hits", "mean": 0.5, "low": 0.2, "high": 0.8}]
    >>> recorded_groups({"ours": {"speed": 3.0, "rows": rows}}).loc["ours"].to_dict()
    {'hits': 0.5, 'speed': 3.0}
    """
    lines = {}
    for name, group in groups.items():
        means = recorded_rows(group["rows"])["mean"].to_dict()
        plain = {k: v for k, v in group.items() if isinstance(v, int | float)}
        lines[name] = means | plain
    return pd.DataFrame(lines).T


def overlap(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    """Whether two intervals ``low`` to ``high`` share a point."""
    return bool(first["low"] <= second["high"] and second["low"] <= first["high"])


def phrase(row: Mapping[str, float]) -> str:
    """Mean with its interval, signed.

    >>> phrase({"mean": 0.5, "low": -0.25, "high": 1.0})
    '+0.500 [-0.250, +1.000]'
    """
    return f"{row['mean']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"


def beside(live: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    """Live and recorded intervals as phrases, and whether they overlap.

    Columns ``live``, ``recorded``, ``overlap``; the rows are those of `live`.

    Raises:
        KeyError: a row that was not recorded.
    """
    missing = [name for name in live.index if name not in recorded.index]
    if missing:
        raise KeyError(f"{missing} were not recorded: rows are {list(recorded.index)}")
    rows = [
        (phrase(row), phrase(recorded.loc[name]), overlap(row, recorded.loc[name]))
        for name, row in live.iterrows()
    ]
    return pd.DataFrame(rows, live.index, ["live", "recorded", "overlap"])


def draw_beside(
    live: pd.DataFrame,
    recorded: pd.DataFrame,
    *,
    count: str,
    xlabel: str,
    title: str = "",
    reference: float | None = None,
) -> Figure:
    """Recorded intervals in black above live ones in colour.

    `count` says how much was run live, such as ``"30 sentences"``.
    """
    both = pd.concat([recorded, live])
    labels = [f"{name}, recorded".replace("_", " ") for name in recorded.index]
    labels += [f"{name}, {count} live".replace("_", " ") for name in live.index]
    ax = plots.intervals(
        labels,
        *both[list(COLUMNS)].to_numpy().T,
        roles=["truth"] * len(recorded) + ["path"] * len(live),
        reference=reference,
        xlabel=xlabel,
    )
    ax.set_title(title)
    return ax.figure
