"""What follows from an order: packed rows, links, numbers of related elements.

An order comes as a permutation (2d orders; no relation matrix is then needed) or
as packed rows. Arrays that a `Causet` keeps come back read-only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import bits, order_kernels, permutation_kernels

if TYPE_CHECKING:
    from .causet import Causet


def frozen(array: np.ndarray) -> np.ndarray:
    """The same array, read-only."""
    array.setflags(write=False)
    return array


def future_rows(permutation: np.ndarray | None, rows: np.ndarray | None) -> np.ndarray:
    """Packed futures: the rows themselves, or those of the permutation.

    Raises:
        MemoryError: N^2 / 8 bytes are not available.
    """
    if rows is not None:
        return rows
    bits.require_memory(len(permutation), matrices=1)
    return frozen(order_kernels.dominance_rows(permutation[None].astype(float)))


def past_rows(future: np.ndarray) -> np.ndarray:
    """Packed pasts from packed futures.

    Raises:
        MemoryError: N^2 / 8 bytes are not available.
    """
    bits.require_memory(len(future), matrices=1)
    return frozen(order_kernels.transpose(future))


def dense(future: np.ndarray) -> np.ndarray:
    """Boolean matrix (N, N) of packed rows.

    Raises:
        MemoryError: N^2 bytes are not available.
    """
    size = len(future)
    what = f"the dense relation of a causal set of {size} elements"
    bits.require_bytes(size * size, what, "use links(), or take a subset")
    return bits.unpack_rows(future, size)


def links(permutation: np.ndarray | None, rows: np.ndarray | None) -> np.ndarray:
    """Pairs with nothing between them, int64 (n, 2), sorted.

    O(N^2) for a permutation, else links x N / 64 word operations.

    Raises:
        MemoryError: the list does not fit.
    """
    if permutation is not None:
        find, order = permutation_kernels.links, permutation.astype(np.int32)
    else:
        find, order = order_kernels.links, rows
    # Count first, then fill: the list is the largest array of the pass.
    count = find(order, np.empty((0, 2), np.int64))
    what = f"the list of {count} links"
    bits.require_bytes(16 * count, what, "take a subset of the elements")
    pairs = np.empty((count, 2), np.int64)
    find(order, pairs)
    return frozen(pairs)


def n_relations(permutation: np.ndarray | None, rows: np.ndarray | None) -> int:
    """Number of related pairs; O(N log N) for a permutation."""
    if permutation is not None:
        return count_ascending(permutation)
    return int(np.bitwise_count(rows).sum(dtype=np.int64))


def degrees(causet: Causet) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of elements before and after each element, int64 (N,) each."""
    if causet.permutation is None:
        before, after = np.bitwise_count(causet.past), np.bitwise_count(causet.future)
        return before.sum(axis=1, dtype=np.int64), after.sum(axis=1, dtype=np.int64)
    ranks, before = causet.permutation, smaller_before(causet.permutation)
    return before, causet.size - 1 - ranks - (np.arange(causet.size) - before)


def smaller_before(permutation: np.ndarray) -> np.ndarray:
    """For each position the earlier ones with a smaller rank, int64, O(N log N)."""
    ranks = permutation.astype(np.int32)
    return permutation_kernels.smaller_before(ranks).astype(np.int64)


def count_ascending(permutation: np.ndarray) -> int:
    """Number of pairs i < j with permutation[i] < permutation[j], O(N log N)."""
    return int(smaller_before(permutation).sum())
