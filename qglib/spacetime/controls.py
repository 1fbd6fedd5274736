"""Orders that are no space-time: what every observable must tell from a diamond."""

from __future__ import annotations

import numpy as np

from . import bits, order_kernels
from .causet import Causet

_BLOCK = 512


def _check(size: int, share: float, name: str = "probability") -> None:
    if size < 1:
        raise ValueError(f"size is {size}: it must be at least 1")
    if not 0 <= share <= 1:
        raise ValueError(f"{name} is {share}: it must lie in [0, 1]")


def _dense(size: int) -> np.ndarray:
    """An empty relation matrix, if it and its sorted copy fit."""
    what = f"the dense relation of {size} elements"
    bits.require_bytes(2 * size * size, what, "take fewer elements")
    return np.zeros((size, size), bool)


def kleitman_rothschild(
    size: int, rng: np.random.Generator, probability: float = 0.5
) -> Causet:
    """A three-layer order: the typical large finite order, and no manifold.

    Layers of N/4, N/2 and N/4 elements; neighbouring layers are related with
    `probability`, then the relation is closed. Its ordering fraction tends to
    3/8, so its Myrheim-Meyer dimension reads 2.3765.

    Source: Kleitman, Rothschild, Trans. Amer. Math. Soc. 205 (1975) 205.
    """
    _check(size, probability)
    lower, middle = size // 4, size // 4 + size // 2
    relation = _dense(size)
    relation[:lower, lower:middle] = rng.random((lower, middle - lower)) < probability
    relation[lower:middle, middle:] = (
        rng.random((middle - lower, size - middle)) < probability
    )
    return Causet.from_order(relation, close=True)


def transitive_percolation(
    size: int, probability: float, rng: np.random.Generator
) -> Causet:
    """Random arrows from earlier to later labels, closed.

    Source: Rideout, Sorkin, Phys. Rev. D 61 (1999) 024002; posts (elements
    related to all others): Alon, Bollobas, Brightwell, Janson, Ann. Appl. Probab.
    4 (1994) 108.
    """
    _check(size, probability)
    bits.require_memory(size)
    rows = np.zeros((size, bits.n_words(size)), np.uint64)
    for start in range(0, size, _BLOCK):
        arrows = rng.random((min(_BLOCK, size - start), size)) < probability
        rows[start : start + _BLOCK] = bits.pack_rows(np.triu(arrows, start + 1))
    order_kernels.close(rows)
    return Causet(size, tuple(range(size)), _rows=rows)


def posts(causet: Causet) -> np.ndarray:
    """Indices of the elements that are related to every other element."""
    before, after = causet.degrees()
    return np.flatnonzero(before + after == causet.size - 1)


def rewired(causet: Causet, rng: np.random.Generator, share: float = 0.2) -> Causet:
    """The data's own links with a share of their ends moved, closed again.

    Keeps the number of links before closure and the natural labelling: the
    control that asks whether the arrangement of links matters.
    """
    _check(causet.size, share, "share")
    links = causet.links().copy()
    for k in np.flatnonzero(rng.random(len(links)) < share):
        if links[k, 0] + 1 < causet.size:
            links[k, 1] = rng.integers(links[k, 0] + 1, causet.size)
    relation = _dense(causet.size)
    relation[links[:, 0], links[:, 1]] = True
    return Causet.from_order(relation, close=True, labels=causet.labels)
