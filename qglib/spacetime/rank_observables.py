"""Causal-set observables of two rankings: the ingredients of the independence test.

The points sorted by x with y-ranks p form a 2d order (both grow) and its mirror
(one grows, one falls); every pair is related in exactly one of them. Up to
`PAIR_LIMIT` points the observables include sums over all pairs; beyond it they
are those that cost O(n log n) and a count on a grid of cells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from qglib.engines.orders import permutation_kernels as orders
from qglib.engines.orders import rank_kernels as kernels

_WAVES = (1, 2, 4, 8, 16, 32, 64)  # half-waves along one light-cone direction
_WAVE_AREA = 256  # largest number of waves in one rectangle
_CELLS = 256
_EDGES = (8, 16, 32, 64, 128)  # sides of the fixed boxes, in cells
_CHAINS = ("longest", "chains_3", "chains_4", "log_chains")
_REGIONS = ("fullest", "inside", "beside", "beyond")
PAIR_LIMIT, LARGEST = 1000, 20_000


@dataclass(frozen=True)
class RankObservables:
    """Names, families and values of the observables for samples of n points.

    Attributes:
        n: number of points, 7 .. 20 000.
        names: one name per observable.
        families: the family each belongs to.

    Raises:
        ValueError: n out of range.
    """

    n: int
    names: tuple[str, ...] = field(init=False)
    families: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Lay out the names once."""
        if not 7 <= self.n <= LARGEST:
            raise ValueError(
                f"n is {self.n}: observables are for 7 to {LARGEST} points; draw a "
                "random subset of a larger sample"
            )
        layout = [("relations", "relations")]
        layout += self._pair_layout() if self.n <= PAIR_LIMIT else self._grid_layout()
        layout += [("waves", f"waves_{k}x{m}") for k, m in self._shapes]
        layout += [
            ("separations", f"separation_{axis}_{1 << k}")
            for axis in "xy"
            for k in range(self._lag_octaves)
        ]
        object.__setattr__(self, "names", tuple(name for _, name in layout))
        object.__setattr__(self, "families", tuple(family for family, _ in layout))

    @staticmethod
    def _pair_layout() -> list[tuple[str, str]]:
        layout = []
        for s in ("up", "down"):
            layout += [("chains", f"{s}_{name}") for name in _CHAINS]
            for name in _REGIONS:
                layout += [(name, f"{s}_{name}_{k}") for k in range(kernels.OCTAVES)]
        return layout

    @staticmethod
    def _grid_layout() -> list[tuple[str, str]]:
        layout = [("chains", f"{s}_longest") for s in ("up", "down")]
        layout += [
            ("boundary", f"{s}_{end}")
            for s in ("up", "down")
            for end in ("minimal", "maximal")
        ]
        layout += [("past_volume", f"past_volume_{k}") for k in (2, 3, 4)]
        return layout + [("boxes", f"boxes_{s}x{t}") for s in _EDGES for t in _EDGES]

    # --------------------------------------------------- tables that depend on n
    @cached_property
    def _shapes(self) -> np.ndarray:
        sides = [k for k in _WAVES if k < self.n]
        return np.array([(k, m) for k in sides for m in sides if k * m <= _WAVE_AREA])

    @cached_property
    def _waves(self) -> np.ndarray:
        place = np.pi * (np.arange(self.n) + 0.5) / self.n
        return np.cos(np.outer(place, np.arange(1, self._shapes.max() + 1)))

    @property
    def _lag_octaves(self) -> int:
        return (self.n - 1).bit_length()

    # ------------------------------------------------------------------- values
    def __call__(self, permutation: np.ndarray) -> np.ndarray:
        """Observables of the sample whose y-ranks, sorted by x, are `permutation`.

        Returns:
            float64 array of shape (len(self.names),).
        """
        p = np.ascontiguousarray(permutation, np.int64)
        ranks = p.astype(np.int32)
        longest = [
            orders.heights(one).max() for one in (ranks, (self.n - 1 - p).astype("i4"))
        ]
        pairs = self.n <= PAIR_LIMIT
        values = [[orders.smaller_before(ranks).sum()]]
        values += self._pairs(p, longest) if pairs else self._grid(p, longest)
        amplitudes = self._waves.T @ self._waves[p]
        energy = (amplitudes**2 * 4 / self.n).cumsum(axis=0).cumsum(axis=1)
        values.append(energy[tuple(self._shapes.T - 1)])
        values.append(kernels.separations(p, self._lag_octaves, pairs).ravel())
        return np.concatenate(values)

    @staticmethod
    def _pairs(p: np.ndarray, longest: list[int]) -> list[np.ndarray]:
        chains, *regions = kernels.pair_sums(p, kernels.past_table(p))
        values = []
        for s in (0, 1):
            values += [[longest[s]], chains[s], *(part[s] for part in regions)]
        return values

    @staticmethod
    def _grid(p: np.ndarray, longest: list[int]) -> list[np.ndarray]:
        return [longest, _boundary(p), _grid_sums(p)]


def _boundary(p: np.ndarray) -> list[int]:
    """Minimal and maximal elements of the order and of its mirror."""
    low, high, back = np.minimum.accumulate, np.maximum.accumulate, p[::-1]
    ends = (low(p) == p, high(back) == back, high(p) == p, low(back) == back)
    return [int(end.sum()) for end in ends]


def _grid_sums(p: np.ndarray) -> list[float]:
    """Number-volume discrepancy on a grid of cells.

    Squared gap of every past, the same with weights, the largest gap; then for
    each pair of box sides the squared gaps of all boxes. Volumes use the exact
    number of ranks per line.
    """
    cell = np.arange(len(p)) * _CELLS // len(p)
    lines = np.searchsorted(cell, np.arange(_CELLS + 1))  # ranks before each line
    table = np.zeros((_CELLS + 1, _CELLS + 1))
    np.add.at(table, (cell + 1, cell[p] + 1), 1)
    gap = table.cumsum(axis=0).cumsum(axis=1) - np.outer(lines, lines) / len(p)
    inner, weight = gap[1:-1, 1:-1] ** 2, (lines * (len(p) - lines))[1:-1]
    sums = [inner.sum(), (inner / np.outer(weight, weight)).sum(), np.sqrt(inner.max())]
    for s in _EDGES:
        strip = gap[s:] - gap[:-s]
        sums += [((strip[:, t:] - strip[:, :-t]) ** 2).sum() for t in _EDGES]
    return sums


@lru_cache(maxsize=8)
def rank_observables(n: int) -> RankObservables:
    """The observables for samples of n points; their tables are built once."""
    return RankObservables(n)
