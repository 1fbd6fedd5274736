"""Crossings of a layered drawing, counted and minimised without a quantum computer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations, product
from math import factorial, prod

import numpy as np

MAX_ORDERS = 500_000
Orders = tuple[tuple[int, ...], ...]


def count_crossings(
    orders: Sequence[Sequence[int]], edges: Sequence[tuple[int, int, int]]
) -> int:
    """Crossings between neighbouring layers when the nodes stand in `orders`."""
    place = [{node: p for p, node in enumerate(order)} for order in orders]
    lines = [(n, place[n][a], place[n + 1][b]) for n, a, b in edges]
    return sum(
        n == m and (a - c) * (b - d) < 0
        for (n, a, b), (m, c, d) in combinations(lines, 2)
    )


def brute_force_orders(
    sizes: Sequence[int], edges: Sequence[tuple[int, int, int]]
) -> tuple[Orders, int]:
    """Orders with fewest crossings, by trying all of them.

    Raises:
        ValueError: more than 500 000 combinations of orders.
    """
    total = prod(factorial(size) for size in sizes)
    if total > MAX_ORDERS:
        raise ValueError(
            f"sizes {tuple(sizes)} have {total} orders, more than {MAX_ORDERS}: use "
            "barycentre_orders"
        )
    tried = product(*[permutations(range(size)) for size in sizes])
    best = min(tried, key=lambda orders: count_crossings(orders, edges))
    return best, count_crossings(best, edges)


def barycentre_orders(
    sizes: Sequence[int], edges: Sequence[tuple[int, int, int]], sweeps: int = 8
) -> tuple[Orders, int]:
    """Sweeps of barycentres (Sugiyama et al. 1981); the best orders met."""
    orders = [list(range(size)) for size in sizes]
    best, fewest = [*map(tuple, orders)], count_crossings(orders, edges)
    for sweep in range(sweeps):
        up = sweep % 2 == 0
        for layer in range(1, len(sizes)) if up else range(len(sizes) - 2, -1, -1):
            beside = orders[layer - 1 if up else layer + 1]
            place = {node: p for p, node in enumerate(beside)}
            here = {node: [] for node in orders[layer]}
            for tail, a, b in edges:
                if up and tail == layer - 1:
                    here[b].append(place[a])
                elif not up and tail == layer:
                    here[a].append(place[b])
            rank = {n: p for p, n in enumerate(orders[layer])}
            orders[layer].sort(
                key=lambda n, here=here, rank=rank: (
                    np.mean(here[n]) if here[n] else rank[n]
                )
            )
        now = count_crossings(orders, edges)
        if now < fewest:
            best, fewest = [*map(tuple, orders)], now
    return tuple(best), fewest
