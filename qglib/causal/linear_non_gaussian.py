"""LiNGAM: directions from the shape of the noise.

In a linear model with independent non-Gaussian errors every direction is identified
(Shimizu et al., JMLR 7 (2006) 2003; DirectLiNGAM: JMLR 12 (2011) 1225). Where errors
are Gaussian it is not: an arrow whose two ends both have Gaussian errors may be
turned without changing the distribution, as long as no collider is made or unmade
(Hoyer et al., UAI 2008). So the estimated errors are tested for normality and such
arrows are left undirected.

DirectLiNGAM is the authors' code as shipped in causal-learn.
"""

from __future__ import annotations

import networkx as nx
import numpy as np

from qglib.causal.graphs import close_under_meek, cpdag
from qglib.causal.tables import Table

__all__ = ["fit_lingam"]


def fit_lingam(table: Table, alpha: float) -> tuple[nx.DiGraph, list[str]]:
    """Graph of a linear non-Gaussian model, and warnings.

    Parameters
    ----------
    table: numbers.
    alpha: level of the Anderson-Darling test of each error, Bonferroni-corrected.

    Returns
    -------
    A graph as of `discover`; ``graph.graph`` holds ``arcs`` (all that DirectLiNGAM
    oriented), ``coefficients`` by arc and ``gaussian``, the columns whose errors pass
    for Gaussian.
    """
    from causallearn.search.FCMBased.lingam import DirectLiNGAM
    from statsmodels.stats.diagnostic import normal_ad

    x = table.values - table.values.mean(0)
    scale = x.std(0)
    model = DirectLiNGAM()
    model.fit(x / scale)
    gains = np.asarray(model.adjacency_matrix_)  # row: effect, column: cause
    errors = x / scale @ (np.eye(len(gains)) - gains).T
    level = alpha / len(gains)
    gaussian = {
        name
        for name, error in zip(table.names, errors.T, strict=True)
        if normal_ad(error)[1] > level
    }
    dag = nx.DiGraph()
    dag.add_nodes_from(table.names)
    coefficients = {}
    for b, a in zip(*np.nonzero(gains), strict=True):
        arc = table.names[a], table.names[b]
        dag.add_edge(*arc)
        coefficients[arc] = float(gains[b, a] * scale[b] / scale[a])
    graph = cpdag(dag)
    for a, b in dag.edges:
        if graph.has_edge(b, a) and not {a, b} <= gaussian:
            graph.remove_edge(b, a)
    graph = close_under_meek(graph)
    graph.graph.update(
        arcs=list(dag.edges), coefficients=coefficients, gaussian=sorted(gaussian)
    )
    warnings = ["Directions rest on linearity and on independent non-Gaussian errors."]
    if len(gaussian) > 1:
        warnings.append(
            f"The errors of {sorted(gaussian)} pass for Gaussian: LiNGAM does not "
            "identify arrows between them, and graph['arcs'] orients them by chance."
        )
    return graph, warnings
