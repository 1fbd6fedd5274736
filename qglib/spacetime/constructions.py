"""From matrices, ranks and events to packed rows, the arguments of `Causet`."""

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np
from scipy.spatial.distance import cdist

from qglib.engines.orders import bits, order_kernels

Parts = tuple[np.ndarray, tuple[int, ...], np.ndarray | None]
_SAMPLE = 64  # elements of the triangle check: 64**3 triples
_SAMPLE_SEED = 20_260_103
_NAMED = {m: m for m in ("euclidean", "cityblock", "chebyshev")}
_NAMED["absolute"] = "cityblock"


def numbers(values: np.ndarray, name: str) -> np.ndarray:
    """The values as floats, or a clear refusal."""
    array = np.asarray(values, dtype=float)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{name} holds {len(bad)} NaN or infinite values, the first one "
            f"({array[tuple(bad[0])]}) in row {bad[0, 0]}: drop or fill those rows"
        )
    return array


def order_parts(matrix: np.ndarray, close: bool) -> Parts:
    """Parts of an explicit relation; see `Causet.from_order`."""
    relation = np.asarray(matrix)
    if relation.ndim != 2 or relation.shape[0] != relation.shape[1]:
        raise ValueError(f"matrix has shape {relation.shape}: it must be (N, N)")
    if not np.isin(relation, (0, 1)).all():
        raise ValueError("matrix holds values other than 0 and 1: pass booleans")
    relation = relation.astype(bool)
    # In a partial order the number of elements before grows along the order.
    order = np.argsort(relation.sum(axis=0), kind="stable")
    if np.tril(relation[np.ix_(order, order)]).any():
        graph = nx.DiGraph(relation)
        if not nx.is_directed_acyclic_graph(graph):
            cycle = [int(edge[0]) for edge in nx.find_cycle(graph)]
            raise ValueError(
                f"matrix has the cycle {cycle}: an order has none. Remove one of its "
                "relations, or merge its elements."
            )
        order = np.array(list(nx.topological_sort(graph)))
    relation = relation[np.ix_(order, order)]
    given = bits.pack_rows(relation)
    rows = given.copy()
    order_kernels.close(rows)
    if not close and (rows != given).any():
        i, k = order[np.argwhere(bits.unpack_rows(rows & ~given, len(order)))[0]]
        raise ValueError(
            f"matrix is not transitive: {i} does not precede {k}, although a chain "
            "leads from one to the other. Pass close=True to add what follows."
        )
    return rows, tuple(order.tolist()), None


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


def dominance_rows(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Packed rows: smaller in every column (N,); the first one is sorted."""
    bits.require_memory(len(columns[0]))
    return bits.related_rows(
        len(columns[0]),
        lambda i, j: np.logical_and.reduce([c[i, None] < c[j] for c in columns]),
    )


def angle_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles in radians between rows of (a, k) and (b, k), accurate near zero."""
    units = []
    for vectors in (first, second):
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        if (length == 0).any():
            raise ValueError(
                f"content {int(np.argmin(length))} is the zero vector, which has no "
                'angle: drop it, or use metric="euclidean"'
            )
        units.append(vectors / length)
    return 2 * np.arcsin(np.minimum(cdist(*units) / 2, 1))


def distance_function(
    metric: str, contents: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function of two index arrays (a,), (b,) that returns distances (a, b)."""
    if metric == "precomputed":
        _check_table(contents)
        return lambda i, j: contents[np.ix_(i, j)]
    if metric == "angle":
        return lambda i, j: angle_distance(contents[i], contents[j])
    if metric == "absolute" and contents.shape[1] != 1:
        raise ValueError(
            f"contents has {contents.shape[1]} columns: metric='absolute' takes one; "
            "use 'euclidean' or 'cityblock'"
        )
    if metric not in _NAMED:
        raise ValueError(
            f"metric is {metric!r}: choose {', '.join(_NAMED)}, precomputed or 'angle' "
            "(the cosine distance breaks the triangle inequality)"
        )
    return lambda i, j: cdist(contents[i], contents[j], _NAMED[metric])  # pyright: ignore


def _check_table(gap: np.ndarray) -> None:
    """Test shape, symmetry and diagonal, and the triangle inequality on a sample."""
    if gap.shape != (len(gap), len(gap)):
        raise ValueError(
            f"contents has shape {gap.shape}: metric='precomputed' needs the (N, N) "
            "distance matrix"
        )
    slack = 1e-9 * (1 + np.abs(gap).max(initial=0))
    if np.abs(gap - gap.T).max(initial=0) > slack or np.diag(gap).any():
        raise ValueError(
            "contents is not symmetric, or an event has a distance to itself: pass a "
            "true metric"
        )
    rng = np.random.default_rng(_SAMPLE_SEED)  # the same input, the same answer
    chosen = np.sort(rng.permutation(len(gap))[:_SAMPLE])
    some = gap[np.ix_(chosen, chosen)]
    # excess[i, j, k] = d_ik - d_ij - d_jk; a negative distance exceeds too
    excess = some[:, None, :] - some[:, :, None] - some[None, :, :]
    if excess.max(initial=0) > slack:
        i, j, k = chosen[list(np.unravel_index(excess.argmax(), excess.shape))]
        raise ValueError(
            f"contents breaks the triangle inequality for the events {i}, {j}, {k}: "
            f"the direct distance {gap[i, k]:.6g} exceeds the way round "
            f"{gap[i, j] + gap[j, k]:.6g}: pass a true metric"
        )


def event_parts(
    times: np.ndarray, contents: np.ndarray, speed: float, metric: str
) -> Parts:
    """Parts of a speed-limit order; see `Causet.from_events`."""
    times, contents = numbers(times, "times"), numbers(contents, "contents")
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

    def related(part: slice, later: slice) -> np.ndarray:
        delay = clock[later] - clock[part, None]
        gap = distance(order[part], order[later])
        twins = np.argwhere(np.triu((delay == 0) & (gap == 0), 1))
        if len(twins):
            i, j = sorted(order[later][twins[0]].tolist())
            raise ValueError(
                f"events {i} and {j} have equal times and equal contents: drop "
                "duplicated events before building the order"
            )
        return (delay > 0) & (gap <= speed * delay)

    rows = bits.related_rows(size, related)
    # Rounding on the light cone can leave a relation out; closing restores it.
    order_kernels.close(rows)
    coordinates = None
    if metric in ("euclidean", "absolute"):
        coordinates = np.column_stack([clock * speed, contents[order]])
    return rows, tuple(order.tolist()), coordinates
