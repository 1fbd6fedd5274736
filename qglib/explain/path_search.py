"""Choose among the k best paths by exact patching, in the other direction.

The walk's shares are first order. Here the candidates it offers are run: corrupt
states are put into the *clean* run at a path's nodes, and the path whose nodes lose
most of the logit is taken. What a path is scored by afterwards, clean states in the
corrupt run, is another quantity, so the search does not see its own examination.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qglib.explain.decision_graph import DecisionGraph, aligned_decisions
from qglib.explain.decision_path import best_paths
from qglib.explain.patching import patched_logits


def lost_logits(
    model: Any,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str],
    paths: Sequence[Sequence[int]],
    target: tuple[int | None, str | int],
) -> np.ndarray:
    """Share of the logit difference lost at each node of each path, (paths, layers).

    One corrupt state in the clean run at a time; all paths equally long.

    Raises:
        ValueError: texts that do not align or do not differ in the logit.
    """
    first, second = aligned_decisions(model, tokenizer, clean, corrupt, target)
    nodes = sorted({node for path in paths for node in enumerate(path)})
    logits = patched_logits(second, first, [[], *[[node] for node in nodes]])
    gap = logits[0] - second.logits(second.inputs)[0]
    if abs(gap) < 1e-6:
        raise ValueError(
            f"clean and corrupt logits differ by {gap:.1e}: there is nothing to lose"
        )
    lost = dict(zip(nodes, (logits[0] - logits[1:]) / gap, strict=True))
    return np.array([[lost[node] for node in enumerate(path)] for path in paths])


def searched_path(
    model: Any,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str],
    graph: DecisionGraph,
    *,
    k: int = 20,
    hops: bool = True,
) -> tuple[int, ...]:
    """The one of the k best paths whose inner nodes lose most, corrupt into clean.

    Only paths that end where the best path ends compete; `hops` adds the paths
    that go from its start to its end in one hop, at any layer. Positions by layer.

    Raises:
        ValueError: `k` below 1; see `lost_logits`.
    """
    if k < 1:
        raise ValueError(f"k={k}: search among at least one path")
    offered = [path for _, path in best_paths(*graph.shares, k)]
    offered = [
        path
        for path in offered
        if len(path) == len(offered[0]) and path[-1] == offered[0][-1]
    ]
    first, nodes = offered[0], len(offered[0])
    if hops:
        offered += [
            (first[0],) * n + (first[-1],) * (nodes - n) for n in range(1, nodes)
        ]
    if nodes < 3:  # nothing between the ends
        return first
    lost = lost_logits(model, tokenizer, clean, corrupt, offered, graph.target)
    return offered[int(lost[:, 1:-1].mean(1).argmax())]
