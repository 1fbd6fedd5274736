"""Causal discovery behind one function: PC, GES, exact search and LiNGAM.

PC (Spirtes & Glymour 1991), GES (Chickering, JMLR 3 (2002) 507) and DirectLiNGAM
come from causal-learn; exact search is `exact_search`. Every method returns the
equivalence class as a `networkx.DiGraph` (see `qglib.causal.graphs`).
"""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.conditional_independence import (
    WITHOUT_COPIES,
    TestSettings,
    check_settings,
)
from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.graphs import compelled_arrows
from qglib.causal.learners import learn_exact, learn_ges, learn_pc
from qglib.causal.linear_non_gaussian import fit_lingam
from qglib.causal.tables import Table, read_table
from qglib.causal.validity_card import ValidityCard

__all__ = ["bootstrap_edges", "discover"]

METHODS = ("pc", "ges", "exact", "exact_nl", "lingam", "empty")


def discover(
    data: pd.DataFrame | np.ndarray,
    method: str = "pc",
    *,
    kind: str = "auto",
    alpha: float = 0.05,
    ci_test: str = "auto",
    kernel: GaussianKernel | QuantumKernel | None = None,
    ridge: float = 1e-3,
    card: ValidityCard | None = None,
    override_card: bool = False,
    max_conditioning: int | None = None,
    max_parents: int | None = None,
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
) -> nx.DiGraph:
    """Equivalence class of causal graphs learnt from a table.

    Parameters
    ----------
    data: (n, d) table; DataFrame columns name the nodes.
    method: 'pc' (tests, see `ci_test`), 'ges' (BDeu or Gaussian BIC), 'exact'
        (dynamic programming with the discrete or Gaussian BIC), 'exact_nl' (the same
        with the additive ridge score, numbers only), 'lingam' (directions from
        non-Gaussian noise, numbers only), 'empty' (no edge: the row every comparison
        needs).
    kind: 'auto', 'discrete' or 'continuous' columns, see `read_table`.
    alpha: level of PC's tests, and of LiNGAM's test of normality.
    ci_test: PC's test: 'auto' (chi-square on categories, Fisher z on numbers),
        'chisq', 'fisherz', 'kci' (Gaussian kernel), 'quantum_kernel' (refused unless
        its validity card passes), 'causal_set' (pairs by their causal set, given
        others by the Gaussian kernel).
    kernel, ridge, card, override_card, max_conditioning: of the kernel tests, see
        `qglib.causal.conditional_independence.TestSettings`.
    max_parents: bound of the exact search; None takes 4, or 3 for 'exact_nl'.
    n_bootstrap: when positive, resample the rows this often and write the edge
        attributes ``confidence`` (share of resamples with the two nodes adjacent)
        and ``arrow_confidence`` (share with this compelled arrow), see
        `bootstrap_edges`.
    rng: needed when `n_bootstrap` is positive, for a kernel with shots, and for tied
        values under 'causal_set'.

    Returns
    -------
    A graph with an opposite pair of arcs where the direction is unknown;
    ``graph.graph`` holds ``method`` and ``warnings``, after PC ``ci_test``, and after
    an exact search ``score`` and ``arcs``, the arcs of the one graph that was found.
    Only for 'exact_nl', whose score is not the same over a class, do the directions
    in ``arcs`` say more than the class, and then only under its noise model. After
    'lingam' an arrow that its noise does not identify is an opposite pair.

    Raises
    ------
    ValueError: bad data (see `read_table`), an unknown method or test, one that does
        not fit the columns, a quantum kernel that fails its card, or more variables
        than exact search can hold.
    """
    table = read_table(data, kind)
    settings = TestSettings(
        ci_test, kernel, ridge, card, override_card, max_conditioning
    )
    settings, warnings = _settle(table, method, alpha, settings, rng)
    graph = _learn(table, method, alpha, max_parents, settings, rng)
    graph.graph["warnings"] = warnings + graph.graph["warnings"]
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
            settings=settings,
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
    settings: TestSettings | None = None,
    max_parents: int | None = None,
) -> pd.DataFrame:
    """Share of row resamples in which each ordered pair is joined.

    Rows are drawn with replacement. Kernels and causal sets would see the copied rows
    as dependence, so these tests get half of the rows without replacement instead
    (Meinshausen, Buehlmann, J. R. Stat. Soc. B 72 (2010) 417): their shares are those
    of the halved sample and err on the low side.

    Parameters
    ----------
    settings: of PC's tests, `TestSettings`; the other arguments are those of
        `discover`.

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
    settings = TestSettings() if settings is None else settings
    settings, _ = _settle(table, method, alpha, settings, rng)
    n = len(table.values)
    halves = method == "pc" and settings.ci_test in WITHOUT_COPIES
    adjacent: Counter = Counter()
    arrows: Counter = Counter()
    for _ in range(n_resamples):
        resample = _resample(table, n, rng, halves)
        graph = _learn(resample, method, alpha, max_parents, settings, rng)
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


def _resample(
    table: Table, n: int, rng: np.random.Generator, halves: bool = False
) -> Table:
    for _ in range(100):
        rows = rng.permutation(n)[: n // 2] if halves else rng.integers(0, n, n)
        values = table.values[rows]
        if (values != values[0]).any(0).all():
            return Table(table.names, values, table.discrete)
    raise ValueError(
        "a column is constant in nearly every resample: its rare value is seen too "
        "seldom. Drop the column or collect more rows."
    )


def _settle(
    table: Table,
    method: str,
    alpha: float,
    settings: TestSettings,
    rng: np.random.Generator | None,
) -> tuple[TestSettings, list[str]]:
    """Refuse what does not fit together; settings with every choice made."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}.")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}.")
    if method in ("exact_nl", "lingam") and table.discrete:
        raise ValueError(
            f"method={method!r} needs numbers, the table holds categories; use "
            "method='exact'."
        )
    if method == "pc":
        return check_settings(settings, table, alpha, rng)
    if settings != TestSettings():
        raise ValueError(
            f"ci_test and the settings of its kernel are for method='pc', not for "
            f"{method!r}: leave them out."
        )
    return settings, []


def _learn(
    table: Table,
    method: str,
    alpha: float,
    max_parents: int | None,
    settings: TestSettings,
    rng: np.random.Generator | None,
) -> nx.DiGraph:
    if method == "empty":
        graph = nx.DiGraph()
        graph.add_nodes_from(table.names)
        warnings: list[str] = []
    elif method == "pc":
        graph, warnings = learn_pc(table, alpha, settings, rng)
        graph.graph["ci_test"] = settings.ci_test
    elif method == "ges":
        graph, warnings = learn_ges(table)
    elif method == "lingam":
        graph, warnings = fit_lingam(table, alpha)
    else:
        graph, warnings = learn_exact(table, method, max_parents)
    if graph.number_of_edges() and not compelled_arrows(graph):
        warnings.append("No arrow is identified: only the skeleton carries meaning.")
    graph.graph.update(method=method, warnings=warnings)
    return graph
