"""What is handed on about a causal path: the graph, P, effects and intervals."""

from __future__ import annotations

from collections.abc import Hashable

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.optimal_path import optimal_path
from qglib.causal.path_effects import PathStability, total_effects

__all__ = ["path_report", "path_summary"]


def path_report(
    model: nx.DiGraph,
    pdag: nx.DiGraph,
    source: Hashable,
    target: Hashable,
    stability: PathStability,
    over_class: pd.DataFrame,
    assumption: str,
) -> dict:
    """Graph, path P and effects as node-link JSON for later readers.

    Parameters
    ----------
    model: fitted graph, see `fit_linear_model`.
    pdag: its class with bootstrap confidence, see `discover`.
    source, target: ends of the path.
    stability, over_class: from `path_stability` and `effects_over_class`.
    assumption: what singled `model` out of the class, in words.

    Returns
    -------
    networkx node-link data (key "edges"); arcs carry ``weight``, ``confidence`` and
    ``compelled``, the graph carries ``path`` and the effects with intervals.
    """
    best = optimal_path(model, source, target)
    export = model.copy()
    for a, b in export.edges:
        export.edges[a, b]["confidence"] = pdag.edges[a, b].get("confidence", 1.0)
        export.edges[a, b]["compelled"] = not pdag.has_edge(b, a)
    total = over_class["total_effect"]
    export.graph = {
        "source": source,
        "target": target,
        "path": list(best.nodes),
        "path_effect": best.value,
        "path_interval": list(stability.path_effect),
        "path_margin": best.margin if np.isfinite(best.margin) else None,
        "path_stability": stability.share,
        "total_effect": float(total_effects(model).loc[source, target]),
        "total_interval": list(stability.total_effect),
        "class_range": [float(total.min()), float(total.max())],
        "assumption": assumption,
    }
    return nx.node_link_data(export, edges="edges")


def path_summary(report: dict, truth: float) -> pd.DataFrame:
    """P and the total effect of `path_report` beside the known truth.

    Parameters
    ----------
    report: result of `path_report`.
    truth: true total effect, for instance `BinaryNetwork.effect`.

    Returns
    -------
    Rows for P (named by its nodes), the total effect and the truth; ``effect`` with
    its 95 % interval ``low``, ``high``. The truth is exact: its ends are itself.
    """
    known = report["graph"]
    rows = {
        f"P: {' → '.join(map(str, known['path']))}": (
            known["path_effect"],
            *known["path_interval"],
        ),
        "total effect": (known["total_effect"], *known["total_interval"]),
        "truth, by intervention": (truth,) * 3,
    }
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["effect", "low", "high"]
    )
