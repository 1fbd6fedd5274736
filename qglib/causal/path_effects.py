"""Total effects, the paths they are made of, and how stable both are.

In a linear structural model x = B^T x + e (B[i, j] the coefficient of i -> j) the
total effect of i on j is ((I - B)^-1)[i, j], the sum over all directed paths of
the product of coefficients.

Source: Wright, Ann. Math. Stat. 5 (1934) 161; Bollen, "Structural Equations with
Latent Variables", 1989; over an equivalence class: Maathuis, Kalisch & Buhlmann,
Ann. Stat. 37 (2009) 3133.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.graphs import require_dag
from qglib.causal.markov_class import class_members
from qglib.causal.optimal_path import arc_weights, optimal_path, require_reachable

__all__ = [
    "PathStability",
    "effects_over_class",
    "fit_linear_model",
    "path_products",
    "path_stability",
    "total_effects",
]


def fit_linear_model(dag: nx.DiGraph, data: pd.DataFrame) -> nx.DiGraph:
    """Copy of `dag` with the least-squares coefficient of each arc as ``weight``.

    On 0/1 columns a coefficient is a difference of probabilities (the linear
    probability model), an approximation wherever causes interact.

    Raises
    ------
    ValueError: a cycle, or nodes that are not columns of `data`.
    """
    require_dag(dag, "dag")
    missing = [node for node in dag if node not in data.columns]
    if missing:
        raise ValueError(f"data has no columns {missing}; it has {list(data.columns)}.")
    fitted = dag.copy()
    centred = data.astype(float) - data.astype(float).mean()
    for node in dag:
        parents = list(dag.predecessors(node))
        if parents:
            design = centred[parents].to_numpy()
            slopes = np.linalg.lstsq(design, centred[node].to_numpy(), rcond=None)[0]
            for parent, slope in zip(parents, slopes, strict=True):
                fitted.edges[parent, node]["weight"] = float(slope)
    return fitted


def total_effects(graph: nx.DiGraph, weight: str = "weight") -> pd.DataFrame:
    """Total effect of every node (row) on every node (column), (I - B)^-1.

    Raises
    ------
    ValueError: a cycle or a missing weight.
    """
    require_dag(graph)
    arc_weights(graph, weight)
    nodes = list(graph)
    b = nx.to_numpy_array(graph, nodelist=nodes, weight=weight)
    return pd.DataFrame(np.linalg.inv(np.eye(len(nodes)) - b), nodes, nodes)


def path_products(
    graph: nx.DiGraph, source: Hashable, target: Hashable, weight: str = "weight"
) -> list[tuple[tuple[Hashable, ...], float]]:
    """Every directed path with its signed product, largest absolute value first.

    Their sum is the total effect. The number of paths can grow exponentially.

    Raises
    ------
    ValueError, networkx.NodeNotFound, networkx.NetworkXNoPath: as `optimal_path`.
    """
    require_dag(graph)
    require_reachable(graph, source, target)
    weights = arc_weights(graph, weight)
    products = []
    for path in nx.all_simple_paths(graph, source, target):
        steps = [weights[arc] for arc in pairwise(path)]
        products.append((tuple(path), float(np.prod(steps))))
    return sorted(products, key=lambda item: -abs(item[1]))


def effects_over_class(
    pdag: nx.DiGraph,
    data: pd.DataFrame,
    source: Hashable,
    target: Hashable,
    limit: int = 1000,
) -> pd.DataFrame:
    """Total effect of `source` on `target` in each graph of the class.

    What the data cannot decide stays open: read the column's range, not its mean.

    Returns
    -------
    One row per graph: ``total_effect``, ``path`` (strongest, as text, or '-' where
    none leads from source to target), ``path_effect``.
    """
    rows = []
    for member in class_members(pdag, limit):
        fitted = fit_linear_model(member, data)
        if nx.has_path(fitted, source, target):
            best = optimal_path(fitted, source, target)
            path, effect = " -> ".join(map(str, best.nodes)), best.value
        else:
            path, effect = "-", 0.0
        total = float(total_effects(fitted).loc[source, target])
        rows.append({"total_effect": total, "path": path, "path_effect": effect})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class PathStability:
    """How often resampling the rows finds the same optimal path.

    Attributes
    ----------
    share: share of resamples in which the path is the optimum.
    arcs: share of resamples whose optimum holds each arc of the path.
    path_effect: 95 % percentile interval of the signed product along the path.
    total_effect: 95 % percentile interval of the total effect.
    """

    share: float
    arcs: dict[tuple[Hashable, Hashable], float]
    path_effect: tuple[float, float]
    total_effect: tuple[float, float]


def path_stability(
    dag: nx.DiGraph,
    data: pd.DataFrame,
    source: Hashable,
    target: Hashable,
    n_resamples: int,
    rng: np.random.Generator,
) -> PathStability:
    """Bootstrap the rows under a fixed graph and find the optimal path again.

    The graph is held fixed: its own uncertainty is in `bootstrap_edges` and
    `effects_over_class`.

    Raises
    ------
    ValueError: `n_resamples` < 2, or as `optimal_path`.
    """
    if n_resamples < 2:
        raise ValueError(f"n_resamples must be at least 2, got {n_resamples}.")
    path = optimal_path(fit_linear_model(dag, data), source, target).nodes
    arcs = list(pairwise(path))
    same, seen = 0, Counter()
    along, total = [], []
    for _ in range(n_resamples):
        rows = data.iloc[rng.integers(0, len(data), len(data))]
        fitted = fit_linear_model(dag, rows)
        again = optimal_path(fitted, source, target, k=1).nodes
        same += again == path
        seen.update(set(pairwise(again)) & set(arcs))
        along.append(np.prod([fitted.edges[arc]["weight"] for arc in arcs]))
        total.append(total_effects(fitted).loc[source, target])
    return PathStability(
        same / n_resamples,
        {arc: seen[arc] / n_resamples for arc in arcs},
        _interval(along),
        _interval(total),
    )


def _interval(draws: list[float]) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
