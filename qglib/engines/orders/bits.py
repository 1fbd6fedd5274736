"""Relations packed 64 elements to a word, and whether they fit in memory.

A relation on N elements in natural labelling (i precedes j only if i < j) is an
array of shape (N, ceil(N / 64)) of uint64; bit j of row i says that i precedes
j, lowest bit first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil

_BLOCK = 512  # rows unpacked at a time: bounds the memory of dense work
_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def n_words(size: int) -> int:
    """Words of 64 bits that one row of `size` elements needs."""
    return (size + 63) // 64


def available_bytes() -> int:
    """Memory that can be allocated now, in bytes, within a container's limit."""
    free = psutil.virtual_memory().available
    try:
        limit = int(_GROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no control group, or the limit is "max"
        return free
    return min(free, max(0, limit - psutil.Process().memory_info().rss))


def require_bytes(needed: int, what: str, remedy: str) -> None:
    """Refuse what does not fit, before anything is allocated.

    Args:
        needed: bytes.
        what: the thing computed, for the message.
        remedy: what the caller can do instead.

    Raises:
        MemoryError: with the bytes needed, those available and the remedy.
    """
    free = available_bytes()
    if needed > free:
        raise MemoryError(
            f"{what} needs {needed / 1e9:.3g} GB, {free / 1e9:.3g} GB are available: "
            f"{remedy}"
        )


def require_memory(size: int, matrices: int = 2) -> None:
    """Refuse a packed relation of N elements that does not fit.

    Args:
        size: number of elements N.
        matrices: how many N x N bit matrices are needed (future and past: 2).

    Raises:
        MemoryError: see `require_bytes`.
    """
    require_bytes(
        matrices * size * n_words(size) * 8,
        f"the packed relation of a causal set of {size} elements",
        "take a subset, or use from_ranks: links, abundances, chains and dimensions "
        "of a 2d order need no relation matrix",
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


def select(words: np.ndarray, size: int, chosen: np.ndarray) -> np.ndarray:
    """Packed rows and columns of some elements (sorted indices)."""
    rows = np.zeros((len(chosen), n_words(len(chosen))), np.uint64)
    for start in range(0, len(chosen), _BLOCK):
        part = chosen[start : start + _BLOCK]
        dense = unpack_rows(words[part], size)
        rows[start : start + len(part)] = pack_rows(dense[:, chosen])
    return rows
