"""From linked series to a root cause and to the path an effect takes.

A link's *gain* is what a lasting change of one unit in the cause does to the effect
in the end: coefficient / (1 - own memory). Gains multiply along a path and add up
over paths. A fault changes one variable's equation; the readings of everything
downstream move with it, but only that equation's prediction fails. So every
equation is fitted once to normal and alarm rows together with one dummy for the
alarm rows, and the t test of the dummy says whether the equation moved.

Assumptions: those of `qglib.causal.temporal`; and the fault adds to one equation
(or few) instead of rewiring the plant. Noise on the readings themselves breaks the
last test's level: slow variables then look as if their equations had moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
from scipy import stats

from qglib.causal.optimal_path import optimal_path
from qglib.causal.temporal import LaggedLinks

__all__ = ["LaggedPath", "lagged_gains", "lagged_path", "root_cause"]

Parents = Mapping[str, Sequence[tuple[str, int]]]


def parents_of(links: LaggedLinks, level: float = 0.05) -> dict[str, list]:
    """Past causes (variable, lag) of every variable: its links and its own last step.

    Raises
    ------
    ValueError: the links carry no lags (Granger's test of all lags at once).
    """
    found = links.significant(level)
    if (found["lag"] < 1).any():
        raise ValueError(
            f"links by {links.method!r} carry no lags: use method='pcmci' or "
            "'correlation'."
        )
    parents: dict[str, list] = {name: [(name, 1)] for name in links.names}
    for source, target, lag in found[["from", "to", "lag"]].itertuples(index=False):
        parents[target].append((source, int(lag)))
    return parents


def _rows(data: pd.DataFrame, parents: Parents, target: str, reach: int) -> tuple:
    """Response (n - reach,) and design with a constant, in the units of the data."""
    n = len(data)
    columns = [
        data[name].to_numpy(float)[reach - lag : n - lag]
        for name, lag in parents[target]
    ]
    design = np.column_stack([np.ones(n - reach), *columns])
    return data[target].to_numpy(float)[reach:], design


def _reach(parents: Parents) -> int:
    return max((lag for some in parents.values() for _, lag in some), default=1)


def lagged_gains(data: pd.DataFrame, parents: Parents) -> nx.DiGraph:
    """Long-run gain of every link as ``weight``, in units of effect per unit of cause.

    Parameters
    ----------
    data: readings at equal steps, oldest first.
    parents: variable -> its past causes (variable, lag), itself among them.

    Raises
    ------
    ValueError: a variable of `parents` that is no column.
    """
    missing = sorted(
        {v for k, some in parents.items() for v in (k, *(s for s, _ in some))}
        - set(data.columns)
    )
    if missing:
        raise ValueError(f"data has no columns {missing}; it has {list(data.columns)}.")
    reach = _reach(parents)
    rows = {target: _rows(data, parents, target, reach) for target in parents}
    return _gains(rows, parents, slice(None))


def _gains(rows: Mapping[str, tuple], parents: Parents, keep: object) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(parents)
    for target, (y, design) in rows.items():
        slopes = np.linalg.lstsq(design[keep], y[keep], rcond=None)[0][1:]
        pairs = list(zip(parents[target], slopes, strict=True))
        memory = sum(b for (name, _), b in pairs if name == target)
        for (source, _), b in pairs:
            if source != target:
                old = graph.get_edge_data(source, target, {"weight": 0.0})["weight"]
                graph.add_edge(source, target, weight=old + float(b / (1 - memory)))
    return graph


@dataclass(frozen=True)
class LaggedPath:
    """The strongest path between two series.

    Attributes
    ----------
    nodes: the path.
    gain, low, high: product of its long-run gains with the 95 % interval of a
        moving-block bootstrap.
    total, total_low, total_high: the sum over all paths, likewise.
    share: share of the resamples in which this path is the strongest.
    """

    nodes: tuple[str, ...]
    gain: float
    low: float
    high: float
    total: float
    total_low: float
    total_high: float
    share: float


def lagged_path(
    data: pd.DataFrame,
    parents: Parents,
    source: str,
    target: str,
    rng: np.random.Generator,
    *,
    n_bootstrap: int = 200,
    block: int = 50,
) -> LaggedPath:
    """Strongest path by long-run gain, with the total effect beside it.

    The graph of the links is held fixed; rows of the lagged table are resampled in
    blocks, so the intervals know the memory of the series but not the uncertainty
    of the graph.

    Raises
    ------
    ValueError: no path, feedback between variables (see `optimal_path`), `block`
        or `n_bootstrap` below 1, or fewer rows than one block.
    """
    if block < 1 or n_bootstrap < 1:
        raise ValueError(
            f"block and n_bootstrap must be at least 1, got {block} and {n_bootstrap}."
        )
    graph = lagged_gains(data, parents)
    best = optimal_path(graph, source, target)
    reach = _reach(parents)
    rows = {name: _rows(data, parents, name, reach) for name in parents}
    n = len(data) - reach
    if n < block:
        raise ValueError(f"{n} rows are fewer than one block of {block}; lower block.")
    gains, totals, winners = [], [], Counter()
    for _ in range(n_bootstrap):
        begins = rng.integers(0, n - block + 1, -(-n // block))
        keep = (begins[:, None] + np.arange(block)).ravel()[:n]
        drawn = _gains(rows, parents, keep)
        steps = [drawn.edges[e]["weight"] for e in pairwise(best.nodes)]
        gains.append(float(np.prod(steps)))
        totals.append(_total(drawn, source, target))
        winners[tuple(optimal_path(drawn, source, target).nodes)] += 1
    low, high = np.quantile(gains, [0.025, 0.975])
    total_low, total_high = np.quantile(totals, [0.025, 0.975])
    nodes = tuple(best.nodes)
    return LaggedPath(
        nodes,
        float(best.value),
        float(low),
        float(high),
        _total(graph, source, target),
        float(total_low),
        float(total_high),
        winners[nodes] / n_bootstrap,
    )


def _total(graph: nx.DiGraph, source: str, target: str) -> float:
    names = list(graph)
    b = nx.to_numpy_array(graph, names, weight="weight")
    sums = np.linalg.inv(np.eye(len(names)) - b)
    return float(sums[names.index(source), names.index(target)])


def root_cause(
    normal: pd.DataFrame, alarm: pd.DataFrame, parents: Parents
) -> pd.DataFrame:
    """Which equation moved between normal operation and an alarm.

    Parameters
    ----------
    normal: readings before, oldest first.
    alarm: readings from the alarm on, the next rows of the same record.
    parents: variable -> its past causes (variable, lag), see `parents_of`.

    Returns
    -------
    One row per variable, most suspect equation first: ``shift`` of the equation per
    step with ``low`` and ``high`` (95 %), its ``t`` and ``p``, ``p_all`` (Bonferroni
    over the variables), and for comparison ``deviation``, the naive reading: how far
    the mean reading moved, in normal standard deviations.

    Raises
    ------
    ValueError: tables with other columns, or an alarm of fewer than 5 rows.
    """
    if list(normal.columns) != list(alarm.columns):
        raise ValueError(
            f"normal and alarm need the same columns, got {list(normal.columns)} and "
            f"{list(alarm.columns)}."
        )
    if len(alarm) < 5:
        raise ValueError(f"alarm has {len(alarm)} rows: give at least 5.")
    data = pd.concat([normal, alarm], ignore_index=True)
    reach = _reach(parents)
    flag = (np.arange(reach, len(data)) >= len(normal)).astype(float)
    result = {}
    for name in parents:
        y, design = _rows(data, parents, name, reach)
        design = np.column_stack([design, flag])
        slopes, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
        rest = y - design @ slopes
        freedom = len(y) - rank
        cover = np.linalg.pinv(design.T @ design)[-1, -1]
        error = np.sqrt(rest @ rest / freedom * cover)
        half = stats.t.ppf(0.975, freedom) * error
        p = float(2 * stats.t.sf(abs(slopes[-1] / error), freedom))
        moved = alarm[name].mean() - normal[name].mean()
        result[name] = {
            "shift": slopes[-1],
            "low": slopes[-1] - half,
            "high": slopes[-1] + half,
            "t": slopes[-1] / error,
            "p": p,
            "p_all": min(1.0, p * len(parents)),
            "deviation": moved / normal[name].std(),
        }
    table = pd.DataFrame.from_dict(result, orient="index")
    return table.sort_values("t", key=np.abs, ascending=False)
