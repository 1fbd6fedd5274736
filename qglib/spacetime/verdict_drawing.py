"""A picture of what features add on several tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qglib import plots

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def draw_gains(table: pd.DataFrame, ax: Axes) -> Axes:
    """Two intervals per task: what F adds, and what the order itself is worth.

    Args:
        table: from `verdict_table`; a row is labelled by the levels of its index.
        ax: axes to draw in.
    """
    labels = [" | ".join(map(str, key)) for key in table.index]
    apart = 0.17
    for prefix, shift, role, text in (
        ("gain", -apart, "quantum", "baseline + F minus baseline"),
        ("order", apart, "classical", "F alone minus F of shuffled order"),
    ):
        before = len(ax.lines)
        plots.intervals(
            labels,
            table[prefix],
            table[f"{prefix} low"],
            table[f"{prefix} high"],
            ax=ax,
            roles=role,
            reference=0.0 if prefix == "gain" else None,
            xlabel="difference of accuracy, 95 % interval",
        )
        for line in ax.lines[before + (prefix == "gain") :]:
            line.set_ydata([y + shift for y in line.get_ydata()])
        ax.plot([], [], "o-", color=plots.ROLES[role], label=text)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return ax
