"""Orient the edges of a known skeleton: the exact optimum first, then QAOA.

One bit per edge: bit k orients edge k = (a, b), a < b, as a -> b (0) or b -> a (1),
the first edge most significant. The cost is minus the score of the graph; a cycle
costs a penalty. The penalty is proved safe: it exceeds what any choice of parents
can gain over the empty graph, so a cyclic state costs more than every acyclic one.
Dynamic programming over sets of nodes gives the optimum and checks the encoding.

Source: causal structure as a QUBO, O'Gorman et al., EPJ ST 224 (2015) 163; dynamic
programming, Silander & Myllymaki, UAI 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qglib.causal.scores import Score
from qglib.memory import require

__all__ = [
    "OrientationProblem",
    "exact_orientation",
    "orientation_problem",
]

_MOST_NODES = 20
_TIE = 1e-9


@dataclass(frozen=True)
class OrientationProblem:
    """Costs of all orientations of a skeleton, checked against the exact optimum.

    Attributes
    ----------
    edges: pairs (a, b) of node numbers, a < b, the most significant bit first.
    n_nodes: number of nodes.
    values: (2**edges,) cost of each bit string, in nats.
    acyclic: (2**edges,) booleans.
    penalty: what a cycle costs, in nats.
    exact: score of the best acyclic orientation, by dynamic programming.
    """

    edges: tuple[tuple[int, int], ...]
    n_nodes: int
    values: np.ndarray
    acyclic: np.ndarray
    penalty: float
    exact: float

    @property
    def optima(self) -> np.ndarray:
        """Indices of all bit strings of least cost (relative tolerance 1e-9)."""
        low = self.values.min()
        return np.flatnonzero(self.values <= low + _TIE * max(1.0, abs(low)))

    def adjacency(self, index: int) -> np.ndarray:
        """(d, d) 0/1 integers of a bit string, [a, b] = 1 means a -> b."""
        table = np.zeros((self.n_nodes, self.n_nodes), dtype=int)
        for k, (a, b) in enumerate(self.edges):
            flipped = index >> (len(self.edges) - 1 - k) & 1
            table[(b, a) if flipped else (a, b)] = 1
        return table


def _edges(skeleton: np.ndarray) -> list[tuple[int, int]]:
    table = np.asarray(skeleton)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"skeleton must be a square table, got shape {table.shape}.")
    if table.dtype.kind == "f" and np.isnan(table).any():
        raise ValueError("skeleton holds NaN; mark an edge by 1 and its absence by 0.")
    table = table.astype(bool)
    if table.diagonal().any():
        raise ValueError("skeleton joins a node to itself; clear its diagonal.")
    edges = [(int(a), int(b)) for a, b in np.argwhere(np.triu(table | table.T))]
    if not edges:
        raise ValueError("skeleton has no edge: there is nothing to orient.")
    return edges


def _finite(score: Score, node: int, parents: Sequence[int]) -> float:
    value = float(score(node, tuple(parents)))
    if not np.isfinite(value):
        raise ValueError(
            f"score({node}, {tuple(parents)}) is {value}; scores must be finite: clean "
            "the data of NaN and constant columns."
        )
    return value


def exact_orientation(skeleton: np.ndarray, score: Score) -> tuple[np.ndarray, float]:
    """The best acyclic orientation of every edge, by dynamic programming.

    F[U] = max over the last node i of F[U - i] + score(i, neighbours of i in U - i),
    in time d 2^d.

    Parameters
    ----------
    skeleton: (d, d) table, nonzero (in either direction) where an edge is.
    score: decomposable score of (node, parents), higher is better, in nats.

    Returns
    -------
    adjacency: (d, d) 0/1 integers, [a, b] = 1 means a -> b.
    value: its score.

    Raises
    ------
    ValueError: no edge, more than 20 nodes, a table that is not square, or a score
        that is not finite.
    """
    edges, d = _edges(skeleton), len(skeleton)
    if d > _MOST_NODES:
        raise ValueError(
            f"skeleton has {d} nodes: the table of all sets would take "
            f"{16 * 2.0**d / 2**30:.3g} GiB; orient connected parts of at most "
            f"{_MOST_NODES} nodes one by one."
        )
    near = [0] * d
    for a, b in edges:
        near[a] |= 1 << b
        near[b] |= 1 << a
    cache: dict[tuple[int, int], float] = {}
    best, last = np.full(1 << d, -np.inf), np.zeros(1 << d, dtype=np.int64)
    best[0] = 0.0
    for chosen in range(1, 1 << d):
        for node in range(d):
            if not chosen >> node & 1:
                continue
            rest = chosen ^ 1 << node
            key = node, near[node] & rest
            if key not in cache:
                cache[key] = _finite(score, node, _members(key[1], d))
            value = best[rest] + cache[key]
            if value > best[chosen]:
                best[chosen], last[chosen] = value, node
    table, chosen = np.zeros((d, d), dtype=int), (1 << d) - 1
    while chosen:
        node = int(last[chosen])
        chosen ^= 1 << node
        table[_members(near[node] & chosen, d), node] = 1
    return table, float(best[-1])


def _members(mask: int, d: int) -> list[int]:
    return [k for k in range(d) if mask >> k & 1]


def orientation_problem(
    skeleton: np.ndarray, score: Score, penalty: float | None = None
) -> OrientationProblem:
    """Cost of every orientation, refused unless its minimum is the exact optimum.

    Parameters
    ----------
    skeleton, score: as `exact_orientation`.
    penalty: cost of a cycle in nats; by default 1 + the sum over nodes of the best
        minus the worst score over all its parent sets, which is always enough.

    Raises
    ------
    ValueError: as `exact_orientation`.
    MemoryError: before allocating, when 2**edges states would not fit.
    RuntimeError: the least cost is not minus the exact optimum, or is cyclic: the
        penalty is too small.
    """
    edges, d = _edges(skeleton), len(skeleton)
    m = len(edges)
    size = 2**m
    require(
        (40 + 8 * d) * size,
        "cpu",
        f"An orientation register of {m} qubits",
        "orient a part of the skeleton, or use exact_orientation",
    )
    _, exact = exact_orientation(skeleton, score)
    states = np.arange(size)
    values, gain = np.zeros(size), 0.0
    parents = np.zeros((d, size), dtype=np.int64)
    for node in range(d):
        here = [(k, a, b) for k, (a, b) in enumerate(edges) if node in (a, b)]
        local = np.zeros(size, dtype=np.int64)
        for place, (k, a, b) in enumerate(here):
            bit = states >> (m - 1 - k) & 1
            into = bit if node == a else 1 - bit  # bit 1 points at a, bit 0 at b
            local |= into << place
            parents[node] |= into << (b if node == a else a)
        others = [b if node == a else a for _, a, b in here]
        table = np.array(
            [
                _finite(score, node, sorted(others[p] for p in _members(s, len(here))))
                for s in range(1 << len(here))
            ]
        )
        values -= table[local]
        gain += table.max() - table.min()
    left = np.full(size, (1 << d) - 1, dtype=np.int64)
    for _ in range(d):  # a node without parents left can go, all at once
        for node in range(d):
            free = (parents[node] & left) == 0
            left = np.where(free, left & ~(1 << node), left)
    acyclic = left == 0
    pen = 1.0 + gain if penalty is None else float(penalty)
    if not np.isfinite(pen):
        raise ValueError(f"penalty must be a finite number of nats, got {penalty}.")
    values = np.where(acyclic, values, values + pen)
    found = OrientationProblem(tuple(edges), d, values, acyclic, pen, exact)
    low = values.min()
    if not acyclic[found.optima].all() or abs(low + exact) > _TIE * max(1, abs(exact)):
        raise RuntimeError(
            f"the least cost {low:.6f} is not minus the exact optimum {-exact:.6f}, or "
            f"a cycle attains it: penalty {pen:.6g} is too small; leave it out."
        )
    return found
