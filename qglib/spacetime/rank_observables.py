"""Causal-set observables of two rankings: the ingredients of the independence test.

Every pair is related either in the 2d order of the points sorted by x with y-ranks p or
in its mirror. Of more than 1000 points the pairs of 1000 at regular steps of x are
looked at, with all points counted in the regions between and around them.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from qglib.engines.orders import rank_kernels as kernels

_WAVES = (1, 2, 4, 8, 16, 32, 64)  # half-waves along one light-cone direction
_WAVE_AREA = 256  # largest number of waves in one rectangle
_CHAINS = ("longest", "chains_3", "chains_4", "log_chains")
_REGIONS = ("fullest", "inside", "beside", "beyond")
_CORNERS, _LAGS = 1000, 512
LARGEST = 20_000


@dataclass(frozen=True)
class RankObservables:
    """Names, families and values of the observables for samples of n >= 7 points."""

    n: int

    @cached_property
    def _layout(self) -> list[tuple[str, str]]:
        """Family and name of each observable."""
        layout, octaves = [], range(kernels.OCTAVES)
        for s in ("up", "down"):
            layout += [("chains", f"{s}_{name}") for name in _CHAINS]
            layout += [(name, f"{s}_{name}_{k}") for name in _REGIONS for k in octaves]
        layout += [("waves", f"waves_{k}x{m}") for k, m in self._shapes]
        lags = [1 << k for k in range(self._lag_octaves)]
        return layout + [
            ("separations", f"separation_{axis}_{lag}") for axis in "xy" for lag in lags
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """One name per observable."""
        return tuple(name for _, name in self._layout)

    @property
    def families(self) -> tuple[str, ...]:
        """The family each belongs to."""
        return tuple(family for family, _ in self._layout)

    @cached_property
    def _shapes(self) -> np.ndarray:
        sides = [k for k in _WAVES if k < self.n]
        return np.array([(k, m) for k in sides for m in sides if k * m <= _WAVE_AREA])

    @cached_property
    def _waves(self) -> np.ndarray:
        place = np.pi * (np.arange(self.n) + 0.5) / self.n
        return np.cos(np.outer(place, np.arange(1, self._shapes.max() + 1)))

    @cached_property
    def _corners(self) -> np.ndarray:
        count = min(self.n, _CORNERS)
        return np.linspace(0, self.n - 1, count).round().astype(np.int64)

    @property
    def _lag_octaves(self) -> int:
        return (self.n - 1).bit_length()

    def __call__(self, permutation: np.ndarray) -> np.ndarray:
        """Observables (names,) of the y-ranks sorted by x, float64."""
        p = np.ascontiguousarray(permutation, np.int64)
        table = kernels.past_table(p, self._corners)
        chains, *regions = kernels.pair_sums(p, self._corners, table)
        values = []
        for s, one in enumerate((p, self.n - 1 - p)):
            values += [[kernels.longest(one)], chains[s], *(r[s] for r in regions)]
        amplitudes = self._waves.T @ self._waves[p]
        energy = (amplitudes**2 * 4 / self.n).cumsum(axis=0).cumsum(axis=1)
        values.append(energy[tuple(self._shapes.T - 1)])
        values.append(kernels.separations(p, self._lag_octaves, _LAGS).ravel())
        return np.concatenate(values)


def canonical(permutation: np.ndarray) -> np.ndarray:
    """The image, of eight under reflections and exchange of x and y, that all share."""
    p = np.ascontiguousarray(permutation, "<i8")
    inverse = np.empty_like(p)
    inverse[p] = np.arange(len(p))
    images = [sign for q in (p, inverse) for sign in (q, len(p) - 1 - q)]
    return min((q[::way] for q in images for way in (1, -1)), key=lambda q: q.tobytes())


@lru_cache(maxsize=8)
def rank_observables(n: int) -> RankObservables:
    """The observables for samples of n points; their tables are built once."""
    return RankObservables(n)
