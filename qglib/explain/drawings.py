"""Figures of explanations: sentences, decision graphs, curves.

Every function returns a matplotlib figure and changes no global state. Colours are
those of `qglib.plots`, told apart by readers with any kind of colour vision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from qglib.explain.contribution import Attribution
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import DecisionPath, visit_probability
from qglib.plots import DIVERGING, PALETTE, ROLES, ink


def draw_attributions(
    explained: Sequence[Attribution], *, names: Sequence[str] = (), title: str = ""
) -> Figure:
    """Words coloured by signed attribution, one row for each method.

    Each row has its own scale, -1 to 1 of its largest size: rows differ in unit.
    The word that is decided about has a frame.

    Raises:
        ValueError: no attribution, or attributions of different sentences.
    """
    if not explained or len({a.words for a in explained}) != 1:
        raise ValueError("give at least one attribution, all of the same sentence")
    names = list(names) or [a.method.replace("_", " ") for a in explained]
    words = explained[0].words
    widths = np.array([len(word) + 1.6 for word in words])
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    fig, ax = plt.subplots(
        figsize=(min(14.0, 2.4 + 0.092 * edges[-1]), 1.1 + 0.5 * len(explained))
    )
    for row, item in enumerate(explained):
        size = np.abs(item.scores).max() or 1.0
        for column, (word, score) in enumerate(zip(words, item.scores, strict=True)):
            color = DIVERGING(0.5 + 0.5 * score / size)
            chosen = column == item.target[0]
            ax.add_patch(
                plt.Rectangle(
                    (edges[column] + 0.08, row - 0.42),
                    widths[column] - 0.16,
                    0.84,
                    facecolor=color,
                    edgecolor=ROLES["truth"] if chosen else "none",
                    linewidth=2.2,
                )
            )
            ax.text(
                edges[column] + widths[column] / 2,
                row,
                word,
                ha="center",
                va="center",
                fontsize=11,
                color=ink(color),
            )
    ax.set_xlim(0, edges[-1])
    ax.set_ylim(len(explained) - 0.4, -0.6)
    ax.set_yticks(range(len(explained)), names)
    ax.set_xticks([])
    ax.tick_params(length=0)
    sns.despine(ax=ax, left=True, bottom=True)
    bar = plt.cm.ScalarMappable(plt.Normalize(-1, 1), DIVERGING)
    label = f"for {explained[0].target[1]}\n(share of largest)"
    fig.colorbar(bar, ax=ax, label=label, pad=0.015, ticks=[-1, 0, 1])
    ax.set_title(title)
    return fig


def draw_decision_graph(
    graph: DecisionGraph,
    path: DecisionPath | None = None,
    *,
    branches: Sequence[Sequence[int]] = (),
    title: str = "",
) -> Figure:
    """The decision graph with the decision path D on it; time runs upwards.

    `branches` are further paths (sub-words by layer) drawn like D.

    The width of an edge is the probability that the backward walk takes it, the
    size of a node that it visits the node. Words of the corrupt text stand beside
    the words they replace.
    """
    visits = visit_probability(graph)
    edges, readout = graph.shares
    tokens, top = len(graph.tokens), graph.layers
    summit = ((tokens - 1) / 2 if graph.position is None else graph.position, top + 1)
    fig, ax = plt.subplots(figsize=(max(6.5, 0.62 * tokens + 1.5), 0.62 * top + 2.6))
    flows = [
        ((s, layer), (t, layer + 1), visits[layer + 1, t] * edges[layer, t, s])
        for layer in range(top)
        for t in range(tokens)
        for s in range(tokens)
    ]
    flows += [
        ((t, layer), summit, readout[layer, t])
        for layer in range(top + 1)
        for t in range(tokens)
    ]
    on_path = set()
    for positions in [*([] if path is None else [path.positions]), *branches]:
        chain = [(s, layer) for layer, s in enumerate(positions)]
        on_path |= set(zip(chain, [*chain[1:], summit], strict=True))
    for tail, head, flow in flows:
        if flow < 0.01 and (tail, head) not in on_path:
            continue
        chosen = (tail, head) in on_path
        bend = 0.25 if head == summit and tail[1] < top else 0.0
        ax.add_patch(
            FancyArrowPatch(
                tail,
                head,
                connectionstyle=f"arc3,rad={bend}",
                arrowstyle="-|>" if chosen else "-",
                mutation_scale=13,
                shrinkA=3,
                shrinkB=6,
                linewidth=3.2 if chosen else 0.9 + 7 * flow,
                color=ROLES["path"] if chosen else PALETTE["sky"],
                alpha=1.0 if chosen else min(1.0, 0.45 + flow),
                zorder=3 if chosen else 1,
            )
        )
    grid = [(t, layer) for layer in range(top + 1) for t in range(tokens)]
    ax.scatter(
        *np.array(grid).T,
        s=[14 + 260 * visits[layer, t] for t, layer in grid],
        color=PALETTE["blue"],
        edgecolor="white",
        linewidth=0.8,
        zorder=4,
    )
    ax.text(
        *summit,
        f"{graph.target[1]}",
        ha="center",
        va="center",
        fontsize=12,
        fontweight="bold",
        bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": ROLES["truth"]},
        zorder=5,
    )
    for t, (clean, corrupt) in enumerate(
        zip(graph.tokens, graph.corrupt_tokens, strict=True)
    ):
        ax.text(t, -0.38, clean, ha="right", va="top", rotation=40, fontsize=12)
        if clean != corrupt:
            ax.text(
                t + 0.42,
                -0.38,
                corrupt,
                ha="right",
                va="top",
                rotation=40,
                fontsize=10,
                style="italic",
                color=ROLES["path"],
            )
    ax.set_xlim(-0.8, tokens - 0.4)
    ax.set_ylim(-1.9, top + 1.6)
    ax.set_yticks(range(top + 1))
    ax.set_ylabel("encoder layer")
    ax.set_xticks([])
    sns.despine(ax=ax, bottom=True)
    ax.spines["left"].set_bounds(0, top)
    ax.set_title(title)
    return fig


def draw_curves(
    curves: Mapping[str, np.ndarray],
    x: np.ndarray,
    *,
    xlabel: str,
    ylabel: str,
    rng: np.random.Generator,
    reference: float | None = None,
    title: str = "",
) -> Figure:
    """Mean curves with 95 % bootstrap intervals over their rows; random is grey.

    Args:
        curves: name -> array (cases, len(x)); a case may hold NaN.
        x: places along the horizontal axis.
        xlabel: what x is.
        ylabel: what the curves are.
        rng: generator of the bootstrap.
        reference: value of a horizontal line, such as 0 for "nothing".
        title: what the figure says.

    Raises:
        ValueError: a curve whose width is not that of `x`.
    """
    fig, ax = plt.subplots(figsize=(7.0, 4.2))
    if reference is not None:
        ax.axhline(reference, color=ROLES["null"], linewidth=1, linestyle="--")
    markers, colors = "os^DvPX", [PALETTE[name] for name in _CURVE_COLORS]
    for i, (name, values) in enumerate(curves.items()):
        values = np.asarray(values, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(x):
            raise ValueError(
                f"curve {name!r} has shape {values.shape}, not (cases, {len(x)})"
            )
        draws = np.nanmean(values[rng.integers(0, len(values), (1000, len(values)))], 1)
        low, high = np.nanquantile(draws, [0.025, 0.975], axis=0)
        color = ROLES["null"] if name == "random" else colors[i % len(colors)]
        ax.plot(
            x, np.nanmean(values, 0), color=color, marker=markers[i % 7], label=name
        )
        ax.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.set_title(title)
    fig.legend(loc="outside right center")
    sns.despine(ax=ax)
    return fig


_CURVE_COLORS = ("vermilion", "blue", "green", "purple", "orange", "sky", "grey")
