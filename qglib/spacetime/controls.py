"""Orders that are no space-time: what every observable must tell from a diamond."""

from __future__ import annotations

import numpy as np

from . import bits
from .causet import Causet


def _check(size: int, probability: float) -> None:
    if size < 1:
        raise ValueError(f"size is {size}: it must be at least 1")
    if not 0 <= probability <= 1:
        raise ValueError(f"probability is {probability}: it must lie in [0, 1]")


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
    relation = np.zeros((size, size), bool)
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
    relation = np.triu(rng.random((size, size)) < probability, 1)
    rows = bits.close(bits.to_integers(bits.pack_rows(relation)))
    packed = bits.from_integers(rows, size)
    return Causet(size, tuple(range(size)), _rows=packed)


def posts(causet: Causet) -> np.ndarray:
    """Indices of the elements that are related to every other element."""
    degree = np.bitwise_count(causet.future).sum(axis=1, dtype=np.int64)
    degree += np.bitwise_count(causet.past).sum(axis=1, dtype=np.int64)
    return np.flatnonzero(degree == causet.size - 1)


def rewired(causet: Causet, rng: np.random.Generator, share: float = 0.2) -> Causet:
    """The data's own links with a share of their ends moved, closed again.

    Keeps the number of links before closure and the natural labelling: the
    control that asks whether the arrangement of links matters.
    """
    _check(causet.size, share)
    links = causet.links().copy()
    for k in np.flatnonzero(rng.random(len(links)) < share):
        if links[k, 0] + 1 < causet.size:
            links[k, 1] = rng.integers(links[k, 0] + 1, causet.size)
    relation = np.zeros((causet.size, causet.size), bool)
    relation[links[:, 0], links[:, 1]] = True
    return Causet.from_order(relation, close=True, labels=causet.labels)
