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

from . import rank_kernels as kernels
from . import scale_kernels as scales
from .action import smearing_weights

SMEARINGS = (0.02, 0.05, 0.1, 0.2, 0.5)
_ABUNDANCE_BINS = ((1, 2), (3, 6), (7, 14), (15, 30), (31, 62), (63, None))
_WAVES = (1, 2, 4, 8, 16, 32, 64)  # half-waves along one light-cone direction
_WAVE_AREA = 256  # largest number of waves in one rectangle
_CELLS = 256
_EDGES = (8, 16, 32, 64, 128)  # sides of the fixed boxes, in cells
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
        layout = self._pair_layout() if self.n <= PAIR_LIMIT else self._grid_layout()
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
        octaves, layout = range(kernels.OCTAVES), [("relations", "relations")]
        for s in ("up", "down"):
            for name in ("longest", "chains_3", "chains_4", "log_chains"):
                layout.append(("chains", f"{s}_{name}"))
            layout += [("action", f"{s}_action_{e:g}") for e in SMEARINGS]
            layout.append(("abundances", f"{s}_links"))
            for low, high in _ABUNDANCE_BINS:
                layout.append(("abundances", f"{s}_intervals_{low}_{high or 'more'}"))
            layout += [("boundary", f"{s}_{e}") for e in ("minimal", "maximal")]
            layout += [("surplus", f"{s}_surplus_{k}") for k in octaves]
            layout += [
                ("roughness", f"{s}_roughness_{k}_{r}")
                for k in octaves
                for r in range(kernels.RAPIDITIES)
            ]
            layout += [("fullest", f"{s}_fullest_{k}") for k in octaves]
            for name in ("inside", "beside", "beyond"):
                layout += [(name, f"{s}_{name}_{k}") for k in octaves]
        return layout + [("past_volume", f"past_volume_{k}") for k in (1, 2, 3, 4)]

    @staticmethod
    def _grid_layout() -> list[tuple[str, str]]:
        layout = [("relations", "relations")]
        layout += [("chains", f"{s}_longest") for s in ("up", "down")]
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
    def _reach(self) -> np.ndarray:
        size = self._shapes.max()
        return np.array(
            [self._shapes[self._shapes[:, 0] > k, 1].max() for k in range(size)]
        )

    @cached_property
    def _waves(self) -> np.ndarray:
        place = np.pi * (np.arange(self.n) + 0.5) / self.n
        return np.cos(np.outer(place, np.arange(1, self._shapes.max() + 1)))

    @property
    def _lag_octaves(self) -> int:
        return (self.n - 1).bit_length()

    @cached_property
    def _smearing(self) -> np.ndarray:
        return np.array([smearing_weights(2, self.n, e) for e in SMEARINGS])

    # ------------------------------------------------------------------- values
    def __call__(self, permutation: np.ndarray) -> np.ndarray:
        """Observables of the sample whose y-ranks, sorted by x, are `permutation`.

        Returns:
            float64 array of shape (len(self.names),).
        """
        p = np.ascontiguousarray(permutation, np.int64)
        pairs = self.n <= PAIR_LIMIT
        values = self._pair_values(p) if pairs else self._grid_values(p)
        values.append(scales.wave_energies(p, self._waves, self._reach, self._shapes))
        values.append(scales.separations(p, self._lag_octaves, pairs).ravel())
        return np.concatenate(values)

    def _pair_values(self, p: np.ndarray) -> list[np.ndarray]:
        table = kernels.past_table(p)
        sums = kernels.pair_sums(p, table)
        counts, chains, surplus, roughness, fullest, beyond, beside = sums
        ends = kernels.boundary_counts(p).reshape(2, 2)
        values = [counts[:1].sum(axis=1).astype(float)]
        for s in (0, 1):
            longest = kernels.longest_chain_length(p, s == 1)
            values += [
                np.array([longest, *chains[s]]),
                np.array(SMEARINGS) * self.n + self._smearing @ counts[s],
                counts[s, :1].astype(float),
                _binned(counts[s]),
                ends[s],
                surplus[s],
                roughness[s].ravel(),
                fullest[s],
                roughness[s].sum(axis=1),
                beside[s],
                beyond[s],
            ]
        values.append(kernels.past_volume_sums(p, table))
        return values

    @staticmethod
    def _grid_values(p: np.ndarray) -> list[np.ndarray]:
        table = scales.coarse_table(p, _CELLS)
        lengths = [kernels.longest_chain_length(p, falls) for falls in (False, True)]
        return [
            np.array([scales.ascending_pairs(p), *lengths], float),
            kernels.boundary_counts(p),
            scales.coarse_sums(table, np.array(_EDGES)),
        ]


def _binned(counts: np.ndarray) -> np.ndarray:
    return np.array(
        [
            counts[low : None if high is None else high + 1].sum()
            for low, high in _ABUNDANCE_BINS
        ],
        float,
    )


@lru_cache(maxsize=8)
def rank_observables(n: int) -> RankObservables:
    """The observables for samples of n points; their tables are built once."""
    return RankObservables(n)
