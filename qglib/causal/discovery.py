"""Causal discovery behind one function: PC, GES and exact search.

PC (Spirtes & Glymour 1991) and GES (Chickering, JMLR 3 (2002) 507) come from
causal-learn; exact search is `exact_search`. Every method returns the
equivalence class as a `networkx.DiGraph` (see `qglib.causal.graphs`).
"""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.exact_search import exact_search
from qglib.causal.graphs import compelled_arrows, cpdag
from qglib.causal.scores import additive_ridge_bic, discrete_bic, gaussian_bic
from qglib.causal.tables import Table, read_table

__all__ = ["bootstrap_edges", "discover"]

METHODS = ("pc", "ges", "exact", "exact_nl", "empty")


def discover(
    data: pd.DataFrame | np.ndarray,
    method: str = "pc",
    *,
    kind: str = "auto",
    alpha: float = 0.05,
    max_parents: int | None = None,
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
) -> nx.DiGraph:
    """Equivalence class of causal graphs learnt from a table.

    Parameters
    ----------
    data: (n, d) table; DataFrame columns name the nodes.
    method: 'pc' (chi-square test on categories, Fisher z on numbers), 'ges' (BDeu
        or Gaussian BIC), 'exact' (dynamic programming with the discrete or
        Gaussian BIC), 'exact_nl' (the same with the additive ridge score, numbers
        only), 'empty' (no edge: the row every comparison needs).
    kind: 'auto', 'discrete' or 'continuous' columns, see `read_table`.
    alpha: level of PC's tests.
    max_parents: bound of the exact search; None takes 4, or 3 for 'exact_nl'.
    n_bootstrap: when positive, resample the rows this often and write the edge
        attributes ``confidence`` (share of resamples with the two nodes adjacent)
        and ``arrow_confidence`` (share with this compelled arrow).
    rng: needed when `n_bootstrap` is positive.

    Returns
    -------
    A graph with an opposite pair of arcs where the direction is unknown;
    ``graph.graph`` holds ``method`` and ``warnings``, and after an exact search
    ``score`` and ``arcs``, the arcs of the one graph that was found. Only for
    'exact_nl', whose score is not the same over a class, do the directions in
    ``arcs`` say more than the class, and then only under its noise model.

    Raises
    ------
    ValueError: bad data (see `read_table`), an unknown method, or more variables
        than exact search can hold.
    """
    table = read_table(data, kind)
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}.")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}.")
    if method == "exact_nl" and table.discrete:
        raise ValueError(
            "method='exact_nl' needs numbers, the table holds categories; use "
            "method='exact'."
        )
    graph = _learn(table, method, alpha, max_parents)
    if n_bootstrap:
        if rng is None:
            raise ValueError("n_bootstrap needs rng=numpy.random.default_rng(seed).")
        counts = bootstrap_edges(
            data,
            method,
            n_bootstrap,
            rng,
            kind=kind,
            alpha=alpha,
            max_parents=max_parents,
        )
        for a, b in graph.edges:
            graph.edges[a, b]["confidence"] = counts.loc[(a, b), "adjacent"]
            graph.edges[a, b]["arrow_confidence"] = counts.loc[(a, b), "arrow"]
    return graph


def bootstrap_edges(
    data: pd.DataFrame | np.ndarray,
    method: str,
    n_resamples: int,
    rng: np.random.Generator,
    *,
    kind: str = "auto",
    alpha: float = 0.05,
    max_parents: int | None = None,
) -> pd.DataFrame:
    """Share of row resamples in which each ordered pair is joined.

    Returns
    -------
    DataFrame indexed by (from, to) over all ordered pairs, with the columns
    ``adjacent`` (either direction or none) and ``arrow`` (compelled from -> to).
    A resample in which a column became constant is drawn again.

    Raises
    ------
    ValueError: `n_resamples` < 1, bad data, or a column that is constant in
        nearly every resample.
    """
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}.")
    table = read_table(data, kind)
    n = len(table.values)
    adjacent: Counter = Counter()
    arrows: Counter = Counter()
    for _ in range(n_resamples):
        graph = _learn(_resample(table, n, rng), method, alpha, max_parents)
        adjacent.update({frozenset(arc) for arc in graph.edges})
        arrows.update(compelled_arrows(graph))
    pairs = [(a, b) for a in table.names for b in table.names if a != b]
    return pd.DataFrame(
        {
            "adjacent": [adjacent[frozenset(pair)] / n_resamples for pair in pairs],
            "arrow": [arrows[pair] / n_resamples for pair in pairs],
        },
        index=pd.MultiIndex.from_tuples(pairs, names=["from", "to"]),
    )


def _resample(table: Table, n: int, rng: np.random.Generator) -> Table:
    for _ in range(100):
        values = table.values[rng.integers(0, n, n)]
        if (values != values[0]).any(0).all():
            return Table(table.names, values, table.discrete)
    raise ValueError(
        "a column is constant in nearly every resample: its rare value is seen too "
        "seldom. Drop the column or collect more rows."
    )


def _learn(
    table: Table, method: str, alpha: float, max_parents: int | None
) -> nx.DiGraph:
    if method == "empty":
        graph = nx.DiGraph()
        graph.add_nodes_from(table.names)
        warnings: list[str] = []
    elif method == "pc":
        graph, warnings = _pc(table, alpha)
    elif method == "ges":
        graph, warnings = _ges(table)
    else:
        graph, warnings = _exact(table, method, max_parents)
    if graph.number_of_edges() and not compelled_arrows(graph):
        warnings.append("No arrow is identified: only the skeleton carries meaning.")
    graph.graph.update(method=method, warnings=warnings)
    return graph


def _pc(table: Table, alpha: float) -> tuple[nx.DiGraph, list[str]]:
    from causallearn.search.ConstraintBased.PC import pc

    found = pc(
        table.values,
        alpha,
        "chisq" if table.discrete else "fisherz",
        show_progress=False,
    )
    return _from_causal_learn(found.G.graph, table.names)


def _ges(table: Table) -> tuple[nx.DiGraph, list[str]]:
    from causallearn.search.ScoreBased.GES import ges

    score = "local_score_BDeu" if table.discrete else "local_score_BIC"
    found = ges(table.values.astype(float), score_func=score)
    return _from_causal_learn(found["G"].graph, table.names)


def _exact(
    table: Table, method: str, max_parents: int | None
) -> tuple[nx.DiGraph, list[str]]:
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


def _from_causal_learn(
    endpoints: np.ndarray, names: tuple[str, ...]
) -> tuple[nx.DiGraph, list[str]]:
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
