"""Exact structure search: the best-scoring directed acyclic graph, by dynamic
programming over sets of variables.

Source: Silander & Myllymaki, "A simple approach for finding the globally optimal
Bayesian network structure", UAI 2006.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from qglib.causal.scores import Score

__all__ = ["exact_search"]

_MOST = 20


def exact_search(
    n_variables: int, score: Score, max_parents: int = 4
) -> tuple[np.ndarray, float]:
    """The graph that maximises the sum of ``score(node, parents)``.

    Time O(d^2 2^d) plus one score per parent set of at most `max_parents`
    variables; memory about 12 d 2^d bytes. Ties keep the smaller parent set.

    Args:
        n_variables: number of variables d, 1 to 20.
        score: decomposable score of (node, parents), higher is better, in nats.
        max_parents: largest parent set that is scored.

    Returns:
        adjacency: (d, d) 0/1 integers, ``adjacency[a, b] = 1`` means a -> b.
        value: the score of that graph.

    Raises:
        ValueError: more variables than memory can hold, or `max_parents` < 0.
    """
    d = n_variables
    if not 1 <= d <= _MOST:
        raise ValueError(
            f"n_variables must be 1 to {_MOST}, got {d}: the tables would take "
            f"{12e-9 * d * 2.0**d:.3g} GB. Drop variables or use method='ges' or 'pc'."
        )
    if max_parents < 0:
        raise ValueError(f"max_parents must be 0 or more, got {max_parents}.")
    masks = np.arange(1 << d, dtype=np.int32)
    best, chosen = [], []
    for node in range(d):
        value = np.full(1 << d, -np.inf)
        parents = masks.copy()
        others = [k for k in range(d) if k != node]
        for size in range(min(max_parents, d - 1) + 1):
            for subset in combinations(others, size):
                value[sum(1 << k for k in subset)] = score(node, subset)
        for k in others:  # the best subset of U either leaves out k or is U's own
            with_k = (masks >> k & 1).astype(bool)
            smaller = masks[with_k] ^ (1 << k)
            better = value[smaller] >= value[with_k]
            value[with_k] = np.where(better, value[smaller], value[with_k])
            parents[with_k] = np.where(better, parents[smaller], parents[with_k])
        best.append(value)
        chosen.append(parents)
    total = np.where(masks, -np.inf, 0.0)
    sink = np.full(1 << d, -1, dtype=np.int8)
    for size in range(1, d + 1):  # sets of one size depend on smaller sets only
        layer = masks[np.bitwise_count(masks) == size]
        for node in range(d):
            inside = layer[(layer >> node & 1).astype(bool)]
            rest = inside ^ (1 << node)
            candidate = total[rest] + best[node][rest]
            better = candidate > total[inside] + 1e-12
            total[inside[better]] = candidate[better]
            sink[inside[better]] = node
    adjacency = np.zeros((d, d), dtype=int)
    remaining = (1 << d) - 1
    while remaining:
        node = int(sink[remaining])
        remaining ^= 1 << node
        mask = int(chosen[node][remaining])
        adjacency[[k for k in range(d) if mask >> k & 1], node] = 1
    return adjacency, float(total[-1])
