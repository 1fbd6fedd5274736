"""Chains: the longest one with the number of its equals, and how many there are.

Lengths count elements, not links. A longest chain runs along links and is the
discrete geodesic between its ends (proper time).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qglib.engines.orders import order_kernels
from qglib.spacetime.causet import Causet


@dataclass(frozen=True)
class LongestChain:
    """A longest chain and how far it is from the only one.

    Attributes:
        elements: indices of one longest chain, in order.
        length: number of its elements (the height of the order).
        n_optima: how many chains have this length (exact), None if not counted.
    """

    elements: tuple[int, ...]
    length: int
    n_optima: int | None


def heights(causet: Causet) -> np.ndarray:
    """Elements of the longest chain that ends in each element, int64 (N,)."""
    return order_kernels.heights(causet.future)


def longest_chain(causet: Causet, count: bool = True) -> LongestChain:
    """A longest chain and the number of longest chains.

    Args:
        causet: the order.
        count: also count the optima.

    Returns:
        `LongestChain`; empty for an empty causal set.
    """
    if causet.size == 0:
        return LongestChain((), 0, 0 if count else None)
    height = heights(causet)
    by_height = np.argsort(height, kind="stable")
    levels = np.split(by_height, np.cumsum(np.bincount(height)[1:-1]))[::-1]
    chain = levels[0][:1]
    for level in levels[1:]:
        earliest = level[_related(causet, level, chain[:1]).argmax()]
        chain = np.append(earliest, chain)
    n_optima = _count_optima(causet, levels) if count else None
    return LongestChain(tuple(chain.tolist()), len(levels), n_optima)


def _related(causet: Causet, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Whether elements i (a,) precede elements j (b,), booleans (a, b)."""
    words, shift = causet.future[i[:, None], j >> 6], (j & 63).astype(np.uint64)
    return (words >> shift & np.uint64(1)).astype(bool)


def _count_optima(causet: Causet, levels: list[np.ndarray]) -> int:
    """Number of chains with one element of each height, as an exact integer.

    From the top level down: of each lower level only the elements that a longest
    chain passes are kept, and those are few.
    """
    upper, counts = levels[0], [1] * len(levels[0])
    for level in levels[1:]:
        related = _related(causet, level, upper)
        upper = level[related.any(axis=1)]
        rows = (np.flatnonzero(row).tolist() for row in related if row.any())
        counts = [sum(counts[k] for k in row) for row in rows]
    return sum(counts)


def chain_counts(causet: Causet, max_length: int = 4) -> np.ndarray:
    """Numbers C_1 .. C_k of chains with 1 .. `max_length` elements.

    Returns:
        float64 array (max_length,), exact up to 2^53; C_1 = N, C_2 = relations.

    Raises:
        ValueError: max_length below 1.
    """
    if max_length < 1:
        raise ValueError(f"max_length is {max_length}: it must be at least 1")
    ending, totals = np.ones(causet.size), []
    for _ in range(max_length):
        totals.append(ending.sum())
        ending = order_kernels.sums_over_past(causet.future, ending)
    return np.array(totals)
