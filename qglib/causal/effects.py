"""Effects and the optimal path P of a linear causal model, also over a class.

In a linear structural model x = B^T x + e (B[i, j] the coefficient of i -> j) the total
effect of i on j is ((I - B)^-1)[i, j]; P is the directed path whose product of
coefficients is largest in size. Source: Wright, Ann. Math. Stat. 5 (1934); Maathuis,
Kalisch & Buhlmann, Ann. Stat. 37 (2009) 3133 (of a class).
"""

import math
from collections.abc import Hashable
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.discovery import discover
from qglib.causal.graphs import class_members, require_dag
from qglib.causal.tables import numbers

Way = tuple[tuple[Hashable, ...], float]  # nodes, signed product of coefficients


class BestPath(NamedTuple):
    """The best path, and how far it is ahead."""

    nodes: tuple[Hashable, ...]  # source first
    value: float  # signed product of the coefficients along it
    n_optima: int  # how many paths attain the largest absolute product
    margin: float  # how far the next absolute product is behind, infinite if none
    alternatives: tuple[Way, ...]  # the k best with their products, this one first


def best_path(
    graph: nx.DiGraph, source: Hashable, target: Hashable, k: int = 5
) -> BestPath:
    """The directed path with the largest absolute product, with its runners-up.

    Report the total effect beside it: signs can cancel along several paths. The k best
    paths to a node are among the k best to its parents, one arc on.

    Args:
        graph: directed acyclic graph whose arcs hold their coefficient as ``weight``.
        source, target: two nodes.
        k: how many paths to keep; at least 2 are looked at for the margin.

    Raises:
        ValueError: a cycle, a weight or node that is missing, k < 1.
        networkx.NetworkXNoPath: no directed path leads from source to target.
    """
    require_dag(graph)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    _check_ends(source, target, list(graph))
    kept: dict[Hashable, list[Way]] = {node: [] for node in graph}
    kept[source] = [((source,), 1.0)]
    for node in nx.topological_sort(graph):
        ways = kept[node]
        for parent, _, value in graph.in_edges(node, data="weight"):
            if value is None or not math.isfinite(value):
                raise ValueError(
                    f"arc {parent!r} -> {node!r} has weight={value!r}; give all a "
                    "finite number (fit_linear_model(dag, data) writes coefficients)."
                )
            ways += [((*p, node), size * float(value)) for p, size in kept[parent]]
        ways.sort(key=lambda way: -abs(way[1]))
        kept[node] = ways[: max(k, 2)]
        kept[node] += [w for w in ways[max(k, 2) :] if _tied(w, ways[0])]
    found = kept[target]
    if not found:
        backwards = nx.has_path(graph, target, source)
        hint = "swap source and target" if backwards else "choose a descendant"
        raise nx.NetworkXNoPath(
            f"no directed path leads from {source!r} to {target!r}; {hint}."
        )
    optima = sum(_tied(way, found[0]) for way in found)
    ahead = math.inf if len(found) == 1 else abs(found[0][1]) - abs(found[1][1])
    return BestPath(*found[0], optima, 0.0 if optima > 1 else ahead, tuple(found[:k]))


def _tied(way: Way, best: Way) -> bool:
    return math.isclose(abs(way[1]), abs(best[1]), rel_tol=1e-12, abs_tol=1e-12)


def fit_linear_model(dag: nx.DiGraph, data: pd.DataFrame) -> nx.DiGraph:
    """Copy of `dag` with the least-squares coefficient of each arc as ``weight``.

    Columns of two names count as 0 and 1: a coefficient is then a difference of
    probabilities (the linear probability model), an approximation wherever causes
    interact. A cycle, a missing column, gaps or three names are a ValueError.
    """
    require_dag(dag, "dag")
    missing = [node for node in dag if node not in data.columns]
    if missing:
        raise ValueError(f"data has no columns {missing}; it has {list(data.columns)}.")
    fitted = dag.copy()
    values = {node: _amounts(data[node], node) for node in dag}
    for node in dag:
        parents = list(dag.predecessors(node))
        if parents:
            design = np.column_stack([values[p] for p in parents])
            slopes = np.linalg.lstsq(design, values[node], rcond=None)[0]
            for parent, slope in zip(parents, slopes, strict=True):
                fitted.edges[parent, node]["weight"] = float(slope)
    return fitted


def _amounts(cells: pd.Series, name: Hashable) -> np.ndarray:
    """Centred numbers of a column; of two names the later one is 1, the other 0."""
    if cells.isna().any():
        raise ValueError(f"column {name!r} has {cells.isna().sum()} gaps: drop rows.")
    if cells.nunique() <= 2 and not pd.api.types.is_numeric_dtype(cells):
        values = pd.factorize(cells, sort=True)[0].astype(float)
    else:
        try:
            values = numbers(cells, name)
        except ValueError as error:
            raise ValueError(
                f"column {name!r} holds no amounts ({error}): an effect of or on it "
                "has no unit. Merge its values into two, or drop it before `discover`."
            ) from None
    return values - values.mean()


def total_effects(graph: nx.DiGraph) -> pd.DataFrame:
    """Total effect of every node (row) on every node (column), (I - B)^-1."""
    nodes = list(graph)
    direct = nx.to_numpy_array(graph, nodes)
    names = pd.Index(nodes, tupleize_cols=False)  # a node may be a tuple
    return pd.DataFrame(np.linalg.inv(np.eye(len(nodes)) - direct), names, names)


def _check_ends(source: Hashable, target: Hashable, names: list[Hashable]) -> None:
    for role, name in (("source", source), ("target", target)):
        if name not in names:
            raise ValueError(f"there is no {role} {name!r} among {names[:12]}.")
    if source == target:
        raise ValueError(f"source and target are both {source!r}; two are needed.")


def effects_over_class(
    pdag: nx.DiGraph,
    data: pd.DataFrame,
    source: Hashable,
    target: Hashable,
    limit: int = 1000,
) -> pd.DataFrame:
    """Total effect of `source` on `target` in each graph of the class.

    What the data cannot decide stays open: read the column's range, not its mean.

    Returns:
        One row per graph: ``total_effect``, ``path`` (strongest, as text, or '-'
        where none leads from source to target), ``path_effect``.
    """
    _check_ends(source, target, list(pdag))
    rows = []
    for member in class_members(pdag, limit):
        fitted = fit_linear_model(member, data)
        rows.append([total_effects(fitted).at[source, target], "-", 0.0])
        if nx.has_path(fitted, source, target):
            best = best_path(fitted, source, target)
            rows[-1][1:] = " -> ".join(map(str, best.nodes)), best.value
    return pd.DataFrame(rows, columns=["total_effect", "path", "path_effect"])


def effects_over_resamples(
    data: pd.DataFrame | np.ndarray,
    source: Hashable,
    target: Hashable,
    rng: np.random.Generator,
    method: str = "exact",
    n_bootstrap: int = 100,
    limit: int = 1000,
    **options: Any,
) -> pd.DataFrame:
    """Effects and best paths in every graph of the class learnt from each resample.

    Args:
        data: table with the columns `source` and `target` (x0, x1, ... of an array).
        rng: draws the rows with replacement, `n_bootstrap` times.
        method, options: see `discover`, learnt anew on every resample.
        limit: see `class_members`.

    Returns:
        Rows as of `effects_over_class` with ``resample`` and ``weight`` (sum 1): those
        of one class weigh alike, and so do resamples.
        ``attrs``: ``shares`` of weight by path, largest first, "-" where source is no
        cause of target; ``interval``, the 2.5 and 97.5 % points of the total effect;
        ``failed``, resamples without a valid class, left out (all: ValueError).
    """
    reading = {key: options.pop(key) for key in ("kind", "missing") if key in options}
    kinds = options["kind"] = discover(data, "empty", **reading).graph["kinds"]
    _check_ends(source, target, [*kinds])
    full: Any = data if hasattr(data, "iloc") else pd.DataFrame(data, columns=[*kinds])
    if reading.get("missing") == "drop":
        full = full.replace([np.inf, -np.inf], np.nan).dropna()
    found, problems = [], []
    for number in range(n_bootstrap):
        again = full.iloc[rng.integers(0, len(full), len(full))]
        try:
            graph = discover(again, method, **options)
            rows = effects_over_class(graph, again, source, target, limit)
        except ValueError as error:
            problems.append(str(error))
            continue
        found.append(rows.assign(resample=number, weight=1 / len(rows)))
    if not found:
        raise ValueError(f"no resample of data has a class: {problems[:1]}.")
    table = pd.concat(found, ignore_index=True)
    table["weight"] /= len(found)
    ordered = table.sort_values("total_effect")
    reached = ordered.weight.cumsum().to_numpy()
    ends = np.searchsorted(reached, [0.025, 0.975]).clip(0, len(ordered) - 1)
    table.attrs = {
        "shares": table.groupby("path").weight.sum().sort_values(ascending=False),
        "interval": tuple(ordered.total_effect.to_numpy()[ends].tolist()),
        "failed": len(problems),
    }
    return table
