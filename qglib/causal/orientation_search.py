"""Searching an orientation problem: guessing, annealing and QAOA beside the exact one.

The headline is the chance that one sample is an optimum, and the gap in nats; an
approximation ratio would mostly measure how large the penalty is.

Source: Farhi, Goldstone & Gutmann, arXiv:1411.4028; annealing, Kirkpatrick, Gelatt
& Vecchi, Science 220 (1983) 671.
"""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qglib import plots
from qglib.causal.orientation import OrientationProblem
from qglib.quantum import qaoa

__all__ = ["anneal", "compare_orientation", "draw_orientation_table"]

_TIE = 1e-9


def anneal(
    values: np.ndarray, evaluations: int, n_runs: int, rng: np.random.Generator
) -> np.ndarray:
    """Lowest cost seen by runs of Metropolis annealing, single bit flips, (n_runs,).

    The temperature falls geometrically from one to a thousandth of the standard
    deviation of the costs.

    Parameters
    ----------
    values: (2**m,) costs.
    evaluations: costs that each run looks at, its start included.
    n_runs: independent runs.
    rng: source of randomness.

    Raises
    ------
    ValueError: fewer than 2 evaluations or 1 run, or costs that are no 2**m
        finite numbers.
    """
    values = np.asarray(values, dtype=float)
    m = len(values).bit_length() - 1
    if m < 1 or len(values) != 2**m or not np.isfinite(values).all():
        raise ValueError(f"values must be 2**m finite costs, got {len(values)}.")
    if evaluations < 2 or n_runs < 1:
        raise ValueError(
            f"evaluations={evaluations}, n_runs={n_runs}: at least 2 and 1 are needed."
        )
    at = rng.integers(0, len(values), n_runs)
    lowest = values[at].copy()
    spread = values.std() or 1.0
    for temperature in spread * np.geomspace(1, 1e-3, evaluations - 1):
        other = at ^ (1 << rng.integers(0, m, n_runs))
        rise = np.maximum(values[other] - values[at], 0.0)
        at = np.where(rng.random(n_runs) < np.exp(-rise / temperature), other, at)
        lowest = np.minimum(lowest, values[at])
    return lowest


def compare_orientation(
    problem: OrientationProblem,
    depth: int,
    rng: np.random.Generator,
    *,
    starts: int = 6,
    looks: int | None = None,
    n_runs: int = 400,
) -> pd.DataFrame:
    """Exact search, guessing, annealing and QAOA on one orientation problem.

    Parameters
    ----------
    problem: from `orientation_problem`.
    depth, starts: of the QAOA.
    rng: source of randomness.
    looks: costs that one run may look at, by default 20 per edge.
    n_runs: runs of the annealing.

    Returns
    -------
    One row per method: ``per_shot``, chance that one sample is an optimum (n/a for
    annealing); ``within_looks``, chance that one run of `looks` samples or
    evaluations holds an optimum; ``gap_nats``, mean cost of a sample (for annealing
    the lowest of a run) above the optimum; ``tuning``, simulated states spent on the
    angles, which ``within_looks`` leaves out, in the QAOA's favour.
    """
    looks = 20 * len(problem.edges) if looks is None else looks
    low = problem.values.min()
    limit = low + _TIE * max(1.0, abs(low))
    uniform = len(problem.optima) / len(problem.values)
    runs = anneal(problem.values, looks, n_runs, rng)
    found = qaoa(problem.values, depth, rng, starts)
    chance = float(found.probabilities[problem.optima].sum())
    rows = {
        "dynamic programming": (1.0, 1.0, 0.0, 0),
        "uniform guessing": (
            uniform,
            1 - (1 - uniform) ** looks,
            float(problem.values.mean() - low),
            0,
        ),
        "simulated annealing": (
            np.nan,
            float((runs <= limit).mean()),
            float(runs.mean() - low),
            0,
        ),
        f"QAOA, depth {depth}": (
            chance,
            1 - (1 - chance) ** looks,
            found.expected - low,
            found.evaluations,
        ),
    }
    names = ["per_shot", "within_looks", "gap_nats", "tuning"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def draw_orientation_table(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Chance of an optimum per sample and per run, one group of bars per problem.

    Parameters
    ----------
    tables: name of the problem -> table of `compare_orientation`.
    """
    kinds = ("dynamic programming", "simulated annealing", "QAOA", "uniform guessing")
    roles = ("truth", "classical", "quantum", "null")
    fig, axs = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
    titles = ("One sample", "One run of 20 samples per edge")
    for ax, column, title in zip(
        axs, ("per_shot", "within_looks"), titles, strict=True
    ):
        for place, (kind, role) in enumerate(zip(kinds, roles, strict=True)):
            heights = [
                next(v for n, v in t[column].items() if n.startswith(kind))
                for t in tables.values()
            ]
            at = np.arange(len(tables)) + 0.2 * (place - 1.5)
            ax.bar(at, heights, 0.19, color=plots.ROLES[role], label=kind)
        ax.set_xticks(range(len(tables)), list(tables))
        ax.set_title(title)
    axs[0].set_ylim(0, 1.05)
    axs[0].set_ylabel("chance of an optimal orientation")
    axs[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig
