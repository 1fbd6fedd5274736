"""Causal discovery behind one function: PC, GES and exact search.

PC (Spirtes & Glymour 1991) and GES (Chickering, JMLR 3 (2002) 507) come from
causal-learn; exact search is `exact_search`. Every method returns the equivalence
class as a `networkx.DiGraph` (see `qglib.causal.graphs`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.exact_search import exact_search
from qglib.causal.graphs import compelled_arrows, cpdag
from qglib.causal.kernel_tests import KernelTests
from qglib.causal.scores import discrete_bic, gaussian_bic
from qglib.causal.tables import Table, read_table

__all__ = ["discover"]

METHODS = ("pc", "ges", "exact", "empty")
TESTS = ("auto", "fisherz", "chisq")

PValue = Callable[[int, int, Sequence[int]], float]
"""p-value of independence of two column numbers, given others."""
Test = (
    str | GaussianKernel | QuantumKernel | Callable[[np.ndarray], PValue | KernelTests]
)


def discover(
    data: pd.DataFrame | np.ndarray,
    method: str = "pc",
    *,
    test: Test = "auto",
    kind: str = "auto",
    alpha: float = 0.05,
    max_conditioning: int | None = None,
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
) -> nx.DiGraph:
    """Equivalence class of causal graphs learnt from a table.

    Args:
        data: (n, d) table; DataFrame columns name the nodes.
        method: 'pc' (tests, see `test`), 'ges' (BDeu or Gaussian BIC), 'exact'
            (dynamic programming with the discrete or Gaussian BIC, at most four
            parents), 'empty' (no edge: the row every comparison needs).
        test: what PC asks. 'auto': chi-square on categories, Fisher z on numbers;
            'chisq', 'fisherz'; a `GaussianKernel` or `QuantumKernel`, for the kernel
            test (a quantum kernel may break its level: notebook 31 measures it);
            or a function that takes the (n, d) values and returns a function of
            (i, j, given) to a p-value.
        kind: 'auto', 'discrete' or 'continuous' columns, see `read_table`.
        alpha: level of PC's tests.
        max_conditioning: largest condition of PC's tests; None takes 2 for kernels
            and functions, else no bound.
        n_bootstrap: when positive, resample the rows this often and write the edge
            attributes ``confidence`` (share of resamples with the two nodes adjacent)
            and ``arrow_confidence`` (share with this compelled arrow). Rows are drawn
            with replacement; a kernel or a function may take copies for
            dependence and gets half of the rows without replacement instead
            (Meinshausen, Buehlmann, J. R. Stat. Soc. B 72 (2010) 417).
        rng: needed when `n_bootstrap` is positive.

    Returns:
        A graph with an opposite pair of arcs where the direction is unknown;
        ``graph.graph`` holds ``method`` and ``warnings``, and after an exact search
        ``score`` and ``arcs``, the arcs of the one graph that was found.

    Raises:
        ValueError: bad data (see `read_table`), an unknown method or test, one that
            does not fit the columns, a missing rng, or more variables than exact
            search can hold.
    """
    table = read_table(data, kind)
    _check(table, method, test, alpha)
    if n_bootstrap < 0 or (n_bootstrap and rng is None):
        raise ValueError(
            f"n_bootstrap={n_bootstrap} needs a number of at least 0 and, above 0, "
            "rng=numpy.random.default_rng(seed)."
        )
    copies = isinstance(test, str)
    if max_conditioning is None and not copies:
        max_conditioning = 2

    def learn(part: Table) -> nx.DiGraph:
        if method == "empty":
            found = _named(np.zeros((0, 2), int), part.names)
        elif method == "pc":
            found = _learn_pc(part, alpha, _pvalue_of(part, test), max_conditioning)
        else:
            found = {"ges": _learn_ges, "exact": _learn_exact}[method](part)
        found.graph["method"] = method
        found.graph.setdefault("warnings", [])
        return found

    graph = learn(table)
    if graph.number_of_edges() and not compelled_arrows(graph):
        graph.graph["warnings"].append(
            "No arrow is identified: only the skeleton carries meaning."
        )
    if n_bootstrap:
        halves = method == "pc" and not copies
        resamples = (_resample(table, rng, halves) for _ in range(n_bootstrap))
        _write_confidence(graph, [learn(part) for part in resamples])
    return graph


def _write_confidence(graph: nx.DiGraph, again: Sequence[nx.DiGraph]) -> None:
    """Shares of the graphs `again` as edge attributes of `graph`."""
    adjacent: Counter = Counter()
    arrows: Counter = Counter()
    for other in again:
        adjacent.update({frozenset(arc) for arc in other.edges})
        arrows.update(compelled_arrows(other))
    for a, b in graph.edges:
        graph.edges[a, b]["confidence"] = adjacent[frozenset((a, b))] / len(again)
        graph.edges[a, b]["arrow_confidence"] = arrows[a, b] / len(again)


def _resample(table: Table, rng: np.random.Generator, halves: bool) -> Table:
    n = len(table.values)
    for _ in range(100):
        rows = rng.permutation(n)[: n // 2] if halves else rng.integers(0, n, n)
        values = table.values[rows]
        if (values != values[0]).any(0).all():
            return Table(table.names, values, table.discrete)
    raise ValueError(
        "a column is constant in nearly every resample: its rare value is seen too "
        "seldom. Drop the column or collect more rows."
    )


def _check(table: Table, method: str, test: Test, alpha: float) -> None:
    """Refuse what does not fit together."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}.")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}.")
    if method != "pc" and test != "auto":
        raise ValueError(f"test is for method='pc', not for {method!r}: leave it.")
    kernel = isinstance(test, GaussianKernel | QuantumKernel)
    if not (kernel or test in TESTS or (callable(test) and not isinstance(test, str))):
        raise ValueError(
            f"test must be one of {TESTS}, a kernel or a function, got {test!r}."
        )
    if test == "chisq" and not table.discrete:
        raise ValueError(
            "test='chisq' needs categories, the table holds numbers; bin them "
            "(pandas.cut) or use 'fisherz' or a GaussianKernel."
        )
    if table.discrete and (kernel or test == "fisherz"):
        raise ValueError(
            f"test={test!r} needs numbers, the table holds categories; use 'chisq', "
            "or pass kind='continuous' if the codes are amounts."
        )


def _pvalue_of(table: Table, test: Test) -> PValue:
    """Function (i, j, given) -> p-value on the columns of one table."""
    values = table.values
    if test == "auto":
        test = "chisq" if table.discrete else "fisherz"
    if isinstance(test, str):
        from causallearn.utils.cit import CIT

        return CIT(values, test)
    kernel = isinstance(test, GaussianKernel | QuantumKernel)
    return KernelTests(values, test) if kernel else test(values)


def _learn_pc(
    table: Table, alpha: float, pvalue: PValue, max_conditioning: int | None
) -> nx.DiGraph:
    """PC: skeleton, colliders (the first found wins), then Meek's rules."""
    from causallearn.utils.PCUtils import Meek, SkeletonDiscovery, UCSepset

    @cache
    def answer(i: int, j: int, given: tuple[int, ...]) -> float:
        found = pvalue(i, j, given)
        return float(getattr(found, "pvalue", found))

    def asked(i, j, given=()) -> float:  # as causal-learn calls a test
        ends = sorted((int(i), int(j)))
        return answer(*ends, tuple(sorted(map(int, given or ()))))

    asked.method = "qglib"
    skeleton = SkeletonDiscovery.skeleton_discovery(
        table.values, alpha, asked, show_progress=False, max_k=max_conditioning
    )
    found = Meek.meek(UCSepset.uc_sepset(skeleton, 2))
    return _from_causal_learn(found.G.graph, table.names)


def _learn_ges(table: Table) -> nx.DiGraph:
    """GES with the BDeu score on categories and the Gaussian BIC on numbers."""
    from causallearn.search.ScoreBased.GES import ges

    score = "local_score_BDeu" if table.discrete else "local_score_BIC"
    found = ges(table.values.astype(float), score_func=score)
    return _from_causal_learn(found["G"].graph, table.names)


def _learn_exact(table: Table) -> nx.DiGraph:
    """The class of the best-scoring graph, whose score and arcs are kept."""
    score = (discrete_bic if table.discrete else gaussian_bic)(table.values)
    adjacency, value = exact_search(len(table.names), score)
    dag = _named(np.argwhere(adjacency), table.names)
    graph = cpdag(dag)
    graph.graph.update(score=value, arcs=list(dag.edges))
    return graph


def _named(arcs: np.ndarray, names: tuple[str, ...]) -> nx.DiGraph:
    """Directed graph on all names, arcs given as (k, 2) column numbers."""
    graph = nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((names[a], names[b]) for a, b in arcs)
    return graph


def _from_causal_learn(endpoints: np.ndarray, names: tuple[str, ...]) -> nx.DiGraph:
    """causal-learn marks: [i, j] = -1 tail at i, 1 arrow head at i of edge i - j."""
    same = (endpoints == endpoints.T) & (endpoints != 0)
    graph = _named(np.argwhere(same | (endpoints.T == 1)), names)
    conflicts = int(np.triu(same & (endpoints == 1)).sum())
    if conflicts:
        said = f"{conflicts} edges had two arrow heads; kept undirected."
        graph.graph["warnings"] = [said]
    return graph
