"""The algorithms behind `qglib.causal.discover`, table in, class and warnings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np

from qglib.causal.conditional_independence import TestSettings, pvalue_of
from qglib.causal.exact_search import exact_search
from qglib.causal.graphs import cpdag
from qglib.causal.scores import additive_ridge_bic, discrete_bic, gaussian_bic
from qglib.causal.tables import Table

__all__ = ["learn_exact", "learn_ges", "learn_pc"]

Learned = tuple[nx.DiGraph, list[str]]


def learn_pc(
    table: Table,
    alpha: float,
    settings: TestSettings,
    rng: np.random.Generator | None = None,
) -> Learned:
    """PC: skeleton, colliders (the first found wins), then Meek's rules.

    `settings` come from `check_settings`; `rng` is for tests that draw.
    """
    from causallearn.utils.PCUtils import Meek, SkeletonDiscovery, UCSepset

    skeleton = SkeletonDiscovery.skeleton_discovery(
        table.values,
        alpha,
        _Asked(pvalue_of(table.values, settings, rng)),
        show_progress=False,
        max_k=settings.bound,
    )
    found = Meek.meek(UCSepset.uc_sepset(skeleton, 2))
    return _from_causal_learn(found.G.graph, table.names)


class _Asked:
    """A p-value function as causal-learn calls it; each question is answered once."""

    method = "qglib"

    def __init__(self, pvalue: Callable[[int, int, Sequence[int]], float]) -> None:
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
    dag = nx.relabel_nodes(
        nx.from_numpy_array(adjacency, create_using=nx.DiGraph),
        dict(enumerate(table.names)),
    )
    for _, _, attributes in dag.edges(data=True):
        attributes.clear()
    graph = cpdag(dag)
    graph.graph.update(score=value, arcs=list(dag.edges))
    warnings = []
    if method == "exact_nl":
        warnings.append("graph['arcs'] rests on additive noise, not on the class.")
    return graph, warnings


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
