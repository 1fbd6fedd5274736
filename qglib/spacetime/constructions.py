"""From matrices, graphs, ranks and events to the parts of a causal set.

Each function returns the keyword arguments of `Causet`. An order is transitive
by construction (ranks, dominance) or by closure (graphs, events); a matrix is
checked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import networkx as nx
import numpy as np

from qglib.engines.orders import bits, order_kernels
from qglib.spacetime.metrics import check_triangle, distance_function

_BLOCK = 512


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{name} holds {len(bad)} NaN or infinite values, the first one "
            f"({array[tuple(bad[0])]}) in row {bad[0, 0]}: drop or fill those rows"
        )
    return array


def order_parts(
    matrix: np.ndarray, close: bool, labels: Sequence[Hashable] | None
) -> dict[str, Any]:
    """Parts of an explicit relation; see `Causet.from_order`."""
    relation = np.asarray(matrix)
    if relation.ndim != 2 or relation.shape[0] != relation.shape[1]:
        raise ValueError(f"matrix has shape {relation.shape}: it must be (N, N)")
    if relation.dtype != bool:
        if not np.isin(relation, (0, 1)).all():
            raise ValueError("matrix holds values other than 0 and 1: pass booleans")
        relation = relation.astype(bool)
    size = len(relation)
    bits.require_memory(size)
    names = tuple(range(size)) if labels is None else tuple(labels)
    if len(names) != size:
        raise ValueError(f"labels has {len(names)} names for {size} elements")
    # In a partial order the number of elements before grows along the order.
    order = np.argsort(relation.sum(axis=0), kind="stable")
    sorted_relation = relation[np.ix_(order, order)]
    if np.tril(sorted_relation).any():
        order = _topological_order(relation)
        sorted_relation = relation[np.ix_(order, order)]
    labels = tuple(names[k] for k in order)
    given = bits.pack_rows(sorted_relation)
    rows = given.copy()
    order_kernels.close(rows)
    if not close and (rows != given).any():
        steps = sorted_relation.astype(np.float32)
        missing = (steps @ steps > 0) & ~sorted_relation
        i, k = np.argwhere(missing)[0]
        j = np.flatnonzero(sorted_relation[i] & sorted_relation[:, k])[0]
        i, j, k = (labels[e] for e in (i, j, k))
        raise ValueError(
            f"matrix is not transitive: {i!r} precedes {j!r} and {j!r} precedes {k!r}, "
            f"but {i!r} does not precede {k!r}. Pass close=True to add what follows."
        )
    return {"size": size, "labels": labels, "_rows": rows}


def _topological_order(relation: np.ndarray) -> np.ndarray:
    """Order that puts every element after its past; ValueError names a cycle."""
    graph = nx.DiGraph(relation)
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [int(edge[0]) for edge in nx.find_cycle(graph)]
        raise ValueError(
            f"matrix has the cycle {cycle}: an order has none. Remove one of its "
            "relations, or merge its elements."
        )
    return np.array(list(nx.topological_sort(graph)))


def graph_parts(graph: nx.DiGraph) -> dict[str, Any]:
    """Parts of the reachability order; see `Causet.from_graph`."""
    if not graph.is_directed():
        raise ValueError("graph is undirected: give its edges a direction first")
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        raise ValueError(
            f"graph has the cycle {cycle}: an order has none. Remove one of its edges, "
            "or take networkx.condensation(graph)."
        )
    nodes = list(nx.topological_sort(graph))
    bits.require_memory(len(nodes))
    position = {node: k for k, node in enumerate(nodes)}
    rows = np.zeros((len(nodes), bits.n_words(len(nodes))), np.uint64)
    for u, v in graph.edges():
        rows[position[u], position[v] >> 6] |= np.uint64(1 << (position[v] & 63))
    order_kernels.close(rows)
    return {"size": len(nodes), "labels": tuple(nodes), "_rows": rows}


def rank_parts(
    x: np.ndarray, y: np.ndarray, ties: str, rng: np.random.Generator | None
) -> dict[str, Any]:
    """Parts of a 2d order; see `Causet.from_ranks`."""
    x, y = _numbers(x, "x"), _numbers(y, "y")
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"x has shape {x.shape} and y has shape {y.shape}: both must be (N,)"
        )
    order, permutation = rank_permutation(x, y, ties, rng)
    return {
        "size": len(x),
        "labels": tuple(order.tolist()),
        "permutation": permutation,
    }


def rank_permutation(
    x: np.ndarray, y: np.ndarray, ties: str, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows sorted by x, and the rank of y in that order, under a ties policy."""
    size = len(x)
    if ties == "error":
        for name, values in (("x", x), ("y", y)):
            if len(np.unique(values)) < size:
                raise ValueError(
                    f"{name} has {size - len(np.unique(values))} tied values, which "
                    'void the exact null. Pass ties="random" with rng (exact level) '
                    'or ties="weak" (tied pairs stay unrelated).'
                )
        order = np.argsort(x)
        tie_breaker = np.zeros(size)
    elif ties == "random":
        if rng is None:
            raise ValueError('ties="random" needs rng: pass a numpy Generator')
        order = np.lexsort((rng.random(size), x))
        tie_breaker = rng.random(size)
    elif ties == "weak":
        # Ties in x sorted by falling y, ties in y by falling x: every tied pair
        # is then unrelated, and all others are as strict dominance has them.
        order = np.lexsort((-y, x))
        tie_breaker = -np.arange(size, dtype=float)
    else:
        raise ValueError(f'ties is {ties!r}: choose "error", "random" or "weak"')
    permutation = np.empty(size, np.int64)
    permutation[np.lexsort((tie_breaker, y[order]))] = np.arange(size)
    return order, permutation


def dominance_parts(values: np.ndarray) -> dict[str, Any]:
    """Parts of a product order; see `Causet.from_dominance`."""
    values = _numbers(values, "values")
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"values has shape {values.shape}: it must be (N, k), k >= 1")
    if values.shape[1] <= 2:
        parts = rank_parts(values[:, 0], values[:, -1], "weak", None)
        return parts
    bits.require_memory(len(values))
    order = np.argsort(values[:, 0], kind="stable")
    rows = order_kernels.dominance_rows(np.ascontiguousarray(values[order].T))
    return {"size": len(order), "labels": tuple(order.tolist()), "_rows": rows}


def event_parts(
    times: np.ndarray,
    contents: np.ndarray,
    speed: float,
    metric: str | Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> dict[str, Any]:
    """Parts of a speed-limit order; see `Causet.from_events`."""
    times, contents = _numbers(times, "times"), _numbers(contents, "contents")
    if times.ndim != 1 or contents.ndim == 0 or len(times) != len(contents):
        raise ValueError(
            f"times has shape {times.shape} and contents has shape {contents.shape}: "
            "times must be (N,) with one content each"
        )
    if not speed > 0 or not np.isfinite(speed):
        raise ValueError(f"speed is {speed}: it must be a positive number")
    size = len(times)
    bits.require_memory(size)
    contents = contents.reshape(size, contents[:1].size or 1)
    distance = distance_function(metric, contents)
    order = np.argsort(times, kind="stable")
    clock = times[order]
    if callable(metric) or metric == "precomputed":
        check_triangle(distance, order)
    rows = np.zeros((size, bits.n_words(size)), np.uint64)
    for start in range(0, size, _BLOCK):
        part = slice(start, start + _BLOCK)
        delay = clock[start:] - clock[part, None]
        gap = distance(order[part], order[start:])
        twins = np.argwhere((delay == 0) & (gap == 0))
        twins = twins[twins[:, 0] < twins[:, 1]]
        if len(twins):
            i, j = sorted(order[start + twins[0]].tolist())
            raise ValueError(
                f"events {i} and {j} have equal times and equal contents: drop "
                "duplicated events before building the order"
            )
        related = (delay > 0) & (gap <= speed * delay)
        rows[part, start // 64 :] = bits.pack_rows(related)  # _BLOCK % 64 == 0
    # Rounding on the light cone can leave a relation out; closing restores it.
    order_kernels.close(rows)
    coordinates = None
    if metric in ("euclidean", "absolute"):
        coordinates = np.column_stack([clock * speed, contents[order]])
    return {
        "size": size,
        "labels": tuple(order.tolist()),
        "coordinates": coordinates,
        "_rows": rows,
    }
