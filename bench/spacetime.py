"""Speed of the space-time floor: intervals and chains against the usual ways."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np

from bench import Row, interleave
from qglib.spacetime import (
    Causet,
    independence_test,
    interval_abundances,
    longest_chain,
    sprinkle_diamond,
)


def _ratio(times: dict[str, list[float]], slow: str, fast: str) -> tuple[float, float]:
    return (
        min(times[slow]) / min(times[fast]),
        float(np.median(times[slow]) / np.median(times[fast])),
    )


def _product(causet: Causet) -> np.ndarray:
    """Interval counts by a float32 matrix product (BLAS)."""
    relation = causet.matrix()
    matrix = relation.astype(np.float32)
    return np.bincount((matrix @ matrix)[relation].astype(np.int64))


def rows() -> Iterator[Row]:
    """One row per promise: ratio of minima, rotating order, one thread."""
    rng = np.random.default_rng(1)
    for size, rounds, gate, goal in ((2000, 7, 4, 10), (8000, 1, 10, 20)):
        points = sprinkle_diamond(2, size, rng, fixed=True)
        ranks = points.permutation

        def ours(ranks=ranks):
            fresh = Causet.from_ranks(np.arange(len(ranks)), ranks)
            return fresh.links(), interval_abundances(fresh)

        times = interleave(
            {"ours": ours, "blas": lambda p=points: _product(p)}, rounds, warm=0
        )
        low, median = _ratio(times, "blas", "ours")
        yield Row(
            f"links and abundances, 2d, N = {size}",
            low,
            median,
            gate,
            goal,
            note=f"float32 product {min(times['blas']):.3g} s",
        )
    deep = sprinkle_diamond(4, 8000, rng, fixed=True)
    times = interleave({"ours": lambda: longest_chain(deep)}, 1, warm=0)
    graph = deep.to_graph(reduced=False)
    times |= interleave({"rival": lambda: nx.dag_longest_path(graph)}, 1, warm=0)
    low, median = _ratio(times, "rival", "ours")
    yield Row(
        "longest chain with number of optima, 4d, N = 8000",
        low,
        median,
        20,
        50,
        note=f"networkx {min(times['rival']):.3g} s on the same relation",
    )
    x, y = rng.normal(size=(2, 200))
    independence_test(x, y, draws=100)  # simulates and keeps the null
    times = interleave({"ours": lambda: independence_test(x, y, draws=100)}, 15)
    best = 1e3 * min(times["ours"])
    yield Row(
        "independence test, n = 200, null kept",
        best,
        1e3 * float(np.median(times["ours"])),
        5,
        2.5,
        smaller=True,
        unit="ms",
        note="100 null draws",
    )
