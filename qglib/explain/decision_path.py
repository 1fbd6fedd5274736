"""The decision path D: the most probable history of a decision.

Read backwards, the shares of a decision graph are a random walk from the label to
the words. D is its most probable path (Viterbi), the sum over all histories gives
the probability that the walk visits a node. Where the head reads several layers
the walk enters the stack at any of them, so D may leave the encoder early, at
layer 3 say; its last node is the one that the head reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qglib.explain.decision_graph import DecisionGraph, decision_graph
from qglib.explain.games import is_tagger
from qglib.explain.head_graph import HeadGraph, head_graph

FLOOR = 1e-12  # share below which an edge counts as absent


@dataclass(frozen=True)
class DecisionPath:
    """One path through a decision graph.

    Attributes:
        positions: node at layer 0, 1, ..., at the exit layer.
        tokens: these nodes by name; for text the sub-words.
        target: what is decided: (word index, label name), or a label's number.
        score: probability of the path under the backward walk, 0 to 1.
        margin: ln of this score minus ln of the next best one, in nats; 0 if two
            paths are equally good, infinite if there is only one.
        alternatives: next best paths (positions, score), best first.
    """

    positions: tuple[int, ...]
    tokens: tuple[str, ...]
    target: Any
    score: float
    margin: float
    alternatives: tuple[tuple[tuple[int, ...], float], ...]

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
    parts: Mapping[str, Sequence[int]] | None = None,
    k: int = 5,
) -> DecisionPath:
    """The most probable path of a decision, and the k - 1 next ones.

    List Viterbi: each node keeps its k best continuations towards the label,
    O(L T^2 k log k). Equal paths are ordered by position, so the result does not
    depend on chance.

    Args:
        model: a graph of `decision_graph` or `head_graph`; or (transformers model,
            tokenizer) with words; or a small torch head with features of any kind.
        clean: the input that is explained; nothing for a graph.
        corrupt: the input it is compared with; for text ``None`` is the blank text.
        target: (word index, label), or the number of a head's label.
        parts: for a head, name -> numbers of the features of a part.
        k: paths to find.

    Raises:
        ValueError: `k` below 1; inputs that do not align; no difference to explain.
        TypeError: a model without layers that can be followed.
    """
    if k < 1:
        raise ValueError(f"k={k}: ask for at least one path")
    graph = _graph(model, clean, corrupt, target, parts)
    ranked = best_paths(*graph.shares, max(k, 2))
    if isinstance(graph, HeadGraph):  # levels are padded to the widest
        ranked = [r for r in ranked if r[0] > np.log(FLOOR)] or ranked[:1]
        names = [graph.names[n][p] for n, p in enumerate(ranked[0][1])]
    else:
        names = [graph.tokens[p] for p in ranked[0][1]]
    value, positions = ranked[0]
    return DecisionPath(
        positions=positions,
        tokens=tuple(names),
        target=graph.target,
        score=float(np.exp(value)),
        margin=float(value - ranked[1][0]) if len(ranked) > 1 else float("inf"),
        alternatives=tuple((p, float(np.exp(v))) for v, p in ranked[1:k]),
    )


def _graph(model, clean, corrupt, target, parts) -> DecisionGraph | HeadGraph:
    if isinstance(model, DecisionGraph | HeadGraph):
        return model
    if is_tagger(model):
        return decision_graph(*model, clean, corrupt, target)
    if isinstance(model, torch.nn.Module):
        return head_graph(model, clean, corrupt, target, parts=parts)
    raise TypeError(
        f"model of type {type(model).__name__} shows no layers to follow: give a "
        "(transformers model, tokenizer), a torch head or a graph; attribute() and "
        "faithfulness() explain any function from inputs to probabilities"
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


def visit_probability(graph: DecisionGraph | HeadGraph) -> np.ndarray:
    """Probability that the backward walk visits a node, shape (L+1, T).

    The sum over histories: the weights of all paths through the node, without
    listing them (a path sum in the sense of Johnston 2008 and Wright 1921, here
    with probabilities). Row 0 adds up to 1: every history starts at some word.
    """
    edges, readout = graph.shares
    visits = readout.copy()
    for layer in range(len(edges) - 1, -1, -1):
        visits[layer] += visits[layer + 1] @ edges[layer]
    return visits


# ------------------------------------------------------------------ control paths


def control_paths(
    graph: DecisionGraph,
    path: DecisionPath,
    rng: np.random.Generator,
    *,
    pinned: int = 3,
) -> dict[str, list[tuple[int, ...]]]:
    """The paths that D has to beat, as long as D, by the name of their rule.

    ``stay`` remains at D's start; ``random`` draws a sub-word at every layer, special
    tokens apart; ``rollout`` is the best path of attention rollout to D's end;
    ``pinned ends`` holds `pinned` paths with D's start and end and a hop at a random
    layer: whoever knows both ends knows this much.

    Raises:
        ValueError: a D that ends at layer 0.
    """
    start, end, last = path.positions[0], path.positions[-1], path.exit_layer
    inner = range(1, len(graph.tokens) - 1)
    return {
        "stay": [stay_path(start, last)],
        "random": [random_path(inner, last, rng)],
        "rollout": [rollout_path(graph, end, last)],
        "pinned ends": [pinned_ends_path(start, end, last, rng) for _ in range(pinned)],
    }


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
