"""The decision path D: the most probable history of a decision.

Read backwards, the shares of a decision graph are a random walk from the label to
the words. D is its most probable path (Viterbi), the sum over all histories gives
the probability that the walk visits a node. Where the head reads several layers
the walk enters the stack at any of them, so D may leave the encoder early, at
layer 3 say; its last node is the one that the head reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qglib.explain.decision_graph import DecisionGraph

FLOOR = 1e-12  # share below which an edge counts as absent


@dataclass(frozen=True)
class DecisionPath:
    """One path through a decision graph.

    Attributes:
        positions: sub-word at layer 0, 1, ..., at the exit layer.
        tokens: these sub-words as strings.
        target: (word index, label name).
        score: probability of the path under the backward walk, 0 to 1.
        margin: ln of this score minus ln of the next best one, in nats; 0 if two
            paths are equally good, infinite if there is only one.
        heads: attention head with the largest helpful share of each hop. A label
            only: the hop may be carried by the skip edge.
        alternatives: next best paths (positions, score), best first.
    """

    positions: tuple[int, ...]
    tokens: tuple[str, ...]
    target: tuple[int | None, str]
    score: float
    margin: float
    heads: tuple[int, ...]
    alternatives: tuple[tuple[tuple[int, ...], float], ...]

    @property
    def exit_layer(self) -> int:
        """Layer at which the head reads the path's last node."""
        return len(self.positions) - 1

    @property
    def nodes(self) -> tuple[tuple[int, int], ...]:
        """(layer, sub-word) from the input to the read-out."""
        return tuple(enumerate(self.positions))


def decision_path(graph: DecisionGraph, k: int = 5) -> DecisionPath:
    """The k most probable paths of the backward walk, by dynamic programming.

    List Viterbi: each node keeps its k best continuations towards the label,
    O(L T^2 k log k). Equal paths are ordered by position, so the result does not
    depend on chance.

    Raises:
        ValueError: `k` below 1, or a graph without any read-out difference.
    """
    if k < 1:
        raise ValueError(f"k={k}: ask for at least one path")
    ranked = best_paths(*graph.shares, max(k, 2))
    value, positions = ranked[0]
    helpful = graph.sign * graph.head_edges
    return DecisionPath(
        positions=positions,
        tokens=tuple(graph.tokens[p] for p in positions),
        target=graph.target,
        score=float(np.exp(value)),
        margin=float(value - ranked[1][0]) if len(ranked) > 1 else float("inf"),
        heads=tuple(
            int(helpful[layer, :, positions[layer + 1], p].argmax())
            for layer, p in enumerate(positions[:-1])
        ),
        alternatives=tuple((p, float(np.exp(v))) for v, p in ranked[1:k]),
    )


def best_paths(
    edges: np.ndarray, readout: np.ndarray, k: int
) -> list[tuple[float, tuple[int, ...]]]:
    """(ln probability, positions) of the k best paths, best first.

    `edges` has shape (L, T, T), destination before source; `readout` (L+1, T).
    """
    ranked = (item for row in _paths_by_start(edges, readout, k) for item in row)
    return sorted(ranked, key=lambda item: (-item[0], item[1]))[:k]


def decision_branches(graph: DecisionGraph, count: int = 2) -> list[tuple[int, ...]]:
    """The best path from each of the `count` words at which most histories start.

    Where two words must act together one path cannot carry the decision: D has to
    branch. Positions by layer, the likeliest start first.

    Raises:
        ValueError: `count` below 1 or above the number of sub-words.
    """
    if not 1 <= count <= len(graph.tokens):
        raise ValueError(f"count={count}: give 1 to {len(graph.tokens)} branches")
    starts = np.argsort(-visit_probability(graph)[0], kind="stable")[:count]
    lists = _paths_by_start(*graph.shares, 1)
    return [lists[s][0][1] for s in starts if lists[s]]


def _paths_by_start(
    edges: np.ndarray, readout: np.ndarray, k: int
) -> list[list[tuple[float, tuple[int, ...]]]]:
    log_edge = np.log(edges + FLOOR)
    log_read = np.where(readout > 0, np.log(readout + FLOOR), -np.inf)
    layers, tokens = len(edges), readout.shape[1]
    best: list[list[tuple[float, tuple[int, ...]]]] = [[] for _ in range(tokens)]
    for layer in range(layers, -1, -1):
        above, best = best, []
        for s in range(tokens):
            found = [(log_read[layer, s], (s,))] if log_read[layer, s] > -np.inf else []
            if layer < layers:
                found += [
                    (value + log_edge[layer, t, s], (s, *rest))
                    for t in range(tokens)
                    for value, rest in above[t]
                ]
            best.append(sorted(found, key=lambda item: (-item[0], item[1]))[:k])
    return best


def visit_probability(graph: DecisionGraph) -> np.ndarray:
    """Probability that the backward walk visits a node, shape (L+1, T).

    The sum over histories: the weights of all paths through the node, without
    listing them (a path sum in the sense of Johnston 2008 and Wright 1921, here
    with probabilities). Row 0 adds up to 1: every history starts at some word.
    """
    edges, readout = graph.shares
    visits = readout.copy()
    for layer in range(graph.layers - 1, -1, -1):
        visits[layer] += visits[layer + 1] @ edges[layer]
    return visits


# ------------------------------------------------------------------ control paths


def stay_path(start: int, exit_layer: int) -> tuple[int, ...]:
    """The path that stays at one sub-word."""
    return (start,) * (exit_layer + 1)


def pinned_ends_path(
    start: int, end: int, exit_layer: int, rng: np.random.Generator
) -> tuple[int, ...]:
    """D's own start and end, with the hop at a random layer 1 ... `exit_layer`.

    The control that D has to beat: whoever knows both ends knows this much.

    Raises:
        ValueError: an exit layer below 1, where there is no layer to hop at.
    """
    if exit_layer < 1:
        raise ValueError(f"exit_layer={exit_layer}: a hop needs at least one layer")
    hop = int(rng.integers(1, exit_layer + 1))
    return (start,) * hop + (end,) * (exit_layer + 1 - hop)


def random_path(
    tokens: Sequence[int], exit_layer: int, rng: np.random.Generator
) -> tuple[int, ...]:
    """A sub-word of `tokens` drawn afresh at every layer."""
    return tuple(int(t) for t in rng.choice(np.asarray(tokens), exit_layer + 1))


def rollout_path(graph: DecisionGraph, end: int, exit_layer: int) -> tuple[int, ...]:
    """Max-product path of attention rollout that ends at sub-word `end`.

    Rollout mixes attention and skip half and half, .5 A + .5 I (Abnar and
    Zuidema 2020, arXiv:2005.00928); it knows neither the corrupt text nor the
    label.
    """
    tokens = graph.attention.shape[-1]
    step = np.log(0.5 * graph.attention + 0.5 * np.eye(tokens) + FLOOR)
    value = np.where(np.arange(tokens) == end, 0.0, -np.inf)
    back = []
    for layer in range(exit_layer - 1, -1, -1):
        through = value[:, None] + step[layer]  # destination, source
        back.append(through.argmax(0))
        value = through.max(0)
    path = [int(value.argmax())]
    for pointer in reversed(back):
        path.append(int(pointer[path[-1]]))
    return tuple(path)
