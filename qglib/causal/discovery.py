"""Causal discovery behind one function: PC, GES and exact search."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal import learners
from qglib.causal.data_kernels import Kernel
from qglib.causal.graphs import compelled_arrows, is_class
from qglib.causal.kernel_tests import CARD, ROWS, KernelTests
from qglib.causal.learners import Arcs, PValue
from qglib.causal.scores import mixed_test
from qglib.causal.tables import Table, read_table

METHODS = ("pc", "ges", "exact", "empty")
TESTS = ("auto", "fisherz", "chisq", "mixed")

Test = str | Kernel | Callable[[np.ndarray], PValue]


def discover(
    data: pd.DataFrame | np.ndarray,
    method: str = "pc",
    *,
    test: Test = "auto",
    kind: str | Mapping[Hashable, str] = "auto",
    missing: str = "error",
    alpha: float = 0.05,
    max_conditioning: int | None = None,
    required: Arcs = (),
    forbidden: Arcs = (),
    tiers: Sequence[Sequence[Hashable]] = (),
    n_bootstrap: int = 0,
    rng: np.random.Generator | None = None,
) -> nx.DiGraph:
    """Equivalence class (see `qglib.causal.graphs`) learnt from a table.

    Args:
        data: table (n, d) whose columns name the nodes.
        method: 'pc' (tests, see `test`), 'ges' (BDeu on categories, else BIC), 'exact'
            (dynamic programming with the BIC, at most four parents), 'empty' (no edge).
        test: what PC asks. 'auto': chi-square on categories ('chisq'), Fisher z on
            numbers ('fisherz'), `mixed_test` on both ('mixed'); a `GaussianKernel` or
            `QuantumKernel` (a warning says where its test may not keep its level); or
            a function from the (n, d) values to a function (i, j, given) -> p-value.
        kind, missing: of the columns, and what to do about gaps, see `read_table`.
        alpha: level of PC's tests.
        max_conditioning: largest condition of PC's tests; None takes 2 for kernels
            and functions, else no bound.
        required, forbidden: arrows (cause, effect), for 'pc' and 'exact'.
        tiers: groups of columns in time; nothing causes what stands in an earlier one.
        n_bootstrap, rng: when positive, resample the rows this often and write the edge
            attributes ``confidence`` (share of resamples with the two nodes adjacent)
            and ``arrow_confidence`` (share with this compelled arrow). A kernel or a
            function may take copies for dependence and gets half of the rows without
            replacement (Meinshausen, Buehlmann, J. R. Stat. Soc. B 72 (2010) 417).

    Returns:
        A graph with an opposite pair of arcs where the direction is unknown;
        ``graph.graph`` holds ``method``, ``kinds`` (column to 'discrete' or
        'continuous'), ``warnings`` and, after an exact search, ``score`` and ``arcs``
        of the one graph that was found.

    Raises:
        ValueError: data, method, test or knowledge that do not fit; no rng.
    """
    table = read_table(data, kind, missing)
    _check(table, method, test, alpha)
    known = learners.knowledge(table.names, method, required, forbidden, tiers)
    if n_bootstrap < 0 or (n_bootstrap and rng is None):
        raise ValueError(
            f"n_bootstrap={n_bootstrap} needs a number of at least 0 and, above 0, "
            "rng=numpy.random.default_rng(seed)."
        )
    if max_conditioning is None and not isinstance(test, str):
        max_conditioning = 2

    def learn(part: Table) -> nx.DiGraph:
        if method == "pc":
            asked = _pvalue_of(part, test)
            return learners.learn_pc(part, alpha, asked, max_conditioning, *known)
        if method == "exact":
            return learners.learn_exact(part, *known)
        if method == "ges":
            return learners.learn_ges(part)
        return learners.named([], part.names)

    graph = learn(table)
    warnings = [*table.notes, *graph.graph.get("warnings", ())]
    if isinstance(test, Kernel) and max_conditioning is not None:
        most = min(max_conditioning, len(table.names) - 2)
        warnings += _doubts(test, len(table.values), most)
    if graph.number_of_edges() and not compelled_arrows(graph):
        warnings.append("No arrow is identified: only the skeleton carries meaning.")
    if not is_class(graph):
        warnings.append(
            "The arrows contradict each other: no graph has this class; it has no "
            "members and no effects. Use method='exact' or 'ges', or more rows."
        )
    kinds = np.where(table.categorical, "discrete", "continuous").tolist()
    kinds = dict(zip(table.names, kinds, strict=True))
    graph.graph.update(method=method, warnings=warnings, kinds=kinds)
    if n_bootstrap and rng is not None:
        halves = not isinstance(test, str)
        again = [learn(_resample(table, rng, halves)) for _ in range(n_bootstrap)]
        adjacent = Counter(pair for g in again for pair in set(map(frozenset, g.edges)))
        arrows = Counter(arc for g in again for arc in compelled_arrows(g))
        for a, b, edge in graph.edges(data=True):
            edge["confidence"] = adjacent[frozenset((a, b))] / n_bootstrap
            edge["arrow_confidence"] = arrows[a, b] / n_bootstrap
    return graph


def _resample(table: Table, rng: np.random.Generator, halves: bool) -> Table:
    n = len(table.values)
    for _ in range(100):
        rows = rng.permutation(n)[: n // 2] if halves else rng.integers(0, n, n)
        values = table.values[rows]
        if (values != values[0]).any(0).all():
            return table._replace(values=values)
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
    kernel = isinstance(test, Kernel)
    if not (kernel or test in TESTS or callable(test)):
        raise ValueError(
            f"test must be one of {TESTS}, a kernel or a function, got {test!r}."
        )
    numbers, codes = (
        [table.names[k] for k in np.flatnonzero(some)]
        for some in (~table.categorical, table.categorical)
    )
    if test == "chisq" and numbers:
        raise ValueError(
            f"test='chisq' needs categories, columns {numbers} hold numbers; bin them "
            "(pandas.cut) or use 'mixed', 'fisherz' or a GaussianKernel."
        )
    if codes and (kernel or test == "fisherz"):
        raise ValueError(
            f"test={test!r} needs numbers, columns {codes} hold categories; use "
            "'mixed' or 'chisq', or pass kind='continuous' if the codes are amounts."
        )


def _pvalue_of(table: Table, test: Test) -> PValue:
    """Function (i, j, given) -> p-value on the columns of one table."""
    values, kinds = table.values, table.categorical
    if test == "auto":
        test = "chisq" if kinds.all() else "mixed" if kinds.any() else "fisherz"
    if test == "mixed":
        return mixed_test(values, kinds)
    if isinstance(test, str):
        from causallearn.utils.cit import CIT

        return CIT(values, test)
    return KernelTests(values, test) if isinstance(test, Kernel) else test(values)


def _doubts(kernel: Kernel, n: int, most: int) -> list[str]:
    """What the card of a kernel says about conditions of up to `most` columns."""
    card = CARD.get(kernel)
    if card is None:
        return [
            f"The level of the test with {kernel.name} has not been measured: its "
            "p-values may mean nothing (notebook 31 shows how to measure it)."
        ]
    at = max(0, sum(size <= n for size in ROWS) - 1)
    worst = max((rates[at] for k, rates in card.items() if k <= most), default=0)
    if worst <= 0.075:
        return []
    return [
        f"Given {most} columns and about {ROWS[at]} rows, the test with {kernel.name} "
        f"rejects true nulls up to {worst:.0%} of the time at level 5 %: edges may be "
        "false. Condition on fewer columns (max_conditioning)."
    ]
