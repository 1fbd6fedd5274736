"""Graphs whose Ollivier-Ricci curvature is known in closed form."""

from __future__ import annotations

import networkx as nx
import pandas as pd

from qglib.explain.curvature import ollivier_ricci


def curvature_truth() -> pd.DataFrame:
    """Found and exact curvature of one edge of seven graphs.

    Complete graph (n - 2)/(n - 1), inner edge of the 3-regular tree -2/3, Petersen
    graph -1/3, all without idleness (Ollivier 2009); cycles 1, 1/2 and 0 for 4, 5 and
    more nodes and hypercube 2/n in the limit of Lin, Lu and Yau 2011 (LLY).

    Columns ``found``, ``closed form``.
    """
    tree = nx.balanced_tree(2, 4)  # an inner node has three neighbours
    cases = [
        ("complete graph of 5", nx.complete_graph(5), 0.0, 3 / 4),
        ("cycle of 4, LLY", nx.cycle_graph(4), None, 1.0),
        ("cycle of 5, LLY", nx.cycle_graph(5), None, 1 / 2),
        ("cycle of 8, LLY", nx.cycle_graph(8), None, 0.0),
        ("cube, LLY", nx.hypercube_graph(3), None, 2 / 3),
        ("3-tree, inner edge", tree, 0.0, -2 / 3),
        ("Petersen graph", nx.petersen_graph(), 0.0, -1 / 3),
    ]
    rows = {}
    for name, graph, idleness, value in cases:
        curvature = ollivier_ricci(graph, idleness=idleness)
        edge = (1, 3) if graph is tree else next(iter(curvature))
        rows[name] = [curvature[edge], value]
    return pd.DataFrame(rows, ["found", "closed form"]).T
