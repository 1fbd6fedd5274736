"""The causal set: an immutable finite partial order with packed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qglib.engines.orders import bits, order_kernels
from qglib.spacetime import constructions


@dataclass(frozen=True, eq=False, repr=False)
class Causet:
    """A finite strict partial order in natural labelling.

    Elements are 0 .. N-1 and i precedes j only if i < j. Build one with
    `from_order`, `from_ranks`, `from_dominance` or `from_events`; each raises
    MemoryError before allocating what does not fit (a bit per pair of elements).
    """

    future: np.ndarray  # packed, (N, ceil(N / 64)) uint64, read-only
    labels: tuple[int, ...]  # of each element the row it was built from
    coordinates: np.ndarray | None = None  # (N, d), time first, if built from points

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for array in (self.future, self.coordinates):
            if array is not None:
                array.setflags(write=False)

    @classmethod
    def from_order(cls, matrix: np.ndarray, close: bool = False) -> Causet:
        """From a boolean or 0/1 matrix (N, N): (i, j) is true if i precedes j.

        Without `close` a relation that is not transitive is a ValueError.
        """
        return cls(*constructions.order_parts(matrix, close))

    @classmethod
    def from_ranks(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        ties: str = "error",
        rng: np.random.Generator | None = None,
    ) -> Causet:
        """The 2d order of two variables: i precedes j if x and y both grow.

        For `ties`, "error" refuses equal values, "random" breaks them with `rng` (keeps
        the exact null), "weak" leaves tied pairs unrelated.
        """
        x, y = constructions.numbers(x, "x"), constructions.numbers(y, "y")
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(
                f"x has shape {x.shape} and y has shape {y.shape}: both must be (N,)"
            )
        order, permutation = constructions.rank_permutation(x, y, ties, rng)
        rows = constructions.dominance_rows([np.arange(len(x)), permutation])
        return cls(rows, tuple(order.tolist()))

    @classmethod
    def from_dominance(cls, values: np.ndarray) -> Causet:
        """The product order of the rows of an array (N, k).

        Row i precedes row j if it is smaller in every column: Minkowski for k = 2.
        """
        values = constructions.numbers(values, "values")
        if values.ndim != 2 or values.shape[1] == 0:
            raise ValueError(
                f"values has shape {values.shape}: it must be (N, k), k >= 1"
            )
        if values.shape[1] <= 2:
            return cls.from_ranks(values[:, 0], values[:, -1], ties="weak")
        order = np.argsort(values[:, 0], kind="stable")
        rows = constructions.dominance_rows(list(values[order].T))
        return cls(rows, tuple(order.tolist()))

    @classmethod
    def from_events(
        cls,
        times: np.ndarray,
        contents: np.ndarray,
        speed: float,
        metric: str = "euclidean",
    ) -> Causet:
        """The speed-limit order of timed events in any metric space.

        Event i precedes j if t_j > t_i and metric(z_i, z_j) <= speed (t_j - t_i).
        The triangle inequality of the metric makes this transitive.

        Args:
            times, contents: shape (N,), and (N,) or (N, k); no event twice.
            speed: largest distance a content may travel in one unit of time.
            metric: "euclidean", "angle" (radians), "absolute", "cityblock",
                "chebyshev" or "precomputed" (`contents` are (N, N) distances).
        """
        return cls(*constructions.event_parts(times, contents, speed, metric))

    @property
    def size(self) -> int:
        """Number of elements N."""
        return len(self.labels)

    def __len__(self) -> int:
        """Number of elements."""
        return self.size

    def __repr__(self) -> str:
        """Size in one line."""
        return f"Causet({self.size} elements)"

    @cached_property
    def past(self) -> np.ndarray:
        """Packed pasts, (N, ceil(N / 64)) uint64, read-only."""
        rows = bits.transpose(self.future)
        rows.setflags(write=False)
        return rows

    def links(self) -> np.ndarray:
        """Pairs with nothing between them, int64 (n_links, 2), sorted."""
        # Count first, then fill: the list is the largest array of the pass.
        count = order_kernels.links(self.future, np.empty((0, 2), np.int64))
        bits.require_bytes(16 * count, f"the list of {count} links")
        pairs = np.empty((count, 2), np.int64)
        order_kernels.links(self.future, pairs)
        return pairs

    @cached_property
    def n_relations(self) -> int:
        """Number of related pairs."""
        return int(np.bitwise_count(self.future).sum(dtype=np.int64))

    def degrees(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of elements before and after each element, int64 (N,) each."""
        counts = (np.bitwise_count(rows) for rows in (self.past, self.future))
        return tuple(count.sum(axis=1, dtype=np.int64) for count in counts)

    def matrix(self) -> np.ndarray:
        """The relation as a dense boolean array (N, N), upper triangular."""
        bits.require_bytes(self.size**2, f"the dense relation of {self.size} elements")
        return bits.unpack_rows(self.future, self.size)

    def future_of(self, i: int) -> np.ndarray:
        """Indices of the elements after i, ascending."""
        return self._elements(self.future, i)

    def past_of(self, i: int) -> np.ndarray:
        """Indices of the elements before i, ascending."""
        return self._elements(self.past, i)

    def interval(self, i: int, j: int) -> Causet:
        """The open Alexandrov interval of i and j > i (both left out)."""
        later, earlier = self.future_of(i), self.past_of(j)
        if j not in later:
            remedy = "take j from future_of(i)"
            raise ValueError(f"element {i} does not precede element {j}: {remedy}")
        return self.subset(np.intersect1d(later, earlier, assume_unique=True))

    def subset(self, elements: Sequence[int] | np.ndarray) -> Causet:
        """The order induced on some elements (indices; repeated ones count once)."""
        chosen = np.unique(np.asarray(elements, dtype=np.int64).reshape(-1))
        self._check(*chosen[[0, -1]] if chosen.size else ())

        def related(i: slice, j: slice) -> np.ndarray:
            return bits.unpack_rows(self.future[chosen[i]], self.size)[:, chosen[j]]

        rows = bits.related_rows(len(chosen), related)
        coordinates = None if self.coordinates is None else self.coordinates[chosen]
        return Causet(rows, tuple(self.labels[k] for k in chosen), coordinates)

    def _elements(self, rows: np.ndarray, i: int) -> np.ndarray:
        self._check(i)
        return np.flatnonzero(bits.unpack_rows(rows[i : i + 1], self.size))

    def _check(self, *elements: int) -> None:
        for i in elements:
            if not 0 <= i < self.size:
                raise IndexError(f"element {i} is not in 0 .. {self.size - 1}")
