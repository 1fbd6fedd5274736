"""The cheapest path under a budget: the NP-hard relative of the optimal path.

Without the budget a path in a directed acyclic graph takes linear time and leaves
nothing for a quantum search. With it the problem is NP-hard, and label setting is
exact: every node keeps the partial paths that no other beats in cost and resource.

Source: Desrochers & Soumis, INFOR 26 (1988) 191; hardness: Garey & Johnson,
"Computers and Intractability", 1979, problem ND30.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.optimal_path import arc_weights, require_reachable
from qglib.causal.quantum_path import layered_graph
from qglib.quantum import grover_search, path_register, qaoa

__all__ = [
    "ConstrainedPath",
    "budget_graph",
    "constrained_path",
    "quantum_constrained_path",
]

_TIE = 1e-12


@dataclass(frozen=True)
class ConstrainedPath:
    """The cheapest path within a budget.

    Attributes
    ----------
    nodes: the path, source first.
    cost, resource: sums along it.
    unconstrained: cost of the cheapest path without the budget.
    labels: partial paths that were kept, a measure of the work.
    """

    nodes: tuple[Hashable, ...]
    cost: float
    resource: float
    unconstrained: float
    labels: int


def constrained_path(
    graph: nx.DiGraph,
    source: Hashable,
    target: Hashable,
    budget: float,
    cost: str = "cost",
    resource: str = "resource",
    max_labels: int = 1_000_000,
) -> ConstrainedPath:
    """Path of least total cost whose total resource is at most `budget`, exactly.

    Parameters
    ----------
    graph: directed graph, cycles allowed; costs and resources at least 0.
    source, target: nodes joined by a directed path.
    budget: largest total resource.
    cost, resource: names of the arc attributes.
    max_labels: give up beyond so many partial paths (their number can grow
        exponentially).

    Raises
    ------
    ValueError: a missing, negative or not finite number.
    networkx.NodeNotFound: source or target is not a node.
    networkx.NetworkXNoPath: no path at all, or none within the budget.
    MemoryError: more than `max_labels` partial paths.
    """
    if not math.isfinite(budget) or budget < 0:
        raise ValueError(f"budget must be a finite number of at least 0, got {budget}.")
    require_reachable(graph, source, target)
    costs, uses = arc_weights(graph, cost), arc_weights(graph, resource)
    for name, table in ((cost, costs), (resource, uses)):
        arc = min(table, key=table.get)
        if table[arc] < 0:
            raise ValueError(
                f"arc {arc[0]!r} -> {arc[1]!r} has {name}={table[arc]}: label setting "
                "needs numbers of at least 0; add a constant per layer."
            )
    cheapest = nx.shortest_path_length(graph, source, target, weight=cost)
    # What is still needed to reach the target prunes labels that cannot make it.
    need = nx.single_source_dijkstra_path_length(
        graph.reverse(copy=False), target, weight=resource
    )
    limit = budget + _TIE * max(1.0, budget)
    if need[source] > limit:
        raise nx.NetworkXNoPath(
            f"no path from {source!r} to {target!r} keeps to budget {budget:.6g}; the "
            f"least resource is {need[source]:.6g}."
        )
    labels: list[tuple[Hashable, int]] = [(source, -1)]
    heap = [(0.0, 0.0, 0)]
    least: dict[Hashable, float] = {}  # smallest resource of a settled label
    while heap:
        spent, used, number = heapq.heappop(heap)
        node = labels[number][0]
        if node in least and used >= least[node]:
            continue  # an earlier label is no dearer and needs no more: dominated
        least[node] = used
        if node == target:
            path = []
            while number >= 0:
                node, number = labels[number]
                path.append(node)
            return ConstrainedPath(
                tuple(reversed(path)), spent, used, float(cheapest), len(labels)
            )
        for after in graph.successors(node):
            total = used + uses[node, after]
            if after not in need or total + need[after] > limit:
                continue
            if after in least and total >= least[after]:
                continue
            if len(labels) >= max_labels:
                raise MemoryError(
                    f"more than max_labels={max_labels} partial paths (about "
                    f"{max_labels * 300 / 2**30:.2g} GiB): round the resources or "
                    "raise max_labels."
                )
            labels.append((after, number))
            heapq.heappush(heap, (spent + costs[node, after], total, len(labels) - 1))
    raise AssertionError("a feasible path exists and was not found")


def budget_graph(
    costs: Sequence[np.ndarray], resources: Sequence[np.ndarray]
) -> nx.DiGraph:
    """Layered graph whose arcs carry a ``cost`` and a ``resource``.

    Parameters
    ----------
    costs, resources: tables per pair of layers, ``[k][a, b]`` from node a of layer
        k to node b of layer k + 1, as `layered_graph`; the arcs from "source" and to
        "target" are free.

    Raises
    ------
    ValueError: costs and resources of different shapes.
    """
    shapes = [[np.shape(t) for t in tables] for tables in (costs, resources)]
    if shapes[0] != shapes[1] or not shapes[0]:
        raise ValueError(
            f"costs have shapes {shapes[0]}, resources {shapes[1]}: give one table of "
            "each per pair of layers, of one shape."
        )
    graph, also = layered_graph(costs), layered_graph(resources)
    ends = {"source", "target"}
    for a, b in graph.edges:
        free = a in ends or b in ends
        graph.edges[a, b]["cost"] = 0.0 if free else graph.edges[a, b]["weight"]
        graph.edges[a, b]["resource"] = 0.0 if free else also.edges[a, b]["weight"]
    return graph


def quantum_constrained_path(
    costs: Sequence[np.ndarray],
    resources: Sequence[np.ndarray],
    budget: float,
    depth: int,
    rng: np.random.Generator,
    *,
    starts: int = 6,
    device: object = "default.qubit",
) -> pd.DataFrame:
    """The same by QAOA and by Grover on a path register, checked by label setting.

    A path over the budget costs the spread of all costs plus 1 more, so that the
    optimum of the register is the constrained optimum.

    Parameters
    ----------
    costs, resources: tables per pair of layers, ``[k][a, b]`` from node a of layer
        k to node b of layer k + 1, at least 0; layers of a power of two of nodes.
    budget: largest total resource.
    depth, starts: of the QAOA.
    rng: source of the starting angles.
    device: PennyLane device of the Grover circuit, or its name.

    Returns
    -------
    One row per method: ``success`` per shot, ``feasible``, the share of shots within
    the budget, ``calls`` in the unit named in ``unit``.

    Raises
    ------
    ValueError, networkx.NetworkXNoPath: as `constrained_path`, or a width that is no
        power of two.
    MemoryError: before allocating, when the register would not fit.
    RuntimeError: the register's optimum is not that of label setting.
    """
    register, load = path_register(costs), path_register(resources)
    if register.widths != load.widths:
        raise ValueError(
            f"costs have layers {register.widths}, resources {load.widths}: one table "
            "of each per pair of layers, of one shape."
        )
    odd = [width for width in register.widths if width & (width - 1)]
    if odd:
        raise ValueError(f"a layer has {odd[0]} nodes; use powers of two.")
    graph = budget_graph(costs, resources)
    exact = constrained_path(graph, "source", "target", budget)
    within = load.values <= budget + _TIE * max(1.0, budget)
    values = register.values + np.where(within, 0.0, np.ptp(register.values) + 1.0)
    low = values.min()
    if abs(low - exact.cost) > 1e-9 * max(1.0, abs(low)):
        raise RuntimeError(
            f"the register's optimum {low:.6f} is not the {exact.cost:.6f} of label "
            "setting: the encoding is wrong."
        )
    marked = np.flatnonzero(values <= low + _TIE * max(1.0, abs(low)))
    widths = [w for w in register.widths if w > 1]
    found = qaoa(values, depth, rng, starts, widths)
    grover = grover_search(register.n_qubits, marked.tolist(), device)
    rows = {
        "label setting": (1.0, 1.0, exact.labels, "labels, exact"),
        "uniform guessing": (
            len(marked) / len(values),
            float(within.mean()),
            1,
            "path per shot",
        ),
        f"QAOA, depth {depth}": (
            found.success,
            float(found.probabilities[within].sum()),
            found.evaluations,
            "simulated states to tune",
        ),
        "Grover, optimum's cost known": (
            grover.success,
            float(grover.probabilities[within].sum()),
            grover.iterations,
            "oracle calls per shot",
        ),
    }
    columns = ["success", "feasible", "calls", "unit"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
