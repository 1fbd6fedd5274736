"""Chains: the longest one with its uniqueness, and how many there are.

Lengths count elements, not links. A longest chain runs along links and is the
discrete geodesic between its ends (proper time).
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from . import bits
from .causet import Causet

_LIMB = 20  # bits of a limb: limb x N stays below 2**53 for N up to 2**33
_BLOCK = 512


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
    result = np.ones(causet.size, np.int32)
    for i in range(causet.size):
        first = i >> 6
        tail = result[first * 64 :]
        row = bits.unpack_rows(causet.future[i : i + 1, first:], len(tail))[0]
        np.maximum(tail, row * (result[i] + np.int32(1)), out=tail)
    return result.astype(np.int64)


def patience_heights(permutation: np.ndarray) -> np.ndarray:
    """Heights of a 2d order by patience sorting, O(N log N)."""
    tails: list[int] = []
    result = np.empty(len(permutation), np.int64)
    for k, rank in enumerate(permutation.tolist()):
        place = bisect.bisect_left(tails, rank)
        if place == len(tails):
            tails.append(rank)
        else:
            tails[place] = rank
        result[k] = place + 1
    return result


def longest_chain(causet: Causet, count: bool = True) -> LongestChain:
    """A longest chain, the number of longest chains and the margin.

    Args:
        causet: the order; O(N log N) for a 2d order, O(N^2) words otherwise.
        count: also count the optima and the margin.

    Returns:
        `LongestChain`; empty for an empty causal set.
    """
    if causet.size == 0:
        return LongestChain((), 0, 0 if count else None, math.nan)
    height = heights(causet)
    length = int(height.max())
    levels = [np.flatnonzero(height == h) for h in range(1, length + 1)]
    chain = [int(levels[-1][0])]
    for level in reversed(levels[:-1]):
        chain.append(_before(causet, level, chain[-1]))
    elements = tuple(reversed(chain))
    if not count:
        return LongestChain(elements, length, None, math.nan)
    n_optima = _count_optima(causet, levels)
    margin = 0.0 if n_optima > 1 else float(length - _second_length(causet, length))
    return LongestChain(elements, length, n_optima, margin)


def _before(causet: Causet, level: np.ndarray, j: int) -> int:
    """The first element of a level in the past of j."""
    if causet.permutation is not None:
        ranks = causet.permutation
        return int(level[np.argmax((level < j) & (ranks[level] < ranks[j]))])
    word, bit = j >> 6, np.uint64(j & 63)
    return int(level[np.argmax(causet.future[level, word] >> bit & np.uint64(1))])


def _count_optima(causet: Causet, levels: list[np.ndarray]) -> int:
    """Number of chains with one element of each height (exact integers)."""
    counts = [1] * len(levels[0])
    for lower, upper in pairwise(levels):
        if causet.permutation is not None:
            # A level is an antichain: its ranks fall, so the past of j within it
            # is a contiguous stretch.
            ranks = -causet.permutation[lower]
            start = np.searchsorted(ranks, -causet.permutation[upper], side="right")
            stop = np.searchsorted(lower, upper)
            sums = [0, *accumulate(counts)]
            counts = [
                sums[b] - sums[a] if b > a else 0
                for a, b in zip(start.tolist(), stop.tolist(), strict=True)
            ]
            continue
        words, shift = upper >> 6, (upper & 63).astype(np.uint64)
        related = causet.future[lower][:, words] >> shift & np.uint64(1)
        counts = [
            sum(counts[k] for k in np.flatnonzero(column)) for column in related.T
        ]
    return sum(counts)


def _second_length(causet: Causet, length: int) -> float:
    """Elements of the second longest maximal chain, -inf if there is only one.

    Only asked when the longest is unique: then the second longest is the second
    largest of the distinct lengths, carried along the links.
    """
    best = [1] * causet.size
    second = [-math.inf] * causet.size
    later = np.zeros(causet.size, bool)
    seen = np.zeros(causet.size, bool)
    links = causet.links()
    for i, j in links[np.argsort(links[:, 1], kind="stable")].tolist():
        later[i] = True
        candidates = {best[i] + 1, second[i] + 1}
        if seen[j]:
            candidates |= {best[j], second[j]}
        seen[j] = True
        ranked = sorted(candidates, reverse=True)
        best[j], second[j] = ranked[0], ranked[1] if len(ranked) > 1 else -math.inf
    ends = np.flatnonzero(~later)
    lengths = {best[e] for e in ends} | {second[e] for e in ends}
    return max((x for x in lengths if x < length), default=-math.inf)


def chain_counts(causet: Causet, max_length: int = 4) -> list[int]:
    """Exact numbers C_1 .. C_k of chains with 1 .. `max_length` elements.

    Returns:
        Python integers [C_1, ..., C_k]; C_1 = N, C_2 = relations. In the flat
        diamond <C_k> = chi_k n^k, see `chain_coefficient`.

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
    """Exact sums of integers over the past of each element.

    Numbers are split in limbs of 20 bits, so that float64 products are exact and
    the matrix library can be used on unpacked blocks.
    """
    width = max(1, -(-max(values, default=0).bit_length() // _LIMB))
    limbs = np.array(
        [[v >> (_LIMB * k) & ((1 << _LIMB) - 1) for k in range(width)] for v in values],
        dtype=float,
    ).reshape(causet.size, width)
    sums = np.zeros((causet.size, width))
    for start in range(0, causet.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        words = causet.future[part, start // 64 :]
        block = bits.unpack_rows(words, causet.size - start)
        sums[start:] += block.T.astype(float) @ limbs[part]
    return [
        sum(int(limb) << (_LIMB * k) for k, limb in enumerate(row))
        for row in sums.tolist()
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
