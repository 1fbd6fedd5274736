"""The figure of many tasks: every head beside the ordinary methods."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from qglib import plots

STYLES = {
    "quantum": ("quantum", "o", "quantum head"),
    "bottleneck": ("classical", "D", "bottleneck head"),
    "mlp_same_size": ("classical", "s", "MLP of the same size"),
    "linear": ("classical", "^", "linear head"),
    "logistic regression": ("truth", "|", "logistic regression"),
    "majority": ("null", "x", "majority or empty"),
}


def draw_tasks(rows: pd.DataFrame) -> Figure:
    """Mean test score of every method, one line per task.

    Args:
        rows: columns task, method, metric, mean, sd (over seeds).
    """
    tasks = list(dict.fromkeys(rows["task"]))
    fig, ax = plt.subplots(figsize=(8, 0.42 * len(tasks) + 1.6))
    shown = [name for name in STYLES if name in set(rows["method"])]
    for number, name in enumerate(shown):
        role, marker, label = STYLES[name]
        mine = rows[rows["method"] == name].set_index("task").reindex(tasks)
        color = plots.ROLES.get(role, plots.PALETTE["blue"])
        heights = [k + 0.1 * (number - (len(shown) - 1) / 2) for k in range(len(tasks))]
        ax.errorbar(
            mine["mean"], heights, xerr=mine["sd"], fmt=marker, color=color,
            markersize=9 if marker == "|" else 5, linewidth=1, label=label,
            markeredgewidth=2 if marker in "|x" else 1,
        )  # fmt: skip
    metrics = rows.drop_duplicates("task").set_index("task")["metric"]
    names = [f"{t} ({metrics[t]})".replace("_", " ") for t in tasks]
    ax.set_yticks(range(len(tasks)), names)
    ax.set_ylim(len(tasks) - 0.5, -0.5)
    ax.set_xlabel("test score, mean and deviation over seeds (1 is perfect)")
    ax.set_title(_finding(rows))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return fig


RIVALS = ("mlp_same_size", "bottleneck", "linear", "logistic regression")


def draw_gains(rows: pd.DataFrame, methods: Sequence[str] = RIVALS) -> Figure:
    """Quantum head minus each rival with its interval, one line per task.

    Args:
        rows: columns task, method, difference, low, high (paired over seeds).
        methods: the rivals, one panel each.

    Raises:
        ValueError: when a rival has no row.
    """
    tasks = list(dict.fromkeys(rows["task"]))
    lacking = [m for m in methods if m not in set(rows["method"])]
    if lacking:
        raise ValueError(f"rows hold no method {lacking[0]!r}: see rows['method']")
    size = (2.6 * len(methods) + 1.4, 0.3 * len(tasks) + 1.4)
    fig, axes = plt.subplots(1, len(methods), figsize=size, sharey=True, squeeze=False)
    for ax, method in zip(axes[0], methods, strict=True):
        mine = rows[rows["method"] == method].set_index("task").reindex(tasks)
        roles = [
            "null" if low <= 0 <= high else "quantum" if low > 0 else "classical"
            for low, high in zip(mine["low"], mine["high"], strict=True)
        ]
        plots.intervals(
            [t.replace("_", " ") for t in tasks],
            mine["difference"], mine["low"], mine["high"],
            roles=roles, xlabel="difference", ax=ax,
        )  # fmt: skip
        won, lost = roles.count("quantum"), roles.count("classical")
        label = STYLES.get(method, ("", "", method))[2]
        ax.set_title(f"{label}\nwon {won}, lost {lost}", fontsize=10)
    fig.suptitle("Quantum head minus the rival (95 %, over seeds)")
    return fig


def _finding(rows: pd.DataFrame) -> str:
    means = rows.pivot_table(index="task", columns="method", values="mean")
    rivals = means.drop(columns=["quantum", "random"], errors="ignore").max(axis=1)
    wins = int((means["quantum"] > rivals).sum()) if "quantum" in means else 0
    return f"The quantum head's mean is above every rival's in {wins} of {len(means)}"
