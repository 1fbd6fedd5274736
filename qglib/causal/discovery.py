"""Causal discovery behind one function: PC, GES, exact search and LiNGAM.

PC (Spirtes & Glymour 1991), GES (Chickering, JMLR 3 (2002) 507) and DirectLiNGAM
come from causal-learn; exact search is `exact_search`. Every method returns the
equivalence class as a `networkx.DiGraph` (see `qglib.causal.graphs`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.graphs import compelled_arrows
from qglib.causal.kernel_tests import KernelTests
from qglib.causal.learners import (
    PValue,
    learn_exact,
    learn_ges,
    learn_lingam,
    learn_pc,
)
from qglib.causal.tables import Table, read_table

__all__ = ["discover"]

METHODS = ("pc", "ges", "exact", "exact_nl", "lingam", "empty")
TESTS = ("auto", "fisherz", "chisq")

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
    max_parents: int | None = None,
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
) -> nx.DiGraph:
    """Equivalence class of causal graphs learnt from a table.

    Args:
        data: (n, d) table; DataFrame columns name the nodes.
        method: 'pc' (tests, see `test`), 'ges' (BDeu or Gaussian BIC), 'exact'
            (dynamic programming with the discrete or Gaussian BIC), 'exact_nl' (the
            same with the additive ridge score, numbers only), 'lingam' (directions
            from non-Gaussian noise, numbers only), 'empty' (no edge: the row every
            comparison needs).
        test: what PC asks. 'auto': chi-square on categories, Fisher z on numbers;
            'chisq', 'fisherz'; a `GaussianKernel` or `QuantumKernel`, for the kernel
            test (a quantum kernel may break its level: notebook 31 measures it);
            or a function that takes the (n, d) values and returns a function of
            (i, j, given) to a p-value.
        kind: 'auto', 'discrete' or 'continuous' columns, see `read_table`.
        alpha: level of PC's tests, and of LiNGAM's test of normality.
        max_conditioning: largest condition of PC's tests; None takes 2 for kernels
            and functions, else no bound.
        max_parents: bound of the exact search; None takes 4, or 3 for 'exact_nl'.
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
        ``score`` and ``arcs``, the arcs of the one graph that was found. Only for
        'exact_nl', whose score is not the same over a class, do the directions in
        ``arcs`` say more than the class, and then only under its noise model. After
        'lingam' an arrow that its noise does not identify is an opposite pair.

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
            found, warnings = nx.DiGraph(), []
            found.add_nodes_from(part.names)
        elif method == "pc":
            pvalue = _pvalue_of(part, test)
            found, warnings = learn_pc(part, alpha, pvalue, max_conditioning)
        elif method == "ges":
            found, warnings = learn_ges(part)
        elif method == "lingam":
            found, warnings = learn_lingam(part, alpha)
        else:
            found, warnings = learn_exact(part, method, max_parents)
        found.graph.update(method=method, warnings=warnings)
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
    if method in ("exact_nl", "lingam") and table.discrete:
        raise ValueError(
            f"method={method!r} needs numbers, the table holds categories; use "
            "method='exact'."
        )
    if method != "pc":
        if test != "auto":
            raise ValueError(f"test is for method='pc', not for {method!r}: leave it.")
        return
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
    if test in ("fisherz", "chisq"):
        from causallearn.utils.cit import CIT

        plain = CIT(values, test)
        return lambda i, j, given: float(plain(i, j, tuple(given)))
    kernel = isinstance(test, GaussianKernel | QuantumKernel)
    ask = KernelTests(values, test) if kernel else test(values)

    def asked(i: int, j: int, given: Sequence[int]) -> float:
        answer = ask(i, j, given)
        return float(getattr(answer, "pvalue", answer))

    return asked
