"""QAOA's layered drawings beside brute force, barycentres and random orders."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd

from qglib.quantum.crossing import draw_with_qaoa
from qglib.quantum.layered_orders import count_crossings


def random_layers(
    sizes: Sequence[int], rng: np.random.Generator, share: float = 0.5
) -> list[tuple[int, int, int]]:
    """Edges (layer, tail, head) between neighbouring layers, each with chance `share`.

    Raises:
        ValueError: a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share={share}: give a probability from 0 to 1")
    return [
        (layer, a, b)
        for layer in range(len(sizes) - 1)
        for a, b in product(range(sizes[layer]), range(sizes[layer + 1]))
        if rng.random() < share
    ]


def crossing_rivals(
    sizes: Sequence[int],
    graphs: int,
    rng: np.random.Generator,
    *,
    shots: int = 64,
    depth: int = 3,
    share: float = 0.5,
) -> pd.DataFrame:
    """Crossings of random layered graphs by every method, one row for each graph.

    The random rival draws as many orders as QAOA has shots and keeps the best.
    Columns: ``all orders`` (the optimum), ``QAOA``, ``barycentre``, ``random``,
    ``mean random``, ``success`` (chance of an optimal drawing in one shot),
    ``uniform`` (the same for a random bit string).

    Raises:
        ValueError: fewer than one graph; as `draw_with_qaoa`.
    """
    if graphs < 1:
        raise ValueError(f"graphs={graphs}: at least one")
    rows = []
    for _ in range(graphs):
        edges = random_layers(sizes, rng, share)
        found = draw_with_qaoa(sizes, edges, rng, depth=depth, shots=shots)
        luck = [
            count_crossings([rng.permutation(size) for size in sizes], edges)
            for _ in range(shots)
        ]
        # no shot that is an order: nothing was drawn, the worst of the rivals counts
        drawn = max(luck) if found.crossings is None else found.crossings
        rows.append(
            {
                "all orders": found.optimum,
                "QAOA": drawn,
                "barycentre": found.barycentre,
                "random": min(luck),
                "mean random": float(np.mean(luck)),
                "success": found.success,
                "uniform": found.uniform,
            }
        )
    return pd.DataFrame(rows)
