"""The decision path D: the most probable history of a decision.

Read backwards, the shares of a decision graph are a random walk from the label to the
words. Where the head reads several layers the walk enters the stack at any of them: D
ends at the node that the head reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from qglib.explain.decision_graph import DecisionGraph, decision_graphs
from qglib.explain.games import is_tagger
from qglib.explain.head_graph import head_graph, model_graph
from qglib.plots import PALETTE, ROLES

FLOOR = 1e-12  # share below which an edge counts as absent

Ranked = tuple[float, tuple[int, ...]]  # ln probability and positions of a path


@dataclass(frozen=True)
class DecisionPath:
    """One path through a decision graph.

    The margin is ln of its score minus ln of the next best one, in nats: 0 if two
    paths are equally good, infinite if there is only one.
    """

    positions: tuple[int, ...]  # node at layer 0, 1, ..., at the exit layer
    tokens: tuple[str, ...]  # these nodes by name; for text the sub-words
    target: Any  # (word index, label name), or a label's number
    score: float  # probability of the path under the backward walk, 0 to 1
    margin: float
    alternatives: tuple[tuple[tuple[int, ...], float], ...]  # next (positions, score)

    @property
    def exit_layer(self) -> int:
        """Layer at which the label reads the path's last node."""
        return len(self.positions) - 1

    @property
    def nodes(self) -> tuple[tuple[int, int], ...]:
        """(layer, node) from the input to the read-out."""
        return tuple(enumerate(self.positions))


def decision_path(
    model: Any,
    clean: Any = None,
    corrupt: Any = None,
    target: Any = None,
    *,
    k: int = 5,
) -> DecisionPath:
    """The most probable path of a decision, and the k - 1 next ones.

    List Viterbi: each node keeps its k best continuations towards the label. Equal
    paths are ordered by position.

    Args:
        model: a `DecisionGraph`; or (transformers model, tokenizer) with words; or a
            model of `qglib.models.train` with inputs of its kind; or a small torch
            head with features.
        clean, corrupt: the input that is explained and the one it is compared with;
            ``None`` is the blank input (ValueError where nothing differs). Not for a
            graph.
        target: (word index, label) of a tagger; of other models a label or its
            number, the label decided by default.
        k: paths to find.
    """
    if k < 1:
        raise ValueError(f"k={k}: ask for at least one path")
    graph = model
    if is_tagger(model):
        graph = decision_graphs(model[0], model[1], [(clean, corrupt)], [target])[0]
    elif hasattr(model, "read") and hasattr(model, "scaled"):
        graph = model_graph(model, clean, corrupt, target)
    elif isinstance(model, torch.nn.Module):
        graph = head_graph(model, clean, corrupt, target)
    elif not isinstance(model, DecisionGraph):
        raise TypeError(
            f"model of type {type(model).__name__} shows no layers to follow: give a "
            "(transformers model, tokenizer), a torch head or a graph; attribute() and "
            "faithfulness() explain any function from inputs to probabilities"
        )
    edges, readout = graph.shares
    ranked = _best_paths(edges, readout, max(k, 2))
    ranked = [r for r in ranked if r[0] > np.log(FLOOR)] or ranked[:1]
    value, positions = ranked[0]
    return DecisionPath(
        positions=positions,
        tokens=tuple(graph.names[n][p] for n, p in enumerate(positions)),
        target=graph.target,
        score=float(np.exp(value)),
        margin=float(value - ranked[1][0]) if len(ranked) > 1 else float("inf"),
        alternatives=tuple((p, float(np.exp(v))) for v, p in ranked[1:k]),
    )


def _best_paths(edges: np.ndarray, readout: np.ndarray, k: int) -> list[Ranked]:
    """(ln probability, positions) of the k best paths, best first."""
    log_edge = np.log(edges + FLOOR)
    log_read = np.where(readout > 0, np.log(readout + FLOOR), -np.inf)
    best: list[Ranked] = []  # from the level, k of each node
    for layer in reversed(range(len(readout))):
        above, best = best, []
        for s, value in enumerate(log_read[layer]):
            found: list[Ranked] = [(value, (s,))] if value > -np.inf else []
            found += [(v + log_edge[layer, way[0], s], (s, *way)) for v, way in above]
            best += sorted(found, key=_rank)[:k]
    return sorted(best, key=_rank)[:k]


def _rank(path: Ranked) -> tuple:
    return -path[0], path[1]


def draw_decision_graph(
    graph: DecisionGraph,
    path: DecisionPath | None = None,
    *,
    branches: Sequence[Sequence[int]] = (),
    title: str = "",
) -> Figure:
    """The graph of a text or head with its path D, and `branches` (nodes by layer).

    The width of an edge is the probability that the backward walk takes it, the size of
    a node that it visits the node. Corrupt words stand beside those they replace.
    """
    visits, (edges, readout) = graph.visits, graph.shares
    top, wide = len(edges), edges.shape[-1]
    summit = ((wide - 1) / 2 if graph.position is None else graph.position, top + 1)

    def at(layer: int, node: int) -> tuple[float, float]:
        return node + (wide - len(graph.names[layer])) / 2, layer

    flows = [
        (at(n, s), at(n + 1, t), visits[n + 1, t] * edges[n, t, s])
        for n, t, s in np.ndindex(edges.shape)
    ]
    flows += [(at(n, t), summit, readout[n, t]) for n, t in np.ndindex(readout.shape)]
    on_path = set()
    for positions in [*([] if path is None else [path.positions]), *branches]:
        on_path |= set(pairwise([*map(at, range(top + 1), positions), summit]))
    fig, ax = plt.subplots(figsize=(max(6.5, 0.62 * wide + 1.5), 0.62 * top + 2.6))
    for tail, head, flow in flows:
        look = {"arrowstyle": "-", "linewidth": 0.9 + 7 * flow, "zorder": 1}
        look |= {"color": PALETTE["sky"], "alpha": min(1.0, 0.45 + flow)}
        if (tail, head) in on_path:
            look = {"arrowstyle": "-|>", "linewidth": 3.2, "zorder": 3}
            look |= {"color": ROLES["path"], "mutation_scale": 13}
        elif flow < 0.01:
            continue
        bend = 0.25 if head == summit and tail[1] < top else 0.0
        look |= {"connectionstyle": f"arc3,rad={bend}", "shrinkA": 3, "shrinkB": 6}
        ax.add_patch(FancyArrowPatch(tail, head, **look))
    nodes = [(n, t) for n, names in enumerate(graph.names) for t in range(len(names))]
    size = [14 + 260 * visits[node] for node in nodes]
    x, y = np.array([at(*node) for node in nodes]).T
    ax.scatter(x, y, s=size, color=PALETTE["blue"], edgecolor="white", zorder=4)
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": ROLES["truth"]}
    label = graph.target[1] if isinstance(graph.target, tuple) else graph.target
    centre = dict[str, Any](ha="center", va="center", fontsize=12, fontweight="bold")
    ax.text(*summit, str(label), bbox=box, zorder=5, **centre)
    below = dict[str, Any](ha="right", va="top", rotation=40)
    other = dict[str, Any](fontsize=10, style="italic", color=ROLES["path"])
    for t, name in enumerate(graph.tokens):
        ax.text(at(0, t)[0], -0.38, name, fontsize=12, **below)
        if graph.corrupt_tokens and graph.corrupt_tokens[t] != name:
            ax.text(t + 0.42, -0.38, graph.corrupt_tokens[t], **other, **below)
    ax.set(xlim=(-0.8, wide - 0.4), ylim=(-1.9, top + 1.6), xticks=[], title=title)
    ax.set_yticks(range(top + 1))
    ax.set_ylabel("encoder layer" if graph.corrupt_tokens else "level")
    sns.despine(ax=ax, bottom=True)
    ax.spines["left"].set_bounds(0, top)
    return fig
