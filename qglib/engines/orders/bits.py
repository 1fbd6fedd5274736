"""Relations packed 64 elements to a word, and whether they fit in memory.

A relation on N elements in natural labelling (i precedes j only if i < j) is an
array of shape (N, ceil(N / 64)) of uint64; bit j of row i says that i precedes
j, lowest bit first.
"""

from collections.abc import Callable

import numpy as np

from qglib import memory

BLOCK = 64  # rows that are dense at a time: one word of the columns


def n_words(size: int) -> int:
    """Words of 64 bits that one row of `size` elements needs."""
    return (size + 63) // 64


def require_bytes(needed: int, what: str) -> None:
    """Raise MemoryError before anything that does not fit is allocated."""
    memory.require(needed, "cpu", what, "take a subset of the elements")


def require_memory(size: int) -> None:
    """Refuse future and past of N elements that do not fit."""
    what = f"the packed relation of a causal set of {size} elements"
    require_bytes(16 * size * n_words(size), what)


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


def related_rows(
    size: int, related: Callable[[slice, slice], np.ndarray]
) -> np.ndarray:
    """Packed rows of a relation on N elements, a block of them dense at a time.

    `related` maps the slice of a block and that of all elements from its first one on
    to booleans.
    """
    rows = np.zeros((size, n_words(size)), np.uint64)
    for start in range(0, size, BLOCK):
        part = slice(start, start + BLOCK)
        rows[part, start // BLOCK :] = pack_rows(related(part, slice(start, None)))
    return rows


def transpose(words: np.ndarray) -> np.ndarray:
    """Packed columns of packed rows (N, ceil(N / 64))."""
    rows = np.empty_like(words)
    for k in range(words.shape[1]):
        part = rows[k * BLOCK : (k + 1) * BLOCK]
        part[:] = pack_rows(unpack_rows(words[:, k : k + 1], len(part)).T)
    return rows
