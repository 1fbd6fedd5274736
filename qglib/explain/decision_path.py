"""The decision path D: the most probable history of a decision.

Read backwards, the shares of a decision graph are a random walk from the label to
the words. D is its most probable path (Viterbi); `DecisionGraph.visits` sums over all.
Where the head reads several layers the walk enters the stack at any of them, so D may
leave the encoder early, at layer 3 say; its last node is the one that the head reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qglib.explain.decision_graph import DecisionGraph, decision_graphs
from qglib.explain.games import is_tagger
from qglib.explain.head_graph import head_graph, model_graph

FLOOR = 1e-12  # share below which an edge counts as absent


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

    List Viterbi: each node keeps its k best continuations towards the label,
    O(L T^2 k log k). Equal paths are ordered by position, so the result does not
    depend on chance.

    Args:
        model: a `DecisionGraph`; or (transformers model, tokenizer) with words; or a
            model of `qglib.models.train` with inputs of its kind; or a small torch
            head with features.
        clean, corrupt: the input that is explained and the one it is compared with;
            ``None`` is the blank input. Nothing for a graph.
        target: (word index, label), a label, or its number.
        k: paths to find.

    Raises:
        ValueError: `k` below 1; inputs that do not align; no difference to explain.
        TypeError: a model without layers that can be followed.
    """
    if k < 1:
        raise ValueError(f"k={k}: ask for at least one path")
    graph = model
    if is_tagger(model):
        graph = decision_graphs(*model, [(clean, corrupt)], [target])[0]
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
    ranked = _best_paths(*graph.shares, max(k, 2))
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


def _best_paths(
    edges: np.ndarray, readout: np.ndarray, k: int
) -> list[tuple[float, tuple[int, ...]]]:
    """(ln probability, positions) of the k best paths, best first."""
    log_edge = np.log(edges + FLOOR)
    log_read = np.where(readout > 0, np.log(readout + FLOOR), -np.inf)
    best: list[tuple[float, tuple[int, ...]]] = []  # from the level, k of each node
    for layer in reversed(range(len(readout))):
        above, best = best, []
        for s, value in enumerate(log_read[layer]):
            found = [(value, (s,))] if value > -np.inf else []
            found += [
                (value + log_edge[layer, way[0], s], (s, *way)) for value, way in above
            ]
            best += sorted(found, key=_rank)[:k]
    return sorted(best, key=_rank)[:k]


def _rank(path: tuple[float, tuple[int, ...]]) -> tuple:
    return -path[0], path[1]
