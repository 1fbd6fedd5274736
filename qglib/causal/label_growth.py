"""How the work of label setting grows: with the instance, not with the size.

On random numbers few partial paths survive. Where cost and resource add up to the
same sum on every path none beats another, and as many labels are kept as there are
paths; that is the knapsack problem in the clothes of a path.

Source: Hansen, "Bicriterion path problems", Lect. Notes Econ. Math. Syst. 177 (1980)
109 (a family with exponentially many efficient paths).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qglib.causal.constrained_path import budget_graph, constrained_path

__all__ = ["efficient_tables", "label_growth"]

_MOST_LAYERS = 20  # a million paths


def efficient_tables(layers: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Costs and resources on which no path beats another.

    Step k costs 2^k and uses nothing, or costs nothing and uses 2^k, so that cost +
    resource = 2^layers - 1 on each path and every split of that sum occurs.

    Returns
    -------
    `layers` tables (2, 2) of costs and of resources, see `budget_graph`.

    Raises
    ------
    ValueError: fewer than one or more than 20 layers.
    """
    if not 1 <= layers <= _MOST_LAYERS:
        raise ValueError(
            f"layers must be 1 to {_MOST_LAYERS}, got {layers}: the labels double "
            "with each."
        )
    costs = [np.array([[0.0, 2.0**k]] * 2) for k in range(layers)]
    return costs, [table[:, ::-1] for table in costs]


def label_growth(layers: Sequence[int], rng: np.random.Generator) -> pd.DataFrame:
    """Labels kept on random and on efficient instances, two nodes per layer.

    Costs and resources of the random instances are uniform on .1 to 1, the budget is
    half the number of steps; the efficient ones have half of their largest sum.

    Parameters
    ----------
    layers: steps between layers.
    rng: source of the random instances.

    Returns
    -------
    One row per number of paths, 2^(layers + 1): labels on ``random`` and on
    ``efficient`` instances.
    """
    rows = {}
    for n in layers:
        random = (list(t) for t in rng.uniform(0.1, 1, (2, n, 2, 2)))
        cases = {
            "random": (*random, 0.5 * n),
            "efficient": (*efficient_tables(n), 2.0 ** (n - 1)),
        }
        rows[2 ** (n + 1)] = {
            name: constrained_path(
                budget_graph(costs, loads), "source", "target", budget
            ).labels
            for name, (costs, loads, budget) in cases.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("paths")
