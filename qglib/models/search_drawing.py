"""Figures of the head search, its learning curve and its ablation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import optuna
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna.trial import TrialState

from qglib import plots
from qglib.models.head_variants import CLASSICAL

COLORS = {
    "linear": plots.PALETTE["black"],
    "mlp": plots.PALETTE["vermilion"],
    "mlp:8": plots.PALETTE["vermilion"],
    "bottleneck": plots.PALETTE["orange"],
    "quantum": plots.PALETTE["blue"],
    "residual": plots.PALETTE["sky"],
}
OTHER = plots.PALETTE["purple"]
LEAST = 4  # complete trials from which an importance is computed


def importances(study: optuna.Study, seed: int = 0) -> dict[str, float]:
    """Share of the variance of dev F1 per parameter that all trials have (fANOVA).

    Empty with fewer than four complete trials or when all scored the same.
    """
    done = study.get_trials(states=(TrialState.COMPLETE,))
    if len(done) < LEAST or len({t.value for t in done}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
    return optuna.importance.get_param_importances(study, evaluator=evaluator)


def draw_search(study: optuna.Study, seed: int = 0) -> Figure:
    """History with the best so far, importance of parameters, slice by rate.

    Raises
    ------
    ValueError
        no complete trial.
    """
    trials = [
        t
        for t in study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
        if t.intermediate_values
    ]
    done = [t for t in trials if t.state == TrialState.COMPLETE]
    if not done:
        raise ValueError("study: no trial is complete; run search_heads first")
    scores = [max(t.intermediate_values.values()) for t in trials]
    fig, (history, bars, by_rate) = plt.subplots(1, 3, figsize=(12, 3.6))
    order = np.arange(1, len(trials) + 1)
    running = np.array([t.value if t in done else -np.inf for t in trials])
    best = np.maximum.accumulate(running)
    seen = np.isfinite(best)
    history.step(
        order[seen], best[seen], where="post", color=plots.ROLES["truth"], label="best"
    )
    for ax, places in (
        (history, order),
        (by_rate, [t.params["learning_rate"] for t in trials]),
    ):
        named: set[str] = set()
        for head in dict.fromkeys(t.params["head"] for t in trials):
            color = COLORS.get(head, OTHER)
            rows = [k for k, t in enumerate(trials) if t.params["head"] == head]
            for state, fill in ((TrialState.COMPLETE, color), (None, "none")):
                ours = [
                    k for k in rows if (trials[k].state == TrialState.COMPLETE)
                    == (state is not None)
                ]  # fmt: skip
                ax.scatter(
                    [places[k] for k in ours], [scores[k] for k in ours], s=36,
                    facecolors=fill, edgecolors=color,
                    label=head if ours and head not in named else None,
                )  # fmt: skip
                named |= {head} if ours else set()
    history.set_xlabel("finished trial (open: pruned)")
    history.set_ylabel("dev entity F1")
    history.set_title(f"Best dev F1 {study.best_value:.3f}")
    by_rate.set_xscale("log")
    by_rate.set_xlabel("learning rate")
    by_rate.set_ylabel("dev entity F1")
    by_rate.set_title(f"Best: {study.best_trial.params['head']}")
    by_rate.legend(fontsize=8)
    share = importances(study, seed)
    names = [name.replace("_", " ") for name in share]
    bars.barh(names, list(share.values()), color=plots.PALETTE["sky"])
    bars.invert_yaxis()
    bars.set_xlim(0, 1)
    bars.set_xlabel("share of the variance (fANOVA)")
    told = f"Matters most: {names[0]}" if names else "Too few trials for importance"
    bars.set_title(told)
    return fig


def draw_learning_curve(record: Mapping[str, Any]) -> Figure:
    """Test F1 against training sentences with intervals, one panel per corpus.

    ``record["summary"]``: rows with corpus, sentences, head, mean, low, high.
    """
    table = record["summary"]
    corpora = list(dict.fromkeys(row["corpus"] for row in table))
    fig, axes = plt.subplots(
        1, len(corpora), figsize=(5 * len(corpora) + 1, 3.8), squeeze=False
    )
    for ax, corpus in zip(axes[0], corpora, strict=True):
        mine = [row for row in table if row["corpus"] == corpus]
        heads = list(dict.fromkeys(row["head"] for row in mine))
        for place, head in enumerate(heads):
            _draw_curve(ax, [r for r in mine if r["head"] == head], place, len(heads))
        sizes = sorted({row["sentences"] for row in mine})
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.set_xlabel("training sentences")
        ax.set_ylabel("test entity F1 (bars: 95 %, seeds)")
        few = [row for row in mine if row["sentences"] == sizes[0]]
        first = max(few, key=lambda row: row["mean"])["head"]
        ax.set_title(f"{corpus}: {first} leads at {sizes[0]}")
    axes[0, -1].legend(fontsize=8, loc="lower right")
    return fig


def _draw_curve(ax: Axes, rows: list[Mapping[str, Any]], place: int, of: int) -> None:
    # beside one another, so that the bars do not hide each other
    x = [r["sentences"] * 1.04 ** (place - (of - 1) / 2) for r in rows]
    middle = np.array([r["mean"] for r in rows])
    spread = [
        middle - [r["low"] for r in rows],
        np.array([r["high"] for r in rows]) - middle,
    ]
    head = rows[0]["head"]
    ax.errorbar(
        x, middle, spread, marker="o", capsize=3, label=head,
        color=COLORS.get(head, OTHER),
    )  # fmt: skip


def draw_ablation(record: Mapping[str, Any]) -> Figure:
    """Paired difference of every head to the rival, with its interval."""
    rival = record["settings"]["rival"]
    rows = [r for r in record["summary"] if "gain" in r and r["head"] != rival]
    rows = sorted(rows, key=lambda r: -r["gain"])
    ax = plots.intervals(
        [r["head"] for r in rows],
        [r["gain"] for r in rows],
        [r["gain_low"] for r in rows],
        [r["gain_high"] for r in rows],
        roles=["classical" if r["head"] in CLASSICAL else "quantum" for r in rows],
        xlabel=f"test entity F1 minus that of {rival} (95 %)",
    )
    closed = [r["head"] for r in rows if r["gain_low"] <= 0 <= r["gain_high"]]
    ax.set_title(f"{len(closed)} of {len(rows)} heads are not told apart from {rival}")
    named = {"quantum": "with a circuit", "classical": "classical"}
    plots.legend_for(named, ax, loc="lower right")
    return ax.figure
