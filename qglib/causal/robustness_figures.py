"""Figures of control tasks, of a planted cue and of what augmentation does to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from qglib import plots

__all__ = ["draw_augmentation", "draw_controls", "draw_cue"]


def draw_controls(table: pd.DataFrame) -> Figure:
    """Effects on tasks side by side, from `control_effects`; more tasks may follow.

    Parameters
    ----------
    table: index (task, kind), the same kinds for every task.
    """
    tasks = list(table.index.get_level_values("task").unique())
    size = (1.6 + 3.8 * len(tasks), 3.9)
    fig, axs = plt.subplots(1, len(tasks), figsize=size, sharex=True, sharey=True)
    for ax, task in zip(np.atleast_1d(axs), tasks, strict=True):
        part = table.loc[task]
        plots.intervals(
            [kind.replace("_", " ") for kind in part.index],
            part["effect"],
            part["low"],
            part["high"],
            roles=["null" if k == "whitespace" else "path" for k in part.index],
            xlabel="change of p(true label)",
            ax=ax,
        )
        largest = part["effect"].abs().idxmax().replace("_", " ")
        ax.set_title(f"Task {task}: {largest} most")
    return fig


def draw_cue(table: pd.DataFrame) -> Figure:
    """Share of decisions that the word at each place moves, from `cue_by_place`."""
    fig, ax = plt.subplots(figsize=(7, 3.6))
    best = table["flip_rate"].idxmax()
    plots.intervals(
        [f"{offset:+d}" for offset in table.index],
        table["flip_rate"],
        table["flip_low"],
        table["flip_high"],
        roles=["path" if offset == best else "null" for offset in table.index],
        xlabel="share of decisions that change",
        ax=ax,
    )
    ax.set_ylabel("place beside the entity")
    ax.set_title(f"The tagger leans on the word at place {best:+d}")
    return fig


def draw_augmentation(summary: pd.DataFrame) -> Figure:
    """Entity F1 with the cue intact and broken, from `compare_augmentations`.

    Left the three trainings, right what the counterfactual copies change.
    """
    fig, axs = plt.subplots(1, 2, figsize=(10.5, 3.4))
    arms = ["plain", "random", "counterfactual"]
    for shift, key, role, label in (
        (-0.12, "in_f1", "null", "cue intact"),
        (0.12, "out_f1", "path", "cue broken"),
    ):
        part = summary.loc[arms]
        rows = [k + shift for k in range(len(arms))]
        colour = plots.ROLES[role]
        ends = part[f"{key}_low"], part[f"{key}_high"]
        axs[0].hlines(rows, *ends, color=colour, linewidth=2.5)
        axs[0].plot(part[key], rows, "o", color=colour, label=label)
    axs[0].set_yticks(range(len(arms)), arms)
    axs[0].set_ylim(len(arms) - 0.5, -0.5)
    axs[0].set_xlabel("entity F1")
    axs[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    pairs = ["counterfactual - plain", "random - plain", "counterfactual - random"]
    part = summary.loc[pairs]
    plots.intervals(
        [name.replace(" - ", "\nminus ") for name in pairs],
        part["out_f1"],
        part["out_f1_low"],
        part["out_f1_high"],
        roles=["path", "null", "path"],
        xlabel="difference of entity F1, cue broken",
        ax=axs[1],
    )
    gaps = summary.loc[["plain", "counterfactual"], "gap"]
    axs[0].set_title(
        f"Loss by the broken cue: {gaps.iloc[0]:.2f}, then {gaps.iloc[1]:.2f}"
    )
    row = part.iloc[0]
    gain = "a gain" if row["out_f1_low"] > 0 else "no clear gain"
    axs[1].set_title(f"Cue broken: {gain} by counterfactuals")
    return fig
