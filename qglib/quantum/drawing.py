"""Figures of the studies on circuits: vanishing gradients and optimisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from qglib import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {
    "adam": ("Adam", plots.PALETTE["orange"], "-"),
    "lbfgs": ("L-BFGS", plots.PALETTE["black"], "-"),
    "natural_full": ("natural gradient, full", plots.PALETTE["blue"], "-"),
    "natural_block": ("natural gradient, block", plots.PALETTE["blue"], "--"),
}
"""Name, colour and line of every optimiser of the recorded study."""

_GUIDE = {"color": plots.ROLES["null"], "linestyle": ":", "linewidth": 1.5}
_DEPTHS = ("yellow", "orange", "vermilion", "purple", "blue", "black")


def draw_variances(
    rows: Sequence[Mapping[str, Any]],
    slopes: Sequence[Mapping[str, Any]] = (),
    settings: Sequence[tuple[str, str]] = (
        ("reuploading", "uniform"),
        ("reuploading", "near_identity"),
    ),
) -> Figure:
    """Mean square gradient against the number of qubits, one line per depth.

    Args:
        rows: Rows with circuit, start, observable, qubits, depth, mean_square and
            standard_error, as in ``barren_plateau.json``.
        slopes: Rows with circuit, start, observable, depth and slope; named in the
            legend where given.
        settings: Pairs (circuit, start), one row of panels each; the columns are the
            observables.

    Raises:
        ValueError: when no row belongs to a setting.
    """
    observables = list(dict.fromkeys(row["observable"] for row in rows))
    shape = len(settings), len(observables)
    fig, axes = plt.subplots(
        *shape, figsize=(4.3 * shape[1], 3.1 * shape[0]), sharey=True, squeeze=False
    )
    for i, (circuit, start) in enumerate(settings):
        for ax, observable in zip(axes[i], observables, strict=True):
            key = {"circuit": circuit, "start": start, "observable": observable}
            _variance_panel(ax, _matching(rows, key), _matching(slopes, key))
            name = {"uniform": "uniform angles", "near_identity": "start near identity"}
            ax.set_title(f"{circuit}, {name.get(start, start)}: {observable}")
        axes[i, 0].set_ylabel("mean square gradient\n(1 / rad²)")
    for ax in axes[-1]:
        ax.set_xlabel("qubits")
    return fig


def _matching(rows: Sequence[Mapping], key: Mapping[str, str]) -> list[Mapping]:
    return [row for row in rows if all(row[k] == v for k, v in key.items())]


def _variance_panel(ax: Any, rows: list[Mapping], slopes: list[Mapping]) -> None:
    if not rows:
        raise ValueError("no row has the circuit and start asked for: see `settings`")
    steep = {row["depth"]: row["slope"] for row in slopes}
    depths = sorted({row["depth"] for row in rows})
    for k, depth in enumerate(depths):
        part = sorted(_matching(rows, {"depth": depth}), key=lambda r: r["qubits"])
        n = np.array([row["qubits"] for row in part])
        values = np.array([row["mean_square"] for row in part])
        error = 2 * np.array([row["standard_error"] for row in part])
        label = f"{depth} layer{'s' if depth > 1 else ''}"
        if depth in steep:
            label += f", slope {steep[depth]:.2f}"
        color = plots.PALETTE[_DEPTHS[k % len(_DEPTHS)]]
        ax.errorbar(n, values, error, color=color, marker="o", ms=4, label=label)
    n = np.array([min(n), max(n)])
    ax.plot(n, 0.5 * 2.0 ** -(n - n[0]), **_GUIDE, label="halved by every qubit")
    ax.set_yscale("log", base=2)
    ax.legend(fontsize=8, loc="lower left")


def draw_convergence(
    rows: Sequence[Mapping[str, Any]],
    every: int = 5,
    titles: Mapping[str, str] | None = None,
) -> Figure:
    """Median loss against iterations, one panel a problem, one line a method.

    Args:
        rows: Rows with problem, method, target and curve (losses every ``every``
            iterations), as in ``natural_gradient.json``.
        every: Iterations between two entries of a curve.
        titles: Titles of the panels by problem; the problem's name by default.
    """
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    columns = min(2, len(problems))
    lines = -(-len(problems) // columns)
    fig, axes = plt.subplots(
        lines, columns, figsize=(4.3 * columns, 3.0 * lines), squeeze=False
    )
    for ax in axes.flat[len(problems) :]:
        ax.set_axis_off()
    for ax, problem in zip(axes.flat, problems, strict=False):
        part = _matching(rows, {"problem": problem})
        for row in part:
            name, color, line = METHODS.get(row["method"], (row["method"], None, "-"))
            losses = np.maximum(np.asarray(row["curve"], float), 1e-9)
            steps = every * np.arange(len(losses))
            ax.plot(steps, losses, line, color=color, label=name)
        ax.axhline(part[0]["target"], **_GUIDE, label="target")
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(1e-4, ax.get_ylim()[0]))
        ax.set_title((titles or {}).get(problem, problem))
        ax.set_xlabel("iterations")
    for ax in axes[:, 0]:
        ax.set_ylabel("loss (median of seeds)")
    axes.flat[0].legend(fontsize=8)
    return fig


def draw_costs(runs: Mapping[str, Sequence[Any]], target: float) -> Figure:
    """Loss against iterations and against circuits, one thin line a run.

    Args:
        runs: name of the optimiser to its runs (`qglib.quantum.descent.Descent`).
        target: loss that counts as reached; drawn as a line.

    Raises:
        ValueError: when there is no run.
    """
    if not any(runs.values()):
        raise ValueError("runs is empty: give at least one run of one optimiser")
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True)
    for method, several in runs.items():
        name, color, line = METHODS.get(method, (method, None, "-"))
        for k, run in enumerate(several):
            losses = np.maximum(np.asarray(run.losses, float), 1e-9)
            label = name if not k else None
            steps = np.arange(len(losses))
            axes[0].plot(steps, losses, line, color=color, lw=1.2, label=label)
            spent = np.asarray(run.circuits, float)
            axes[1].plot(spent[1:], losses[1:], line, color=color, lw=1.2)
    for ax in axes:
        ax.axhline(target, **_GUIDE)
        ax.set_yscale("log")
    axes[1].set_xscale("log")
    axes[0].set_xlabel("iterations")
    axes[1].set_xlabel("circuits on hardware (counted)")
    axes[0].set_ylabel("loss (dotted: target)")
    axes[0].set_title("What a step brings")
    axes[1].set_title("What it costs")
    axes[0].legend(fontsize=9)
    return fig
