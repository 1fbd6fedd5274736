"""Causal-set observables of two rankings: the ingredients of the independence test.

The points sorted by x with y-ranks p form a 2d order C (both grow) and its mirror
D (one grows, one falls); every pair is related in exactly one of them. All
interior counts come from one cumulative table in O(n^2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from scipy.linalg import solve_triangular

from .action import smearing_weights
from .chains import patience_heights
from .constructions import count_ascending

SMEARINGS = (0.02, 0.05, 0.1, 0.2, 0.5)
_ABUNDANCE_BINS = ((1, 2), (3, 6), (7, 14), (15, 30), (31, 62), (63, None))
_OCTAVES, _RAPIDITIES = 9, 3
LARGEST = 4000  # points; beyond it the pair tables pass about 1 GB


@dataclass(frozen=True)
class RankObservables:
    """Names, groups and values of the observables for samples of n points."""

    n: int
    names: tuple[str, ...] = field(init=False)
    groups: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Lay out the names once."""
        if not 8 <= self.n <= LARGEST:
            raise ValueError(
                f"n is {self.n}: the test takes 8 to {LARGEST} points; draw a random "
                "subset of a larger sample"
            )
        layout = [("relations", "relations")]
        for s in ("up", "down"):
            for name in ("longest", "chains_3", "chains_4", "log_chains"):
                layout.append(("chains", f"{s}_{name}"))
            layout += [("action", f"{s}_action_{e:g}") for e in SMEARINGS]
            layout.append(("abundances", f"{s}_links"))
            for low, high in _ABUNDANCE_BINS:
                layout.append(("abundances", f"{s}_intervals_{low}_{high or 'more'}"))
            layout += [("boundary", f"{s}_{e}") for e in ("minimal", "maximal")]
            layout += [("surplus", f"{s}_surplus_{k}") for k in range(_OCTAVES)]
            layout += [
                ("roughness", f"{s}_roughness_{k}_{r}")
                for k in range(_OCTAVES)
                for r in range(_RAPIDITIES)
            ]
            layout += [("fullest", f"{s}_fullest_{k}") for k in range(_OCTAVES)]
        layout += [("past_volume", f"past_volume_{k}") for k in (1, 2, 3, 4)]
        object.__setattr__(self, "names", tuple(name for _, name in layout))
        object.__setattr__(self, "groups", tuple(group for group, _ in layout))

    # --------------------------------------------------- tables that depend on n
    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        i, j = np.triu_indices(self.n, 1)
        return i.astype(np.int32), j.astype(np.int32)

    @cached_property
    def _volume(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean, 1 / sd and bin of the hypergeometric count for sides (a, b)."""
        n = self.n
        a, b = np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing="ij")
        mean = a * b / (n - 2)
        variance = mean * (n - 2 - a) * (n - 2 - b) / ((n - 2) * (n - 3))
        inside = (a > 0) & (b > 0) & (a < n - 2) & (b < n - 2)
        inverse = np.zeros_like(mean)
        inverse[inside] = variance[inside] ** -0.5
        octave = np.where(mean < 0.5, 0, np.floor(np.log2(np.maximum(mean, 0.5))) + 2)
        octave = np.minimum(octave, _OCTAVES - 1).astype(int)
        rapidity = np.where(a > 4 * b, 1, np.where(b > 4 * a, 2, 0))
        cell = np.where(inside, octave * _RAPIDITIES + rapidity, -1)
        return mean.ravel(), inverse.ravel(), cell.ravel().astype(np.int16)

    @cached_property
    def _smearing(self) -> np.ndarray:
        return np.array([smearing_weights(2, self.n, e) for e in SMEARINGS])

    # ------------------------------------------------------------------- values
    def __call__(self, permutation: np.ndarray) -> np.ndarray:
        """Observables of the sample whose y-ranks, sorted by x, are `permutation`.

        Returns:
            float64 array of shape (len(self.names),).
        """
        n, p = self.n, np.asarray(permutation, np.int32)
        i, j = self._pairs
        table = np.zeros((n + 1, n + 1), np.int32)
        table[np.arange(1, n + 1), p + 1] = 1
        table = table.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
        first, second = p[i], p[j]
        up = first < second
        low, high = np.minimum(first, second), np.maximum(first, second)
        flat, width = table.ravel(), np.int32(n + 1)
        later, earlier = j * width, (i + 1) * width
        interior = (
            flat[later + high]
            - flat[earlier + high]
            - flat[later + low + 1]
            + flat[earlier + low + 1]
        )
        histogram = np.bincount(interior + n * ~up, minlength=2 * n).reshape(2, n)
        mean, inverse, cells = self._volume
        sides = (j - i - 1) * np.int32(n - 1) + (high - low - 1)
        cell = cells[sides]
        keep = cell >= 0
        sides, order = sides[keep], (~up)[keep]
        z = (interior[keep] - mean[sides]) * inverse[sides]
        n_cells = _OCTAVES * _RAPIDITIES
        place = cell[keep] + n_cells * order
        surplus = np.bincount(place, z, minlength=2 * n_cells)
        surplus = surplus.reshape(2, _OCTAVES, _RAPIDITIES).sum(axis=2)
        rough = np.bincount(place, z * z, minlength=2 * n_cells).reshape(2, n_cells)
        fullest = np.full(2 * n_cells, -3.0)
        np.maximum.at(fullest, place, z)
        fullest = fullest.reshape(2, _OCTAVES, _RAPIDITIES).max(axis=2)
        above = np.zeros((n, n), bool)
        above[i, j] = up
        below = np.zeros((n, n), bool)
        below[i, j] = ~up

        values = [np.array([count_ascending(p)], float)]
        for s, (relation, ranks) in enumerate(((above, p), (below, n - 1 - p))):
            counts = histogram[s]
            values += [
                _chains(relation, ranks),
                np.array(SMEARINGS) * n + self._smearing @ counts,
                counts[:1].astype(float),
                _binned(counts),
                np.array([_records(ranks), _records(n - 1 - ranks[::-1])], float),
                surplus[s],
                rough[s],
                fullest[s],
            ]
        values.append(_past_volume(table, p))
        return np.concatenate(values)


def _binned(counts: np.ndarray) -> np.ndarray:
    return np.array(
        [
            counts[low : None if high is None else high + 1].sum()
            for low, high in _ABUNDANCE_BINS
        ],
        float,
    )


def _records(ranks: np.ndarray) -> int:
    """Number of running minima: elements with nothing in their past."""
    return int((ranks == np.minimum.accumulate(ranks)).sum())


def _chains(relation: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Longest chain, chains of 3 and of 4, log of the number of all chains."""
    matrix = relation.astype(float)
    pairs = matrix.sum(axis=0)
    triples = pairs @ matrix
    return np.array(
        [
            patience_heights(ranks).max(),
            triples.sum(),
            (triples @ matrix).sum(),
            _log_chains(matrix),
        ]
    )


def _log_chains(matrix: np.ndarray, block: int = 500) -> float:
    """Logarithm of the number of non-empty chains, rescaled block by block.

    A total order of n elements has 2**n - 1 chains, beyond float64 from n = 1024.
    """
    n, log_scale = len(matrix), 0.0
    ending = np.zeros(n)
    for start in range(0, n, block):
        part = slice(start, min(start + block, n))
        source = np.exp(-log_scale) + ending[:start] @ matrix[:start, part]
        operator = np.eye(part.stop - start) - matrix[part, part].T
        ending[part] = solve_triangular(operator, source, lower=True)
        if ending.max() > 1e100:
            log_scale += np.log(ending.max())
            ending /= ending.max()
    return float(np.log(ending.sum()) + log_scale)


def _past_volume(table: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Cramer-von Mises, grid, Anderson-Darling, Kolmogorov-Smirnov forms."""
    n = len(p)
    i = np.arange(n)
    at_points = table[i + 1, p + 1] - (i + 1) * (p + 1) / n
    grid = np.arange(1, n)
    gap = table[1:n, 1:n] - np.outer(grid, grid) / n
    weight = n / (grid * (n - grid))
    squared = gap * gap
    return np.array(
        [
            at_points @ at_points,
            squared.sum(),
            n * n * (weight @ squared @ weight),
            np.abs(gap).max(),
        ]
    )


@lru_cache(maxsize=8)
def rank_observables(n: int) -> RankObservables:
    """The observables for samples of n points; their tables are built once."""
    return RankObservables(n)
