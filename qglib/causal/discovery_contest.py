"""Discovery methods on small systems whose equations, and so every arrow, are known.

Five variables, a -> b -> c -> e <- d <- a. Observations alone give the two arrows into
e; the other three are open, whatever the number of rows, unless the form of the
equations helps. So arrows are scored against the graph itself and not against its
class: a method that orients more is paid if it is right and charged if it is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.discovery import discover
from qglib.causal.graphs import compelled_arrows

__all__ = ["DIAMOND", "SYSTEMS", "diamond_system", "discovery_contest"]

DIAMOND = (("a", "b"), ("b", "c"), ("a", "d"), ("c", "e"), ("d", "e"))
"""The true arrows."""
SYSTEMS = ("linear, uniform", "linear, Gaussian", "curved, uniform")
"""Form of the equations and shape of the noise."""


def diamond_system(system: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of one system, columns a to e.

    Each parent adds .8 x (linear) or 1.5 sin(1.5 x) + .3 x^2 (curved); the noise has
    variance 1.

    Raises
    ------
    ValueError: an unknown system or fewer than 20 rows.
    """
    if system not in SYSTEMS or n < 20:
        raise ValueError(
            f"system={system!r}, n={n}: choose one of {SYSTEMS} and 20 rows or more."
        )
    form, noise = system.split(", ")
    columns: dict[str, np.ndarray] = {}
    for node in "abdce":  # causes before effects
        if noise == "uniform":
            columns[node] = rng.uniform(-np.sqrt(3), np.sqrt(3), n)
        else:
            columns[node] = rng.normal(size=n)
        for cause, effect in DIAMOND:
            if effect == node:
                x = columns[cause]
                gain = 0.8 * x if form == "linear" else 1.5 * np.sin(1.5 * x)
                columns[node] = columns[node] + gain + 0.3 * x**2 * (form == "curved")
    return pd.DataFrame(columns)[list("abcde")]


def discovery_contest(
    methods: Mapping[str, Mapping[str, object]],
    n: int,
    n_tables: int,
    rng: np.random.Generator,
    systems: Sequence[str] = SYSTEMS,
) -> pd.DataFrame:
    """Every method on the same tables of every system.

    Parameters
    ----------
    methods: name -> arguments of `discover`, ``method`` among them. Keep the empty
        graph, which every method has to beat.
    n, n_tables: rows of a table, tables per system.
    rng: source of the tables, and of what a method draws.
    systems: some of `SYSTEMS`.

    Returns
    -------
    One row per method; columns (system, ...): mean number of true pairs that were
    joined (``pairs``), ``false`` pairs, arrows that are ``right`` and ``wrong`` (turned
    round or between unrelated nodes); at most five, five, five and ten.
    """
    if n_tables < 1:
        raise ValueError(f"n_tables must be at least 1, got {n_tables}.")
    true = set(DIAMOND)
    joined = {frozenset(arc) for arc in true}
    rows: dict[str, dict[tuple[str, str], float]] = {name: {} for name in methods}
    for system in systems:
        tables = [diamond_system(system, n, rng) for _ in range(n_tables)]
        for name, options in methods.items():
            graphs = [discover(table, rng=rng, **options) for table in tables]
            counts = np.array([_counts(graph, true, joined) for graph in graphs])
            for part, mean in zip(
                ("pairs", "false", "right", "wrong"), counts.mean(0), strict=True
            ):
                rows[name][system, part] = float(mean)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table


def _counts(graph: nx.DiGraph, true: set, joined: set) -> tuple[int, int, int, int]:
    pairs = {frozenset(arc) for arc in graph.edges}
    arrows = compelled_arrows(graph)
    return (
        len(pairs & joined),
        len(pairs - joined),
        len(arrows & true),
        len(arrows - true),
    )
