"""A causal graph as events in 1+1 dimensional Minkowski space.

The order itself is the geometry: b lies in the future light cone of a,
|dx| <= dt, when a comes before b.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from qglib.explain.causal_layout import Point, directed_version, hasse_layout


@dataclass(frozen=True)
class LightConeLayout:
    """Positions (x, t) of the nodes in 1+1 dimensional Minkowski space.

    Attributes:
        positions: node -> (x, t); light moves at 45 degrees.
        spurious: pairs without an order between them that the drawing puts into
            each other's light cone. Ordered pairs are always drawn in order.
    """

    positions: dict[Hashable, Point]
    spurious: int


def light_cone_layout(
    graph: nx.DiGraph, rng: np.random.Generator, restarts: int = 20
) -> LightConeLayout:
    """Events in 1+1 dimensions whose light cones show the order of the graph.

    In light-cone coordinates u = t + x and v = t - x, "before" means smaller in
    both: an order can be drawn without error exactly if it is the intersection of
    two linear orders (order dimension 2, Dushnik and Miller 1941). Two linear
    extensions are improved by exchanging neighbours until the fewest unordered
    pairs look ordered; space comes from the order alone.

    Args:
        graph: an acyclic graph, or one with edges of unknown direction; see
            `directed_version`.
        rng: generator of the starting orders.
        restarts: number of starts; the best result counts.

    Raises:
        ValueError: a directed cycle.
    """
    graph = directed_version(graph)
    nodes = list(graph)
    n = len(nodes)
    closure = nx.transitive_closure_dag(graph)
    number = {node: i for i, node in enumerate(nodes)}
    before = np.zeros((n, n), dtype=bool)
    for a, b in closure.edges:
        before[number[a], number[b]] = True
    free = ~(before | before.T | np.eye(n, dtype=bool))

    def spurious(first: np.ndarray, second: np.ndarray) -> int:
        one = first[:, None] < first[None, :]
        two = second[:, None] < second[None, :]
        return int((one & two & free).sum())

    def extension(priority: np.ndarray) -> np.ndarray:
        rank, done = np.empty(n, dtype=int), np.zeros(n, dtype=bool)
        for step in range(n):
            ready = ~done & ~(before & ~done[:, None]).any(0)
            pick = np.flatnonzero(ready)[priority[ready].argmin()]
            rank[pick], done[pick] = step, True
        return rank

    side = np.array([hasse_layout(graph).positions[node][0] for node in nodes])
    best, fewest = None, np.inf
    for start in range(restarts):
        ranks = [extension(side), extension(-side)]
        value = spurious(*ranks)
        improved = True
        while improved and value:
            improved = False
            for which in (0, 1):
                order = np.argsort(ranks[which])
                for a, b in pairwise(order):
                    if before[a, b]:
                        continue
                    trial = ranks[which].copy()
                    trial[a], trial[b] = trial[b], trial[a]
                    other = [trial, ranks[1]] if which == 0 else [ranks[0], trial]
                    if spurious(*other) < value:
                        ranks, value, improved = other, spurious(*other), True
                        break
        if value < fewest:
            best, fewest = ranks, value
        if not fewest:
            break
        side = rng.permutation(n).astype(float) if start else rng.normal(side, 1.0)
    if best is None:
        return LightConeLayout({}, 0)
    u, v = (rank.astype(float) for rank in best)
    t, x = (u + v) / 2, (u - v) / 2
    at = {node: (float(x[i]), float(t[i])) for i, node in enumerate(nodes)}
    return LightConeLayout(at, int(fewest))
