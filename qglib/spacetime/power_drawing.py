"""Tables and figure of a recorded power benchmark of independence tests.

The record is the dictionary read from ``data/reference/results/independence_power
.json``: power of every test on the same samples, with paired differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from qglib import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAIN = "causal_set"


def power_summary(record: Mapping[str, Any]) -> pd.DataFrame:
    """Headline of the benchmark, one row per test, best mean power first.

    Args:
        record: the recorded benchmark.

    Returns:
        Index: tests. Columns: mean power over the 18 alternatives and nine cells;
        `ahead`, `low`, `high`: causal set minus this test, with the 95 % interval
        over simulations (NaN in its own row); size: largest rejection rate on the
        independent simulation over the sample sizes; one column per other family
        of pairs.

    Raises:
        ValueError: a key of the record is missing.
    """
    for key in ("headline", "differences", "families"):
        if key not in record:
            raise ValueError(
                f"record has no {key!r}: pass the whole content of "
                "independence_power.json"
            )
    families = list(dict.fromkeys(row["family"] for row in record["families"]))
    rows = {}
    for name, values in record["headline"].items():
        gap = record["differences"].get(name, {}).get("nine_cells", {})
        rows[name] = {
            "mean power": values["mean_18"],
            "ahead": gap.get("mean", np.nan),
            "low": gap.get("low", np.nan),
            "high": gap.get("high", np.nan),
            "size": max(values["size"]),
            **{family: values[family] for family in families},
        }
    return pd.DataFrame.from_dict(rows, orient="index").sort_values(
        "mean power", ascending=False
    )


def power_differences(record: Mapping[str, Any], rival: str = "mgc") -> pd.DataFrame:
    """Paired difference of power to one rival, simulation by simulation.

    Returns:
        Columns simulation, both powers (means over noise 1 and 2 and the sample
        sizes), difference, low, high (95 % sampling interval); largest difference
        first.

    Raises:
        ValueError: no such rival.
    """
    methods = list(record["methods"])
    if rival not in methods or rival == _MAIN:
        raise ValueError(
            f"rival is {rival!r}: choose one of {[m for m in methods if m != _MAIN]}"
        )
    rows = []
    for row in record["per_simulation"]:
        difference, low, high = row["minus"][rival]
        rows.append(
            {
                "simulation": row["simulation"],
                _MAIN: row["power"][methods.index(_MAIN)],
                rival: row["power"][methods.index(rival)],
                "difference": difference,
                "low": low,
                "high": high,
            }
        )
    table = pd.DataFrame(rows).sort_values("difference", ascending=False)
    return table.reset_index(drop=True)


def draw_power(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Differences of power by simulation, sorted, with their intervals.

    Args:
        table: from `power_differences`; columns simulation, difference, low, high.
        ax: where to draw; a new figure if absent.

    Returns:
        The axes; filled marks where the interval leaves zero out.
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(6, 0.28 * len(table) + 1), layout="constrained")
    table = table.sort_values("difference")
    clear = (table["low"] > 0) | (table["high"] < 0)
    for row, (_, line) in enumerate(table.iterrows()):
        colour = plots.PALETTE["blue" if line["difference"] >= 0 else "vermilion"]
        ax.plot([line["low"], line["high"]], [row, row], color=colour, lw=1.5)
        face = colour if clear.loc[line.name] else "white"
        ax.plot(line["difference"], row, "o", color=colour, mfc=face)
    ax.axvline(0, color="0.4", lw=1)
    ax.set_yticks(range(len(table)), table["simulation"].str.replace("_", " "))
    ax.set_xlabel("power of the causal-set test minus the rival's")
    return ax


def power_contests(
    record: Mapping[str, Any], rivals: Sequence[str] = ("mgc", "kendall")
) -> pd.DataFrame:
    """Cells won, tied and lost against rivals, and where a rival is clearly better.

    Args:
        record: the recorded benchmark.
        rivals: rows of the table.

    Returns:
        One column per noise level, "won / tied / lost" over simulations and sample
        sizes (a tie is within two standard errors or 0.02), and `better on`: the
        simulations where the rival's lead has an interval clear of zero.

    Raises:
        ValueError: as `power_differences`.
    """
    rows = {}
    for rival in rivals:
        table = power_differences(record, rival)
        behind = table[table.high < 0].simulation.str.replace("_", " ")
        cells = record["win_tie_loss"][rival]
        rows[rival] = {
            level.replace("kappa_", "noise "): " / ".join(map(str, score))
            for level, score in cells.items()
        } | {"better on": ", ".join(behind) or "nowhere"}
    return pd.DataFrame.from_dict(rows, orient="index")


def recipe_gaps(record: Mapping[str, Any], split: str = "validation") -> pd.DataFrame:
    """Mean power of other forms of the test minus that of the recipe.

    Args:
        record: the content of ``recipe_choice.json``.
        split: "training" or "validation" structures.

    Returns:
        Index: forms, the weakest first. Columns power, difference, low, high (95 %
        interval over structures, paired).
    """
    rows = {
        row["form"].replace("_", " "): {
            "power": row["power"]["mean"],
            "difference": row["minus_recipe"]["mean"],
            "low": row["minus_recipe"]["low"],
            "high": row["minus_recipe"]["high"],
        }
        for row in record["all_sizes"][split]
        if "minus_recipe" in row
    }
    return pd.DataFrame.from_dict(rows, orient="index").sort_values("difference")
