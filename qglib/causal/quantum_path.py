"""The optimal path once more, by QAOA and Grover, checked against the exact one.

The instance is a layered graph: every node of a layer points to every node of the
next. The exact path costs one pass over the edges, so the quantum searches here
verify themselves; they are not a speed-up, and the table says what they cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.optimal_path import OptimalPath, optimal_path
from qglib.quantum import (
    durr_hoyer,
    grover_search,
    path_register,
    path_register_qaoa,
)

__all__ = [
    "QuantumPath",
    "layered_graph",
    "quantum_path",
    "search_cost",
    "search_scaling",
]


@dataclass(frozen=True)
class QuantumPath:
    """One layered instance, solved exactly and by quantum search.

    Attributes
    ----------
    exact: the optimal path, between the added nodes "source" and "target".
    path: node number in each layer, the same for every method.
    n_qubits: size of the register.
    table: one row per method: ``success`` per shot (of *an* optimum) and
        ``calls``, in the unit named in ``unit``.
    by_depth: (depth, success) of the QAOA on the way.
    """

    exact: OptimalPath
    path: tuple[int, ...]
    n_qubits: int
    table: pd.DataFrame
    by_depth: tuple[tuple[int, float], ...]


def layered_graph(coefficients: Sequence[np.ndarray]) -> nx.DiGraph:
    """Directed graph of a layered instance, nodes (layer, number).

    Parameters
    ----------
    coefficients: ``coefficients[k][a, b]`` is the coefficient of the arc from node a
        of layer k to node b of layer k + 1. The nodes "source" and "target" are
        joined to the first and last layer with coefficient 1.
    """
    graph = nx.DiGraph()
    tables = [np.asarray(table, dtype=float) for table in coefficients]
    for a in range(tables[0].shape[0]):
        graph.add_edge("source", (0, a), weight=1.0)
    for k, table in enumerate(tables):
        for (a, b), w in np.ndenumerate(table):
            graph.add_edge((k, a), (k + 1, b), weight=float(w))
    for b in range(tables[-1].shape[1]):
        graph.add_edge((len(tables), b), "target", weight=1.0)
    return graph


def search_cost(
    coefficients: Sequence[np.ndarray], rng: np.random.Generator, n_runs: int = 200
) -> pd.DataFrame:
    """What quantum minimum finding pays for a path, against one exact pass.

    Counted in the search's favour: its calls up to the moment it holds the optimum
    (which it cannot know), one evaluation of each arc of a path per call, nothing
    for undoing the computation or for the comparison.

    Parameters
    ----------
    coefficients: as `layered_graph`, none 0.
    rng: source of the measurement outcomes (Durr and Hoyer, exact probabilities).
    n_runs: simulated runs.

    Returns
    -------
    One row per run: ``calls`` of the oracle, ``found`` (whether it holds the
    optimum in the end), ``log10_ratio`` of the edges that dynamic programming
    evaluates over those of the search; below 0 the search does more work.
    """
    tables = [np.asarray(table, dtype=float) for table in coefficients]
    values = path_register([-np.log(np.abs(table)) for table in tables]).values
    runs = [durr_hoyer(values, rng) for _ in range(n_runs)]
    calls = np.array([run.queries_to_best + 1 for run in runs])  # the first guess
    edges = sum(table.size for table in tables)
    return pd.DataFrame(
        {
            "calls": calls,
            "found": [bool(np.isclose(run.value, values.min())) for run in runs],
            "log10_ratio": np.log10(edges / (calls * len(tables))),
        }
    )


def search_scaling(
    layers: int | Sequence[int],
    rng: np.random.Generator,
    width: int | Sequence[int] = 4,
    n_runs: int = 200,
) -> pd.DataFrame:
    """`search_cost` on random layered graphs of growing length or width.

    Parameters
    ----------
    layers, width: number of layers and of nodes in each; where one is a sequence,
        the graph grows along it, where both are, along their pairs.
    rng: source of the coefficients and of the measurement outcomes.
    n_runs: simulated runs per graph.

    Returns
    -------
    Index ``paths``; ``effect``, the mean log10_ratio over the runs, with its 95 %
    bootstrap interval ``low``, ``high``.
    """
    rows = {}
    for number, wide in np.broadcast(layers, width):
        tables = rng.uniform(0.1, 1, (number - 1, wide, wide))
        ratios = search_cost(tables, rng, n_runs)["log10_ratio"].to_numpy()
        means = ratios[rng.integers(0, n_runs, (2000, n_runs))].mean(1)
        low, high = np.quantile(means, [0.025, 0.975])
        rows[int(wide) ** int(number)] = (float(ratios.mean()), float(low), float(high))
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["effect", "low", "high"]
    )
    return table.rename_axis("paths")


def quantum_path(
    coefficients: Sequence[np.ndarray],
    depth: int,
    rng: np.random.Generator,
    *,
    starts: int = 6,
    device: object = "default.qubit",
    n_runs: int = 200,
) -> QuantumPath:
    """Find the strongest path of a layered graph exactly and by quantum search.

    Parameters
    ----------
    coefficients: as `layered_graph`; every layer a power of two of nodes, no zero.
    depth: depth of the QAOA (path register, complete-graph mixer).
    rng: source of the starting angles and of the minimum finding.
    starts: random starts of the QAOA.
    device: PennyLane device of the Grover circuit, or its name.
    n_runs: simulated runs of quantum minimum finding, see `search_cost`.

    Raises
    ------
    ValueError: a zero coefficient, or a width that is no power of two.
    RuntimeError: the register's optimum is not the path of dynamic programming.
    """
    tables = [np.asarray(table, dtype=float) for table in coefficients]
    if any((table == 0).any() for table in tables):
        raise ValueError(
            "a coefficient is 0: its cost -log|w| is infinite; drop the arc's path "
            "or use a small number."
        )
    widths = [tables[0].shape[0], *(table.shape[1] for table in tables)]
    odd = [width for width in widths if width & (width - 1)]
    if odd:
        raise ValueError(
            f"a layer has {odd[0]} nodes; Grover's register needs powers of two. Add "
            "nodes with tiny coefficients."
        )
    exact = optimal_path(layered_graph(tables), "source", "target")
    path = tuple(number for _, number in exact.nodes[1:-1])
    costs = [-np.log(np.abs(table)) for table in tables]
    register = path_register(costs)
    optima = register.optima()
    if path not in optima or len(optima) != exact.n_optima:
        raise RuntimeError(
            f"the register's optima {optima[:3]} are not the {exact.n_optima} path(s) "
            f"of dynamic programming, {path}: the encoding is wrong."
        )
    marked = [int(np.ravel_multi_index(p, register.widths)) for p in optima]
    found = path_register_qaoa(costs, depth, rng, starts)
    grover = grover_search(register.n_qubits, marked, device)
    edges = sum(table.size for table in tables)
    runs = search_cost(tables, rng, n_runs)
    rows = {
        "dynamic programming": (1.0, edges, "edges, exact"),
        "uniform guessing": (found.uniform, 1, "path per shot"),
        f"QAOA, depth {depth}": (
            found.success,
            found.evaluations,
            "simulated states to tune",
        ),
        "Grover, optimum's cost known": (
            grover.success,
            grover.iterations,
            "oracle calls per shot",
        ),
        "quantum minimum finding": (
            float(runs["found"].mean()),
            float(runs["calls"].median()),
            "oracle calls, median",
        ),
    }
    return QuantumPath(
        exact,
        path,
        register.n_qubits,
        pd.DataFrame.from_dict(
            rows, orient="index", columns=["success", "calls", "unit"]
        ),
        tuple((d, success) for d, success, _ in found.by_depth),
    )
