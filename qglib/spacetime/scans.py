"""Tables over many orders: speed scan, shuffled-order null, gate, features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from .causet import Causet
from .chains import heights
from .dimension import myrheim_meyer_dimension
from .features import causal_set_features
from .manifold import manifold_likeness


def speed_scan(
    times: np.ndarray,
    contents: np.ndarray,
    speeds: Iterable[float],
    metric: str,
    rng: np.random.Generator,
    shuffles: int = 10,
) -> pd.DataFrame:
    """Dimension and height of an event order for several speed limits.

    Args:
        times: shape (n,).
        contents: shape (n, k).
        speeds: the limits to try.
        metric: see `Causet.from_events`.
        rng: pairs times with contents anew for the null.
        shuffles: shuffled copies per speed (the same for every speed).

    Returns:
        Columns speed, draw (0 is the data, 1 .. shuffles the null), dimension
        (Myrheim-Meyer, of the whole set) and height.
    """
    contents = np.asarray(contents)
    orders = [np.arange(len(contents))]
    orders += [rng.permutation(len(contents)) for _ in range(shuffles)]
    rows = []
    for speed in speeds:
        for draw, order in enumerate(orders):
            causet = Causet.from_events(times, contents[order], speed, metric)
            dimension = myrheim_meyer_dimension(causet).dimension
            rows.append((float(speed), draw, dimension, int(heights(causet).max())))
    return pd.DataFrame(rows, columns=["speed", "draw", "dimension", "height"])


def gate_table(
    orders: Mapping[str, Causet], rng: np.random.Generator, scope: str = "whole"
) -> pd.DataFrame:
    """Verdicts of `manifold_likeness` for several orders, one row each.

    Returns:
        Columns Myrheim-Meyer, p-value, licensed and first reason.
    """
    rows = {}
    for name, causet in orders.items():
        verdict = manifold_likeness(causet, rng, scope=scope)
        reason = verdict.reasons[0] if verdict.reasons else ""
        numbers = verdict.myrheim_meyer, verdict.pvalue, verdict.licensed
        rows[name] = (*numbers, reason)
    columns = ["Myrheim-Meyer", "p-value", "licensed", "first reason"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def feature_table(orders: Iterable[Causet], suffix: str = "") -> pd.DataFrame:
    """`causal_set_features` of many orders, one row each, finite float64.

    Args:
        orders: at least 4 elements each.
        suffix: added to every column name.
    """
    rows = [causal_set_features(causet) for causet in orders]
    return pd.DataFrame(rows).add_suffix(suffix)
