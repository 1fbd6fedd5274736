"""The algorithms behind `qglib.causal.discover`: table in, graph and warnings out.

PC, GES and DirectLiNGAM are causal-learn's; here their marks become a
`networkx.DiGraph` and PC gets any test of independence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np

from qglib.causal.exact_search import exact_search
from qglib.causal.graphs import close_under_meek, cpdag
from qglib.causal.scores import additive_ridge_bic, discrete_bic, gaussian_bic
from qglib.causal.tables import Table

__all__ = ["learn_exact", "learn_ges", "learn_lingam", "learn_pc"]

Learned = tuple[nx.DiGraph, list[str]]
PValue = Callable[[int, int, Sequence[int]], float]
"""p-value of independence of two column numbers, given others."""


def learn_pc(
    table: Table, alpha: float, pvalue: PValue, max_conditioning: int | None
) -> Learned:
    """PC: skeleton, colliders (the first found wins), then Meek's rules."""
    from causallearn.utils.PCUtils import Meek, SkeletonDiscovery, UCSepset

    skeleton = SkeletonDiscovery.skeleton_discovery(
        table.values,
        alpha,
        _Asked(pvalue),
        show_progress=False,
        max_k=max_conditioning,
    )
    found = Meek.meek(UCSepset.uc_sepset(skeleton, 2))
    return _from_causal_learn(found.G.graph, table.names)


class _Asked:
    """A p-value function as causal-learn calls it; each question is answered once."""

    method = "qglib"

    def __init__(self, pvalue: PValue) -> None:
        self._pvalue = pvalue
        self._answers: dict[tuple, float] = {}

    def __call__(self, i: int, j: int, given: Sequence[int] | None = None) -> float:
        i, j = sorted((int(i), int(j)))
        key = i, j, tuple(sorted(map(int, given or ())))
        if key not in self._answers:
            self._answers[key] = self._pvalue(*key)
        return self._answers[key]


def learn_ges(table: Table) -> Learned:
    """GES with the BDeu score on categories and the Gaussian BIC on numbers."""
    from causallearn.search.ScoreBased.GES import ges

    score = "local_score_BDeu" if table.discrete else "local_score_BIC"
    found = ges(table.values.astype(float), score_func=score)
    return _from_causal_learn(found["G"].graph, table.names)


def learn_exact(table: Table, method: str, max_parents: int | None) -> Learned:
    """The best-scoring graph, 'exact' or 'exact_nl'; its score and arcs are kept."""
    if method == "exact_nl":
        score, bound = additive_ridge_bic(table.values), 3
    else:
        score = (discrete_bic if table.discrete else gaussian_bic)(table.values)
        bound = 4
    bound = bound if max_parents is None else max_parents
    adjacency, value = exact_search(len(table.names), score, bound)
    dag = _named(adjacency, table.names)
    graph = cpdag(dag)
    graph.graph.update(score=value, arcs=list(dag.edges))
    warnings = []
    if method == "exact_nl":
        warnings.append("graph['arcs'] rests on additive noise, not on the class.")
    return graph, warnings


def learn_lingam(table: Table, alpha: float) -> Learned:
    """DirectLiNGAM (Shimizu et al., JMLR 12 (2011) 1225): directions from noise.

    In a linear model with independent non-Gaussian errors every direction is
    identified. An arrow whose two ends both have Gaussian errors may be turned
    without changing the distribution (Hoyer et al., UAI 2008): the errors are
    tested for normality (Anderson-Darling, Bonferroni-corrected level `alpha`) and
    such arrows stay undirected. ``graph.graph`` holds all ``arcs`` that were
    oriented, ``coefficients`` by arc, and the ``gaussian`` columns.
    """
    from causallearn.search.FCMBased.lingam import DirectLiNGAM
    from statsmodels.stats.diagnostic import normal_ad

    x = table.values - table.values.mean(0)
    scale = x.std(0)
    model = DirectLiNGAM()
    model.fit(x / scale)
    gains = np.asarray(model.adjacency_matrix_)  # row: effect, column: cause
    errors = x / scale @ (np.eye(len(gains)) - gains).T
    gaussian = {
        name
        for name, error in zip(table.names, errors.T, strict=True)
        if normal_ad(error)[1] > alpha / len(gains)
    }
    dag = _named((gains != 0).T, table.names)
    graph = cpdag(dag)
    for a, b in dag.edges:
        if graph.has_edge(b, a) and not {a, b} <= gaussian:
            graph.remove_edge(b, a)
    graph = close_under_meek(graph)
    place = {name: k for k, name in enumerate(table.names)}
    size = {
        (a, b): float(gains[place[b], place[a]] * scale[place[b]] / scale[place[a]])
        for a, b in dag.edges
    }
    graph.graph.update(
        arcs=list(dag.edges), coefficients=size, gaussian=sorted(gaussian)
    )
    warnings = ["Directions rest on linearity and on independent non-Gaussian errors."]
    if len(gaussian) > 1:
        warnings.append(
            f"The errors of {sorted(gaussian)} pass for Gaussian: LiNGAM does not "
            "identify arrows between them, and graph['arcs'] orients them by chance."
        )
    return graph, warnings


def _named(adjacency: np.ndarray, names: tuple[str, ...]) -> nx.DiGraph:
    """Directed graph of a table in which [a, b] says a -> b."""
    dag = nx.DiGraph()
    dag.add_nodes_from(names)
    dag.add_edges_from((names[a], names[b]) for a, b in np.argwhere(adjacency))
    return dag


def _from_causal_learn(endpoints: np.ndarray, names: tuple[str, ...]) -> Learned:
    """causal-learn marks: [i, j] = -1 tail at i, 1 arrow head at i of edge i - j."""
    graph = nx.DiGraph()
    graph.add_nodes_from(names)
    conflicts = 0
    for i, a in enumerate(names):
        for j, b in enumerate(names[:i]):
            at_a, at_b = endpoints[i, j], endpoints[j, i]
            if not (at_a or at_b):
                continue
            conflicts += at_a == 1 and at_b == 1
            if at_a == at_b or at_a == 1:
                graph.add_edge(b, a)
            if at_a == at_b or at_b == 1:
                graph.add_edge(a, b)
    warnings = []
    if conflicts:
        warnings.append(f"{conflicts} edges had two arrow heads; kept undirected.")
    return graph, warnings
