"""Figures of the training notebook; every function returns its figure."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
import pennylane as qml
import torch
from matplotlib.figure import Figure

from qglib import plots
from qglib.quantum import circuits


def draw_circuit(qubits: int) -> Figure:
    """One layer of the quantum head: embedding, trainable rotations, ring."""
    qnode, shapes, _ = circuits.reuploading("default.qubit", qubits, 1)
    fig, _ = qml.draw_mpl(qnode, style="pennylane", decimals=None)(
        torch.zeros(qubits), torch.zeros(shapes["weights"])
    )
    # PennyLane places its axes by hand, which constrained layout warns about
    fig.set_layout_engine("none")
    fig.set_size_inches(9, 0.45 * qubits + 1)
    fig.suptitle("One layer: embed a word's angles, rotate, entangle neighbours")
    return fig


def draw_heads(scores: pd.DataFrame, floor: Mapping[str, float]) -> Figure:
    """Test F1 of every head: a dot per seed, a bar for the mean, floors dashed."""
    heads = list(dict.fromkeys(scores["head"]))
    fig, ax = plt.subplots(figsize=(7, 0.6 * len(heads) + 1.2))
    for row, name in enumerate(heads):
        mine = scores.loc[scores["head"] == name, "f1"]
        color = plots.ROLES["quantum" if name == "quantum" else "classical"]
        ax.plot(mine, [row] * len(mine), "o", color=color, alpha=0.6)
        ax.plot(mine.mean(), row, "|", color=color, markersize=22, markeredgewidth=3)
    for label, value in floor.items():
        ax.axvline(value, color=plots.ROLES["null"], linestyle="--")
        ax.text(value, -0.62, f" {label}", color=plots.ROLES["null"], va="bottom")
    ax.set_yticks(range(len(heads)), heads)
    ax.set_ylim(len(heads) - 0.5, -0.7)
    ax.set_xlabel("test entity F1 (dots: seeds, bar: their mean)")
    means = scores.groupby("head")["f1"].mean()
    title = f"Frozen encoder: {means.idxmax()} leads"
    if {"quantum", "bottleneck"} <= set(heads):
        gap = means["quantum"] - means["bottleneck"]
        title += f"; quantum {gap:+.3f} to its classical control"
    ax.set_title(title, pad=18)
    return fig


def draw_history(history: pd.DataFrame) -> Figure:
    """Dev F1 and training loss after every epoch of fine-tuning."""
    fig, axes = plt.subplots(1, 2, figsize=(8, 3))
    for ax, column, label in zip(
        axes, ("dev_f1", "loss"), ("dev entity F1", "training loss (nats)"), strict=True
    ):
        ax.plot(history["epoch"], history[column], "o-", color=plots.PALETTE["blue"])
        ax.set_xlabel("epoch")
        ax.set_ylabel(label)
        ax.set_xticks(history["epoch"])
    axes[0].set_ylim(0, 1)
    best = history.loc[history["dev_f1"].idxmax()]
    axes[0].set_title(f"Best dev F1 {best['dev_f1']:.2f}, epoch {best['epoch']:.0f}")
    axes[1].set_title("Loss while it learns")
    return fig


def draw_subsets(subsets: pd.DataFrame) -> Figure:
    """Entity F1 on the parts of the test set, the whole test set dotted.

    Parts without an entity are left out.
    """
    wanted = ("seen", "unseen", "other sentences", "ambiguous sentences")
    rows = [name for name in wanted if subsets["support"].get(name, 0) > 0]
    if not rows:
        raise ValueError("subsets: no part of the test set holds an entity")
    fig, ax = plt.subplots(figsize=(7, 0.55 * len(rows) + 1.2))
    ax.barh(rows, subsets.loc[rows, "f1"], color=plots.PALETTE["sky"])
    for row, name in enumerate(rows):
        count = int(subsets.loc[name, "support"])
        ax.text(0.01, row, f"{count} entities", va="center")
    whole = subsets.loc["all", "f1"]
    ax.axvline(whole, color=plots.ROLES["truth"], linestyle=":")
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    ax.set_xlabel("entity F1 (dotted: all test entities)")
    worst = subsets.loc[rows, "f1"].idxmin()
    ax.set_title(f"Hardest part: {worst}")
    return fig
