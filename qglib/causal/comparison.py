"""Discovery methods side by side on one table whose true graph is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.discovery import discover
from qglib.causal.graphs import cpdag, graph_metrics

__all__ = ["compare_methods"]


def compare_methods(
    data: pd.DataFrame | np.ndarray,
    truth: nx.DiGraph,
    methods: Sequence[str] | Mapping[str, Mapping[str, Any]] = (
        "pc",
        "ges",
        "exact",
        "empty",
    ),
) -> tuple[dict[str, nx.DiGraph], pd.DataFrame]:
    """Learn the class with every method and measure its distance from the truth.

    Parameters
    ----------
    data: table whose columns are the nodes of `truth`.
    truth: the true directed acyclic graph.
    methods: names of methods, see `discover`, or row names with the arguments of
        `discover`, ``{"PC, kernel": {"method": "pc", "ci_test": "kci"}}``; keep
        'empty', the row that every method has to beat.

    Returns
    -------
    Classes by method, the true one first under "truth"; and the `graph_metrics` of
    each method, one row per method.

    Raises
    ------
    ValueError: as `discover` and `graph_metrics`.
    """
    if not isinstance(methods, Mapping):
        methods = {method: {"method": method} for method in methods}
    learned = {name: discover(data, **how) for name, how in methods.items()}
    metrics = {method: graph_metrics(g, truth) for method, g in learned.items()}
    table = pd.DataFrame.from_dict(metrics, orient="index").rename_axis("method")
    return {"truth": cpdag(truth)} | learned, table
