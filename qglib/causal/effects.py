"""Coefficients and total effects of a linear causal model, also over a class.

In a linear structural model x = B^T x + e (B[i, j] the coefficient of i -> j) the
total effect of i on j is ((I - B)^-1)[i, j], the sum over all directed paths of
the product of coefficients.

Source: Wright, Ann. Math. Stat. 5 (1934) 161; Bollen, "Structural Equations with
Latent Variables", 1989; over an equivalence class: Maathuis, Kalisch & Buhlmann,
Ann. Stat. 37 (2009) 3133.
"""

from __future__ import annotations

from collections.abc import Hashable

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.best_path import best_path
from qglib.causal.graphs import class_members, require_dag

__all__ = ["effects_over_class", "fit_linear_model"]


def fit_linear_model(dag: nx.DiGraph, data: pd.DataFrame) -> nx.DiGraph:
    """Copy of `dag` with the least-squares coefficient of each arc as ``weight``.

    On 0/1 columns a coefficient is a difference of probabilities (the linear
    probability model), an approximation wherever causes interact.

    Raises:
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


def total_effects(graph: nx.DiGraph) -> pd.DataFrame:
    """Total effect of every node (row) on every node (column), (I - B)^-1."""
    nodes = list(graph)
    direct = nx.to_numpy_array(graph, nodes)
    return pd.DataFrame(np.linalg.inv(np.eye(len(nodes)) - direct), nodes, nodes)


def effects_over_class(
    pdag: nx.DiGraph,
    data: pd.DataFrame,
    source: Hashable,
    target: Hashable,
    limit: int = 1000,
) -> pd.DataFrame:
    """Total effect of `source` on `target` in each graph of the class.

    What the data cannot decide stays open: read the column's range, not its mean.

    Returns:
        One row per graph: ``total_effect``, ``path`` (strongest, as text, or '-'
        where none leads from source to target), ``path_effect``.

    Raises:
        ValueError: as `class_members` and `fit_linear_model`.
    """
    rows = []
    for member in class_members(pdag, limit):
        fitted = fit_linear_model(member, data)
        path, along = "-", 0.0
        if nx.has_path(fitted, source, target):
            best = best_path(fitted, source, target)
            path, along = " -> ".join(map(str, best.nodes)), best.value
        total = float(total_effects(fitted).loc[source, target])
        rows.append({"total_effect": total, "path": path, "path_effect": along})
    return pd.DataFrame(rows)
