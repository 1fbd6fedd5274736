"""All pairs of columns of a table, tested for dependence with one null.

The null of the causal-set test depends on the number of rows only, so a single
table of null draws serves every pair of columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, kendalltau

from .independence import NullTable, independence_test, null_table

_CORRECTIONS = ("by", "bh")


@dataclass(frozen=True, eq=False)
class DependenceNetwork:
    """Every pair of columns under two tests.

    Attributes:
        pairs: one row per pair, indexed by (first, second): `statistic`, `pvalue`
            and `adjusted` of the causal-set test, `tau`, `kendall_pvalue` and
            `kendall_adjusted` of Kendall's, and `seen_by`: "both", "causal set",
            "Kendall" or "neither".
        columns: names, in the order of the table.
        n: rows.
        level: false discovery rate.
        smallest: the smallest p-value that the null draws can give.
    """

    pairs: pd.DataFrame
    columns: tuple[str, ...]
    n: int
    level: float
    smallest: float

    def graph(self) -> nx.Graph:
        """Columns as nodes, pairs that a test calls dependent as edges.

        Edges carry `tau`, `statistic` and `seen_by`.
        """
        graph = nx.Graph()
        graph.add_nodes_from(self.columns)
        kept = self.pairs[self.pairs.seen_by != "neither"]
        for (first, second), row in kept.iterrows():
            graph.add_edge(
                first,
                second,
                tau=row.tau,
                statistic=row.statistic,
                seen_by=row.seen_by,
            )
        return graph

    def counts(self) -> pd.Series:
        """Number of pairs by who sees them."""
        order = ["both", "causal set", "Kendall", "neither"]
        return self.pairs.seen_by.value_counts().reindex(order, fill_value=0)


def dependence_network(
    data: pd.DataFrame | np.ndarray,
    rng: np.random.Generator | None = None,
    level: float = 0.05,
    correction: str = "by",
    ties: str = "error",
    null: NullTable | None = None,
    progress: bool = False,
) -> DependenceNetwork:
    """Test all pairs of columns for dependence, beside Kendall's test.

    Both sets of p-values are adjusted to control the false discovery rate, over
    all pairs and each test by itself. The causal-set p-value is never below
    1 / (draws + 1), so a table with few dependent pairs needs more draws: with m
    pairs, a single one can be found only if draws exceed m / level.

    Args:
        data: shape (n, d), 20 <= n <= 20 000, d >= 2; numbers without NaN.
        rng: breaks ties; needed for ties="random" only.
        level: false discovery rate.
        correction: "by" (Benjamini and Yekutieli 2001, any dependence between the
            tests) or "bh" (Benjamini and Hochberg 1995).
        ties: see `independence_test`.
        null: a table for n rows; the kept one if left out.
        progress: show a bar.

    Raises:
        ValueError: fewer than two columns, columns of one name, columns that are
            not numbers, a level outside (0, 1), an unknown correction, or what
            `independence_test` refuses, with the names of the two columns.
    """
    table = data if isinstance(data, pd.DataFrame) else pd.DataFrame(np.asarray(data))
    names = [str(name) for name in table.columns]
    if len(names) < 2:
        raise ValueError(f"data has {len(names)} columns: a pair needs two")
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"data has several columns named {', '.join(twice)}: rename")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: it must lie between 0 and 1")
    if correction not in _CORRECTIONS:
        raise ValueError(f'correction is {correction!r}: choose "by" or "bh"')
    for name, kind in zip(names, table.dtypes, strict=True):
        if not pd.api.types.is_numeric_dtype(kind):
            raise ValueError(f"column {name} holds {kind}: numbers are needed")
    values = table.to_numpy(dtype=float)
    null = null_table(len(values)) if null is None else null
    found = [
        _tested(values, names, i, j, rng, ties, null)
        for i, j in _with_bar(list(combinations(range(len(names)), 2)), progress)
    ]
    pairs = pd.DataFrame(found).set_index(["first", "second"])
    for column in ("", "kendall_"):
        pairs[f"{column}adjusted"] = false_discovery_control(
            pairs[f"{column}pvalue"], method=correction
        )
    ours, known = pairs.adjusted <= level, pairs.kendall_adjusted <= level
    pairs["seen_by"] = np.select(
        [ours & known, ours, known], ["both", "causal set", "Kendall"], "neither"
    )
    smallest = 1 / (null.draws + 1)
    return DependenceNetwork(pairs, tuple(names), len(values), level, smallest)


def _tested(
    values: np.ndarray,
    names: list[str],
    i: int,
    j: int,
    rng: np.random.Generator | None,
    ties: str,
    null: NullTable,
) -> dict[str, float | str]:
    try:
        ours = independence_test(values[:, i], values[:, j], rng, ties=ties, null=null)
    except ValueError as error:
        raise ValueError(f"x = {names[i]}, y = {names[j]}: {error}") from error
    known = kendalltau(values[:, i], values[:, j])
    return {
        "first": names[i],
        "second": names[j],
        "statistic": ours.statistic,
        "pvalue": ours.pvalue,
        "tau": float(known.statistic),
        "kendall_pvalue": float(known.pvalue),
    }


def _with_bar(pairs: list[tuple[int, int]], progress: bool) -> object:
    if not progress:
        return pairs
    from tqdm.auto import tqdm

    return tqdm(pairs, desc="pairs of columns", unit="pair")
