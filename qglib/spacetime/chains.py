"""Chains: the longest one with its uniqueness, and how many there are.

Lengths count elements, not links. A longest chain runs along links and is the
discrete geodesic between its ends (proper time).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from . import order_kernels, permutation_kernels
from .causet import Causet

_LIMB = 31  # bits of a limb: limb x N stays below 2**63 for N up to 2**32


@dataclass(frozen=True)
class LongestChain:
    """A longest chain and how far it is from the only one.

    Attributes:
        elements: indices of one longest chain, in order.
        length: number of its elements (the height of the order).
        n_optima: how many chains have this length (exact), None if not counted.
        margin: length minus that of the next longest maximal chain; 0 if several
            are longest, infinite if there is no other maximal chain, NaN if not
            counted.
    """

    elements: tuple[int, ...]
    length: int
    n_optima: int | None
    margin: float


def heights(causet: Causet) -> np.ndarray:
    """Elements of the longest chain that ends in each element, int64 (N,)."""
    if causet.permutation is not None:
        return patience_heights(causet.permutation)
    return order_kernels.heights(causet.future)


def patience_heights(permutation: np.ndarray) -> np.ndarray:
    """Heights of a 2d order by patience sorting, int64, O(N log N)."""
    return permutation_kernels.heights(np.asarray(permutation).astype(np.int32))


def longest_chain(causet: Causet, count: bool = True) -> LongestChain:
    """A longest chain, the number of longest chains and the margin.

    Args:
        causet: the order; O(N log N) for a 2d order, O(N^2) otherwise.
        count: also count the optima and the margin. A unique longest chain asks
            for the links, which take O(N^2) for a 2d order too.

    Returns:
        `LongestChain`; empty for an empty causal set.
    """
    if causet.size == 0:
        return LongestChain((), 0, 0 if count else None, math.nan)
    height = heights(causet)
    length = int(height.max())
    by_height = np.argsort(height, kind="stable")
    levels = np.split(by_height, np.cumsum(np.bincount(height)[1:-1]))
    chain = [int(levels[-1][0])]
    for level in reversed(levels[:-1]):
        chain.append(_before(causet, level, chain[-1]))
    elements = tuple(reversed(chain))
    if not count:
        return LongestChain(elements, length, None, math.nan)
    n_optima = _count_optima(causet, levels)
    if n_optima > 1:
        return LongestChain(elements, length, n_optima, 0.0)
    _, second = order_kernels.two_longest(causet.links(), causet.size)
    margin = float(length - second) if second else math.inf
    return LongestChain(elements, length, n_optima, margin)


def _before(causet: Causet, level: np.ndarray, j: int) -> int:
    """The first element of a level in the past of j."""
    if causet.permutation is not None:
        ranks = causet.permutation
        return int(level[np.argmax((level < j) & (ranks[level] < ranks[j]))])
    word, bit = j >> 6, np.uint64(j & 63)
    return int(level[np.argmax(causet.future[level, word] >> bit & np.uint64(1))])


def _count_optima(causet: Causet, levels: list[np.ndarray]) -> int:
    """Number of chains with one element of each height, as an exact integer.

    From the top level down: of each lower level only the elements that a longest
    chain passes are kept, and those are few.
    """
    upper, counts = levels[-1], [1] * len(levels[-1])
    for level in reversed(levels[:-1]):
        if causet.permutation is not None:
            # A level is an antichain: its ranks fall, so the future of i within it
            # is a contiguous stretch.
            ranks = causet.permutation
            start = np.searchsorted(upper, level)
            stop = np.searchsorted(-ranks[upper], -ranks[level])
            passed = np.flatnonzero(stop > start)
            sums = [0, *accumulate(counts)]
            ends = zip(start[passed].tolist(), stop[passed].tolist(), strict=True)
            counts = [sums[b] - sums[a] for a, b in ends]
        else:
            words, shift = upper >> 6, (upper & 63).astype(np.uint64)
            rows = [
                np.flatnonzero(causet.future[i, words] >> shift & np.uint64(1)).tolist()
                for i in level.tolist()
            ]
            passed = np.flatnonzero([len(row) > 0 for row in rows])
            counts = [sum(counts[k] for k in row) for row in rows if row]
        upper = level[passed]
    return sum(counts)


def chain_counts(causet: Causet, max_length: int = 4) -> list[int]:
    """Exact numbers C_1 .. C_k of chains with 1 .. `max_length` elements.

    Returns:
        Python integers [C_1, ..., C_k]; C_1 = N, C_2 = relations. In the flat
        diamond <C_k> = chi_k n^k, see `chain_coefficient`. O(k N log N) for a 2d
        order, else k times the number of relations.

    Raises:
        ValueError: max_length below 1.
    """
    if max_length < 1:
        raise ValueError(f"max_length is {max_length}: it must be at least 1")
    ending = [1] * causet.size
    totals = [causet.size]
    while len(totals) < max_length:
        ending = _push(causet, ending)
        totals.append(sum(ending))
    return totals


def _push(causet: Causet, values: list[int]) -> list[int]:
    """Exact sums of integers over the past of each element, in limbs of 31 bits."""
    width = max(1, -(-max(values, default=0).bit_length() // _LIMB))
    mask = (1 << _LIMB) - 1
    limbs = [[v >> (_LIMB * k) & mask for k in range(width)] for v in values]
    table = np.array(limbs, np.int64).reshape(causet.size, width)
    if causet.permutation is not None:
        ranks = causet.permutation.astype(np.int32)
        sums = permutation_kernels.sums_over_past(ranks, table)
    else:
        sums = order_kernels.sums_over_past(causet.future, table)
    return [
        sum(limb << (_LIMB * k) for k, limb in enumerate(row)) for row in sums.tolist()
    ]


def chain_coefficient(length: int, dimension: float) -> float:
    """chi_k of <C_k> = chi_k n^k in the flat diamond: 1/36 for k = 3, d = 2.

    Source: Meyer, PhD thesis, MIT (1988).
    """
    k, d = length, float(dimension)
    log_value = (
        (k - 1) * (math.lgamma(d + 1) - math.log(2))
        + math.lgamma(d / 2)
        + math.lgamma(d)
        - math.lgamma(k * d / 2)
        - math.lgamma((k + 1) * d / 2)
    )
    return math.exp(log_value) / k
