"""Figures of interventions on text, each from the table that it shows."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from qglib import plots

__all__ = ["draw_contrast", "draw_effects", "draw_flips"]


def draw_effects(table: pd.DataFrame) -> Figure:
    """Effects and flip rates of `text_effects`, the placebo in grey."""
    names = [kind.replace("_", " ") for kind in table.index]
    roles = ["null" if kind == "whitespace" else "path" for kind in table.index]
    fig, axs = plt.subplots(1, 2, figsize=(10, 3.9), sharey=True)
    plots.intervals(
        names,
        table["effect"],
        table["low"],
        table["high"],
        roles=roles,
        xlabel="change of p(true label)",
        ax=axs[0],
    )
    plots.intervals(
        names,
        table["flip_rate"],
        table["flip_low"],
        table["flip_high"],
        roles=roles,
        xlabel="share of decisions that change",
        ax=axs[1],
    )
    strongest = str(table["effect"].abs().idxmax()).replace("_", " ")
    axs[0].set_title(f"The largest effect: {strongest}")
    axs[1].set_title("White space (placebo) changes nothing")
    return fig


def draw_flips(table: pd.DataFrame) -> Figure:
    """Model and true flip rates of `planted_table_of_errors`."""
    words = {"C": "frame", "ORDER": "order", "N": "adverb", "H": "capitals"}
    names = [f"{words.get(v, v)}, {s} name" for v, s in table.index]
    fig, ax = plt.subplots(figsize=(8.5, 4.2))
    plots.intervals(
        names,
        table["model_flip"],
        table["low"],
        table["high"],
        roles="path",
        reference=None,
        xlabel="share of labels that change",
        ax=ax,
    )
    truth = {"color": plots.ROLES["truth"], "markerfacecolor": "none"}
    ax.plot(table["true_flip"], range(len(table)), "D", ms=9, label="truth", **truth)
    ax.plot([], [], "o-", color=plots.ROLES["path"], label="tagger")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    ax.set_xlim(-0.04, 1.04)
    ax.set_title("Where the truth moves, and where the tagger moves")
    return fig


def draw_contrast(table: pd.DataFrame) -> Figure:
    """The three rows of `strata_contrast`; the title says whether they differ."""
    low, high = table.loc["difference", ["low", "high"]]
    finding = "no clear difference" if low <= 0 <= high else "they differ"
    fig, ax = plt.subplots(figsize=(8.5, 2.6))
    plots.intervals(
        ["ambiguous names", "unambiguous names", "difference"],
        table["effect"],
        table["low"],
        table["high"],
        roles=["path", "null", "truth"],
        xlabel="mean size of the change of p(true label)",
        ax=ax,
    )
    ax.set_title(f"Names exchanged, where it must and must not matter: {finding}")
    return fig
