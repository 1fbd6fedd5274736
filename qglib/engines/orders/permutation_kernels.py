"""Compiled loops over 2d orders.

A 2d order is an int32 permutation: i precedes j if i < j and ranks[i] < ranks[j].
No relation matrix is built, so memory is O(N). The callers prepare the arguments,
nothing here checks them.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def smaller_before(ranks):
    """For each j the number of i < j with ranks[i] < ranks[j], int32 (Fenwick)."""
    size = len(ranks)
    tree = np.zeros(size + 1, np.int32)
    result = np.empty(size, np.int32)
    for j in range(size):
        count, k = 0, ranks[j]
        while k > 0:
            count += tree[k]
            k &= k - 1
        result[j] = count
        k = ranks[j] + 1
        while k <= size:
            tree[k] += 1
            k += k & -k
    return result


@njit(cache=True, nogil=True)
def abundances(ranks, histogram):
    """Add to histogram[m] the related pairs with m elements between them, O(N^2).

    For i before j, m counts the elements of (i, j) with a rank between the two:
    those below ranks[j] less those below ranks[i]. The first number is carried
    along in i, the second is the position of j less its place among the related.
    """
    size = len(ranks)
    excess = smaller_before(ranks)
    inside = np.empty(size, np.int32)
    for j in range(size):
        excess[j] -= j
    for i in range(size - 1):
        own, place, n_related = ranks[i], np.int32(i + 1), 0
        later, carried = ranks[i + 1 :], excess[i + 1 :]
        for q in range(len(later)):
            related = np.int32(later[q] > own)
            carried[q] -= related  # element i leaves the window
            inside[n_related] = carried[q] + place  # overwritten if not related
            place += related
            n_related += related
        for q in range(n_related):
            if inside[q] < len(histogram):
                histogram[inside[q]] += 1


@njit(cache=True, nogil=True)
def links(ranks, out):
    """Write the links to `out` (n, 2) as far as it reaches; return their number.

    The links of i are the running minima of the ranks above its own, O(N^2).
    """
    size, count = len(ranks), 0
    for i in range(size - 1):
        own, nearest = ranks[i], np.int32(size)
        for start in range(i + 1, size, 64):
            part = ranks[start : start + 64]
            hits = np.int32(0)  # most stretches have none: look at 64 at a time
            for q in range(len(part)):
                hits += np.int32(part[q] > own) & np.int32(part[q] < nearest)
            for q in range(len(part) if hits else 0):
                if own < part[q] < nearest:
                    nearest = part[q]
                    if count < len(out):
                        out[count, 0], out[count, 1] = i, start + q
                    count += 1
    return count


@njit(cache=True, nogil=True)
def heights(ranks):
    """Longest chain that ends in each element, int64, by patience sorting."""
    tails = np.empty(len(ranks), np.int32)
    result = np.empty(len(ranks), np.int64)
    piles = 0
    for k in range(len(ranks)):
        low, high = 0, piles
        while low < high:
            middle = (low + high) >> 1
            if tails[middle] < ranks[k]:
                low = middle + 1
            else:
                high = middle
        tails[low] = ranks[k]
        piles = max(piles, low + 1)
        result[k] = low + 1
    return result


@njit(cache=True, nogil=True)
def sums_over_past(ranks, values):
    """Sum of float64 values (N,) over the past of each element (Fenwick)."""
    size = len(ranks)
    tree, sums = np.zeros(size + 1), np.zeros(size)
    for j in range(size):
        k = np.int64(ranks[j])
        while k > 0:
            sums[j] += tree[k]
            k &= k - 1
        k = np.int64(ranks[j]) + 1
        while k <= size:
            tree[k] += values[j]
            k += k & -k
    return sums
