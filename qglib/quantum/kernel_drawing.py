"""The figure of a kernel's bandwidth: what it does to a score and to the kernel."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from qglib import plots

STYLES = {
    "IQP": (plots.ROLES["quantum"], "-"),
    "angles": (plots.PALETTE["sky"], "-"),
    "RBF": (plots.ROLES["classical"], "--"),
}


def draw_bandwidths(table: pd.DataFrame, floor: float) -> Figure:
    """Accuracy and mean kernel value of two samples against the bandwidth.

    Args:
        table: columns kernel, bandwidth, accuracy (cross-validated), overlap (mean of
            the Gram matrix off its diagonal).
        floor: accuracy of the majority class.

    Raises:
        ValueError: when the table is empty.
    """
    if table.empty:
        raise ValueError("table is empty: give at least one kernel and bandwidth")
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.6))
    for kernel, part in table.groupby("kernel", sort=False):
        color, line = STYLES.get(kernel, (plots.PALETTE["purple"], "-"))
        part = part.sort_values("bandwidth")
        for ax, column in zip(axes, ("accuracy", "overlap"), strict=True):
            ax.plot(
                part["bandwidth"], part[column], line, color=color, marker="o", ms=4,
                label=kernel,
            )  # fmt: skip
    axes[0].axhline(floor, color=plots.ROLES["null"], ls=":", label="majority class")
    axes[0].set_ylabel("accuracy, cross-validated")
    axes[1].set_ylabel("mean kernel of two samples")
    axes[1].set_ylim(-0.03, 1.03)
    for ax in axes:
        ax.set_xscale("log")
        ax.set_xlabel("bandwidth")
    best = table.loc[table["accuracy"].idxmax()]
    axes[0].set_title(f"Best: {best['kernel']} at {best['bandwidth']:.2g}")
    axes[1].set_title("Wide: every sample alone")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[1].legend(handles, labels, fontsize=9, loc="lower left")  # no curve there
    return fig
