"""Relations packed 64 elements to a word, and the order algorithms on them.

A relation on N elements in natural labelling (i precedes j only if i < j) is an
array of shape (N, ceil(N / 64)) of uint64; bit j of row i says that i precedes
j, lowest bit first. For closure and reduction a row is read as one Python
integer: the loop then runs over links only, not over relations.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import numpy as np

_BLOCK = 512  # rows unpacked at a time: bounds the memory of dense work


def n_words(size: int) -> int:
    """Words of 64 bits that one row of `size` elements needs."""
    return (size + 63) // 64


def available_bytes() -> int:
    """Memory that can be allocated now, in bytes (physical memory if unknown)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


def require_memory(size: int, matrices: int = 2) -> None:
    """Refuse a packed relation that does not fit, before anything is allocated.

    Args:
        size: number of elements N.
        matrices: how many N x N bit matrices are needed (future and past: 2).

    Raises:
        MemoryError: with the size needed, the size available and the remedy.
    """
    needed, free = matrices * size * n_words(size) * 8, available_bytes()
    if needed > free:
        raise MemoryError(
            f"a causal set of {size} elements needs {needed / 1e9:.1f} GB for its "
            f"packed relation, {free / 1e9:.1f} GB are available. Take a subset, or "
            "use ranks: longest_chain and ordering_fraction of a 2d order need no "
            "relation matrix."
        )


def pack_rows(relation: np.ndarray) -> np.ndarray:
    """Rows of booleans (n, N) to rows of uint64 (n, ceil(N / 64))."""
    rows, size = relation.shape
    packed = np.zeros((rows, n_words(size) * 8), np.uint8)
    packed[:, : (size + 7) // 8] = np.packbits(relation, axis=1, bitorder="little")
    return packed.view("<u8").astype(np.uint64, copy=False)


def unpack_rows(words: np.ndarray, size: int) -> np.ndarray:
    """Rows of uint64 (n, ceil(size / 64)) to rows of booleans (n, size)."""
    raw = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(raw, axis=1, count=size, bitorder="little").view(bool)


def transpose(words: np.ndarray, size: int) -> np.ndarray:
    """Packed transpose: row j of the result holds the past of j."""
    result = np.zeros((size, n_words(size)), np.uint64)
    for start in range(0, size, _BLOCK):  # _BLOCK is a multiple of 64
        block = unpack_rows(words[start : start + _BLOCK], size)
        columns = pack_rows(np.ascontiguousarray(block.T))
        result[:, start // 64 : start // 64 + columns.shape[1]] = columns
    return result


def select(words: np.ndarray, size: int, chosen: np.ndarray) -> np.ndarray:
    """Packed rows and columns of some elements (sorted indices)."""
    rows = np.zeros((len(chosen), n_words(len(chosen))), np.uint64)
    for start in range(0, len(chosen), _BLOCK):
        part = chosen[start : start + _BLOCK]
        dense = unpack_rows(words[part], size)
        rows[start : start + len(part)] = pack_rows(dense[:, chosen])
    return rows


def to_integers(words: np.ndarray) -> list[int]:
    """Each packed row as one Python integer (bit j set: j is in the row)."""
    raw = np.ascontiguousarray(words, dtype="<u8")
    return [int.from_bytes(row.tobytes(), "little") for row in raw]


def from_integers(rows: Sequence[int], size: int) -> np.ndarray:
    """Python integers back to packed rows of shape (len(rows), ceil(size / 64))."""
    width = n_words(size) * 8
    raw = b"".join(row.to_bytes(width, "little") for row in rows)
    words = np.frombuffer(raw, "<u8").reshape(len(rows), n_words(size))
    return words.astype(np.uint64)


def close(rows: Sequence[int]) -> list[int]:
    """Transitive closure of a naturally labelled relation, rows as integers."""
    closed = list(rows)
    for i in range(len(closed) - 1, -1, -1):
        candidates = reach = closed[i]
        while candidates:
            lowest = candidates & -candidates
            beyond = closed[lowest.bit_length() - 1]
            reach |= beyond
            candidates ^= lowest
            candidates &= ~beyond  # what lies behind is reached already
        closed[i] = reach
    return closed


def reduce(rows: Sequence[int]) -> list[list[int]]:
    """Links of a transitive relation: for each element its direct successors.

    The lowest candidate is always a link; what lies behind it is not (this is
    the transitive reduction, one step per link).
    """
    elsewhere = [~(row | 1 << j) for j, row in enumerate(rows)]
    links = []
    for candidates in rows:
        direct = []
        while candidates:
            j = (candidates & -candidates).bit_length() - 1
            direct.append(j)
            candidates &= elsewhere[j]
        links.append(direct)
    return links


def first_intransitive(rows: Sequence[int]) -> tuple[int, int, int] | None:
    """A triple i < j < k with i to j and j to k related but not i to k, or None.

    It is enough to test the direct successors of each element, from the last
    element down: rows of later elements are transitive by then.
    """
    for i in range(len(rows) - 1, -1, -1):
        candidates = row = rows[i]
        while candidates:
            lowest = candidates & -candidates
            j = lowest.bit_length() - 1
            missing = rows[j] & ~row
            if missing:
                return i, j, (missing & -missing).bit_length() - 1
            candidates ^= lowest
            candidates &= ~rows[j]
    return None
