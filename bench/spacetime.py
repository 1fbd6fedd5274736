"""Speed and memory of the space-time floor against the usual ways."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import combinations

import networkx as nx
import numpy as np
from sklearn.datasets import load_breast_cancer

from bench import Row, interleave
from qglib.spacetime import (
    Causet,
    independence_test,
    interval_abundances,
    longest_chain,
    null_table,
    sprinkle_diamond,
)

_MB = 2**20
_FRESH = """
import json, sys, time
from pathlib import Path
import numpy as np
from qglib.spacetime import Causet, interval_abundances, sprinkle_diamond

def one_pass(dimension, size):
    causet = sprinkle_diamond(dimension, size, np.random.default_rng(1), fixed=True)
    return len(causet.links()), interval_abundances(causet)

dimension, size = int(sys.argv[1]), int(sys.argv[2])
def memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024

one_pass(dimension, 200)  # loads the kernels
Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
before = memory("VmRSS")
start = time.perf_counter()
links, counts = one_pass(dimension, size)
seconds = time.perf_counter() - start
assert counts[0] == links
print(json.dumps({"seconds": seconds, "before": before, "peak": memory("VmHWM")}))
"""


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


def _afresh(causet: Causet) -> Causet:
    """The same order with nothing computed yet."""
    return Causet(causet.future, causet.labels)


def _against_blas(dimension: int, size: int, rounds: int, goal: float) -> Row:
    rng = np.random.default_rng([1, dimension, size])
    causet = sprinkle_diamond(dimension, size, rng, fixed=True)

    def ours():
        fresh = _afresh(causet)
        return fresh.links(), interval_abundances(fresh)

    links, counts = ours()
    wanted = _product(causet)
    assert (counts[: len(wanted)] == wanted).all() and len(links) == wanted[0]
    times = interleave({"ours": ours, "blas": lambda: _product(causet)}, rounds, warm=0)
    return Row(
        f"links and abundances, {dimension}d, N = {size}, against a float32 product",
        *_ratio(times, "blas", "ours"),
        10,
        goal,
        note=f"ours {min(times['ours']):.3g} s, product {min(times['blas']):.3g} s",
    )


def _fresh_process(dimension: int, size: int) -> dict[str, float]:
    """Seconds and memory of one pass in a process of its own (Linux)."""
    command = [sys.executable, "-c", _FRESH, str(dimension), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _memory_rows() -> Iterator[Row]:
    for dimension, size in ((2, 2000), (2, 8000), (3, 8000)):
        seen = _fresh_process(dimension, size)
        grown = (seen["peak"] - seen["before"]) / _MB
        limit = (2 * size**2 / 8) / _MB + 64
        what = f"memory of sprinkling, links and abundances, {dimension}d, N = {size}"
        note = "peak of a fresh process less its size before"
        yield Row(what, grown, None, limit, limit, smaller=True, unit="MB", note=note)
    for dimension in (2, 4):
        seen = _fresh_process(dimension, 20_000)
        what = f"sprinkling, links and abundances, {dimension}d, N = 20000"
        yield Row(what, seen["seconds"], None, 60, 5, smaller=True, unit="s")
        peak = seen["peak"] / _MB
        note = f"peak of the process, {seen['before'] / _MB:.0f} MB of it imports"
        yield Row(what, peak, None, 1000, 500, smaller=True, unit="MB", note=note)


def _chain_rows() -> Iterator[Row]:
    rng = np.random.default_rng(2)
    deep = sprinkle_diamond(4, 8000, rng, fixed=True)
    graph = nx.DiGraph(deep.matrix())
    assert longest_chain(deep).length == len(nx.dag_longest_path(graph))
    times = interleave({"ours": lambda: longest_chain(deep)}, 5, warm=1)
    times |= interleave({"rival": lambda: nx.dag_longest_path(graph)}, 1, warm=0)
    yield Row(
        "longest chain with number of optima, 4d, N = 8000",
        *_ratio(times, "rival", "ours"),
        20,
        50,
        note=f"networkx {min(times['rival']):.3g} s on the same relation",
    )
    start = time.perf_counter()
    chain = longest_chain(Causet.from_ranks(np.arange(20_000), rng.permutation(20_000)))
    yield Row(
        "order and longest chain with number of optima, 2d, N = 20000",
        time.perf_counter() - start,
        None,
        10,
        2,
        smaller=True,
        unit="s",
        note=f"{chain.length} elements",
    )
    dense = sprinkle_diamond(2, 1000, rng, fixed=True)
    general = Causet.from_order(dense.matrix())
    graph = nx.DiGraph(general.matrix())
    times = interleave({"ours": lambda: _afresh(general).links()}, 5, warm=1)
    times |= interleave({"rival": lambda: nx.transitive_reduction(graph)}, 1, warm=0)
    yield Row(
        "links of a general order, dense, N = 1000",
        *_ratio(times, "rival", "ours"),
        20,
        1000,
        note=f"networkx.transitive_reduction {min(times['rival']):.3g} s",
    )


def _independence_row() -> Row:
    x, y = np.random.default_rng(3).normal(size=(2, 200))
    independence_test(x, y, draws=100)  # simulates and keeps the null
    times = interleave({"ours": lambda: independence_test(x, y, draws=100)}, 15)
    return Row(
        "independence test, n = 200, null kept",
        1e3 * min(times["ours"]),
        1e3 * float(np.median(times["ours"])),
        5,
        2.5,
        smaller=True,
        unit="ms",
        note="100 null draws",
    )


def _network_row() -> Row:
    table = load_breast_cancer().data
    null = null_table(len(table), draws=1000)  # simulated once and kept
    start = time.perf_counter()
    rng = np.random.default_rng(4)
    network = [
        independence_test(x, y, rng, ties="random", null=null).pvalue
        for x, y in combinations(table.T, 2)
    ]
    return Row(
        "dependence network, 30 columns x 569 rows, null kept",
        time.perf_counter() - start,
        None,
        30,
        10,
        smaller=True,
        unit="s",
        note=f"{len(network)} pairs",
    )


def rows() -> Iterator[Row]:
    """One row per promise; ratios of minima, one thread."""
    yield _against_blas(2, 2000, rounds=7, goal=20)
    yield _against_blas(2, 8000, rounds=1, goal=40)
    yield _against_blas(3, 4000, rounds=3, goal=16)
    yield _against_blas(4, 4000, rounds=3, goal=16)
    yield from _memory_rows()
    yield from _chain_rows()
    yield _independence_row()
    yield _network_row()
