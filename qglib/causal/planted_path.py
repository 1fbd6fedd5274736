"""A path hidden in clutter: can the longest chain find it, and is it significant?

Points scatter evenly over a box of time and place; `k` more lie on a smooth curve.
The longest chain under a speed limit is the optimal path of event data; its length
is compared with sprinklings without a curve, and its points with the planted ones. A
greedy tracker and a Viterbi tracker with a smooth prior do the same.

Source: Arias-Castro, Donoho, Huo & Tovey, Adv. Appl. Prob. 37 (2005) 571 (the longest
chain as a test); Viterbi, IEEE Trans. Inf. Theory 13 (1967) 260.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qglib import plots
from qglib.causal.trackers import TRACKERS, chain_track

__all__ = [
    "Clutter",
    "draw_planted_path",
    "plant_path",
    "planted_path_power",
]


@dataclass(frozen=True)
class Clutter:
    """Points of the unit square, ascending in time.

    Attributes
    ----------
    times, places: (n,) floats.
    planted: (n,) booleans, true on the hidden curve.
    """

    times: np.ndarray
    places: np.ndarray
    planted: np.ndarray


def plant_path(n_clutter: int, k: int, rng: np.random.Generator) -> Clutter:
    """Even clutter, and `k` points at even times on a random smooth curve.

    The curve is 1/2 + sum over m = 1..4 of .06 a_m / m sin(m pi t), a_m normal.

    Raises
    ------
    ValueError: negative counts, or no point at all.
    """
    if n_clutter < 0 or k < 0 or n_clutter + k < 1:
        raise ValueError(
            f"n_clutter={n_clutter}, k={k}: none below 0, one point at least."
        )
    t = rng.random(k)
    modes = np.arange(1, 5)
    heights = 0.06 * rng.standard_normal(4) / modes
    x = 0.5 + np.sin(np.pi * t[:, None] * modes) @ heights
    times = np.concatenate([rng.random(n_clutter), t])
    places = np.concatenate([rng.random(n_clutter), x])
    order = np.argsort(times)
    planted = np.arange(n_clutter + k) >= n_clutter
    return Clutter(times[order], places[order], planted[order])


def planted_path_power(
    planted: Sequence[int],
    rng: np.random.Generator,
    n_clutter: int = 1000,
    n_trials: int = 20,
    n_null: int = 100,
    level: float = 0.05,
) -> pd.DataFrame:
    """Power, recall and precision of each tracker against the number planted.

    The threshold of each tracker is the 1 - level quantile of its own statistic over
    clutter with as many points in total; all see the same data.

    Returns
    -------
    One row per number and tracker: ``k``, ``tracker``, ``statistic`` (mean),
    ``power``, ``recall``, ``precision`` (means), ``recall_se``.
    """
    if n_trials < 2 or n_null < 19:
        raise ValueError(
            f"n_trials={n_trials}, n_null={n_null}: at least 2 and 19 are needed."
        )
    rows = []
    for k in planted:
        empty = [plant_path(n_clutter + k, 0, rng) for _ in range(n_null)]
        scenes = [plant_path(n_clutter, k, rng) for _ in range(n_trials)]
        for name, tracker in TRACKERS.items():
            null = [tracker(s.times, s.places)[1] for s in empty]
            bar = np.quantile(null, 1 - level, method="higher")
            found = [tracker(s.times, s.places) for s in scenes]
            hits = [
                int(s.planted[f].sum()) for s, (f, _) in zip(scenes, found, strict=True)
            ]
            recall = np.array(hits) / max(k, 1)
            rows.append(
                {
                    "k": k,
                    "tracker": name,
                    "statistic": float(np.mean([value for _, value in found])),
                    "power": float(np.mean([value > bar for _, value in found])),
                    "recall": float(recall.mean()),
                    "recall_se": float(recall.std(ddof=1) / np.sqrt(n_trials)),
                    "precision": float(
                        np.mean(
                            [h / len(f) for h, (f, _) in zip(hits, found, strict=True)]
                        )
                    ),
                }
            )
    return pd.DataFrame(rows)


def draw_planted_path(scene: Clutter, table: pd.DataFrame) -> Figure:
    """One scene with its longest chain, and recall and power by number planted."""
    fig, axs = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    axs[0].scatter(scene.times, scene.places, s=4, color=plots.ROLES["null"])
    hidden = scene.planted
    truth = plots.ROLES["truth"]
    axs[0].scatter(
        scene.times[hidden], scene.places[hidden], s=22, color=truth, label="planted"
    )
    track, _ = chain_track(scene.times, scene.places)
    axs[0].plot(
        scene.times[track],
        scene.places[track],
        color=plots.ROLES["path"],
        lw=1.2,
        label="longest chain",
    )
    axs[0].set(
        xlabel="time", ylabel="place", title=f"{int(hidden.sum())} points planted"
    )
    axs[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    roles = dict(zip(TRACKERS, ("path", "null", "classical"), strict=True))
    for ax, column in zip(axs[1:], ("recall", "power"), strict=True):
        for name, part in table.groupby("tracker", sort=False):
            style = "s--" if name == "greedy" else "o-"
            ax.plot(
                part["k"],
                part[column],
                style,
                color=plots.ROLES[roles[name]],
                label=name,
            )
        ax.set(xlabel="points planted", ylabel=column, ylim=(-0.03, 1.03))
    axs[1].set_title("Share of the planted points found")
    axs[2].set_title("Chance to notice the path (level 0.05)")
    axs[2].legend(loc="lower right")
    return fig
