"""Sweeps: one notebook over a grid of parameters, and what the points say together."""

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from qglib import parameters, plots, stats
from qglib.parallel import Point, point

RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")  # both ends belong to it
MOST_PANELS = 4


def axes(notebook: Path, texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read ``name=1,2,4`` and ``name=0..9`` by the declared types.

    A value twice, and what `parameters.assign` refuses, is a ValueError or TypeError.
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        words: Sequence[Any] = values.split(",")
        if span := RANGE.fullmatch(values):
            words = range(int(span[1]), int(span[2]) + 1)
        if not words:
            raise ValueError(f"{text!r}: the range ends before it begins.")
        assigned = (
            parameters.assign([notebook], [f"{name}{equals}{word}"]) for word in words
        )
        read = [given[notebook][name] for given in assigned]
        if name in found or len({str(one) for one in read}) < len(read):
            raise ValueError(f"{text!r}: {name} or one of its values is given twice.")
        found[name] = read
    return found


def grid(
    notebook: Path,
    varied: Mapping[str, Sequence[Any]],
    fixed: Mapping[str, Any],
    out: Path,
) -> list[Point]:
    """Every combination of the varied values, the last name fastest.

    Nothing varied, or a name that is varied and fixed, is a ValueError.
    """
    both = varied.keys() & fixed.keys()
    if not varied or both:
        fault = f"{', '.join(both)} is varied and fixed" if both else "nothing varies"
        raise ValueError(f"{fault}: give -g name=value,value for what varies.")
    combined = itertools.product(*varied.values())
    chosen = (dict(zip(varied, values, strict=True)) for values in combined)
    return [point(notebook, {**fixed, **one}, out) for one in chosen]


def table(points: Sequence[Point], results: Sequence[Any]) -> pd.DataFrame:
    """One row a point: parameters, results, simulator and seconds; or why it failed.

    A result that is called like a parameter gets the ending ``_result``.
    """
    rows = []
    for one, result in zip(points, results, strict=True):
        row = {"point": one.folder.name, "status": "failed", "error": "", **one.given}
        if isinstance(result, Exception):
            row["error"] = str(result) or type(result).__name__
        else:
            asked, ran = dict(result["parameters"]), result["provenance"]
            asked.pop("out_dir", None)
            found = result["results"].items()
            named = {f"{k}_result" if k in asked else k: v for k, v in found}
            row |= {"status": "done", **asked, **named, "headline": result["headline"]}
            row |= {"ran_on": ran["device"], "seconds": ran["seconds"]}
        rows.append(row)
    return pd.DataFrame(rows)


def save(frame: pd.DataFrame, out: Path) -> None:
    """Write ``table.csv`` and ``table.parquet``; values of several types as text."""
    out.mkdir(parents=True, exist_ok=True)
    whole = frame.convert_dtypes()
    whole = whole.astype(dict.fromkeys(whole.select_dtypes("object"), "string"))
    for name, write in (("csv", whole.to_csv), ("parquet", whole.to_parquet)):
        beside = out / f".table.{os.getpid()}"
        write(beside, index=False)
        os.replace(beside, out / f"table.{name}")  # complete or not at all


def compared(
    frame: pd.DataFrame, varied: Sequence[str], results: Sequence[str] = ()
) -> pd.DataFrame:
    """Mean of results over the seeds with its 95 % t interval, by what else varies.

    Args:
        frame: from `table`, with a finished point.
        varied: names of the grid; ``seed`` is the independent unit.
        results: columns; without any, the first four numbers that differ by point.
            An unknown one, or one that is no number, is a ValueError.

    Returns:
        One row for each setting and result: setting, result, n, mean, low, high; one
        run of a setting has no interval, low and high are NaN.
    """
    done = frame[frame["status"] == "done"]
    hidden = ["seconds", *varied]
    numbers = done.select_dtypes("number").drop(columns=hidden, errors="ignore")
    moved = numbers.max() - numbers.min() > 1e-9 * numbers.abs().max()
    differing = list(numbers.columns[moved]) or list(numbers)
    chosen = list(results) or differing[:MOST_PANELS]
    if not chosen or set(chosen) - set(numbers):
        raise ValueError(f"results {chosen}: choose among {', '.join(numbers)}.")
    settings = done[[name for name in varied if name != "seed"]].to_dict("records")
    said = [", ".join(f"{k}={v}" for k, v in one.items()) for one in settings]
    long = done[chosen].assign(setting=[text or "all points" for text in said])
    long = long.melt("setting", var_name="result").dropna()
    rows = []
    for names, part in long.groupby(["setting", "result"], sort=False)["value"]:
        mean, *ends = stats.mean_interval(part)
        rows.append((*names, len(part), mean, *(ends if len(part) > 1 else (nan, nan))))
    return pd.DataFrame(rows, columns=["setting", "result", "n", *stats.COLUMNS])


def draw(means: pd.DataFrame) -> Figure:
    """One panel for each result of `compared`, one interval for each setting."""
    plots.style()
    panels = means.groupby("result", sort=False)
    size = (2.5 + 3.5 * len(panels), 1.4 + 0.38 * means["setting"].nunique())
    fig, row = plots.plt.subplots(
        1, len(panels), figsize=size, sharey=True, squeeze=False
    )
    for ax, (name, part) in zip(row[0], panels, strict=True):
        numbers = (part[key] for key in ("mean", "low", "high"))
        label = name.replace("_", " ")
        plots.intervals(
            list(part["setting"]), *numbers, reference=None, xlabel=label, ax=ax
        )
        ax.locator_params(axis="x", nbins=5)
    seeds = " to ".join(map(str, sorted({means["n"].min(), most := means["n"].max()})))
    said = f"Mean over {seeds} seeds with 95 % interval"
    fig.suptitle(said if most > 1 else "One run each: no interval", x=0.01, ha="left")
    return fig
