"""The causal set: an immutable finite partial order with packed rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np

from qglib.engines.orders import bits, order_kernels, permutation_kernels
from qglib.spacetime import constructions


@dataclass(frozen=True, eq=False, repr=False)
class Causet:
    """A finite strict partial order in natural labelling.

    Elements are 0 .. N-1 and i precedes j only if i < j. Build one with
    `from_order`, `from_graph`, `from_ranks`, `from_dominance` or `from_events`; each
    raises MemoryError before allocating what does not fit.

    Attributes:
        size: number of elements N.
        labels: the caller's name of each element (row index, node, event index).
        coordinates: array (N, d), time first, where the order came from points.
        permutation: for a 2d order the rank of y of the elements sorted by x, so
            that i precedes j exactly if i < j and permutation[i] < permutation[j].
    """

    size: int
    labels: tuple[Hashable, ...]
    coordinates: np.ndarray | None = None
    permutation: np.ndarray | None = None
    _rows: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        if self._rows is None and self.permutation is None:
            raise ValueError("no relation: use one of the from_ constructors")
        for array in (self.coordinates, self.permutation, self._rows):
            if array is not None:
                array.setflags(write=False)

    @classmethod
    def from_order(
        cls,
        matrix: np.ndarray,
        close: bool = False,
        labels: Sequence[Hashable] | None = None,
    ) -> Causet:
        """From a relation matrix (N, N): entry (i, j) is true if i precedes j.

        Args:
            matrix: boolean or 0/1 array; elements are re-sorted.
            close: take the transitive closure.
            labels: names of the rows; row numbers if left out.

        Raises:
            ValueError: not square, not 0 and 1, a cycle, or not transitive.
        """
        return cls(**constructions.order_parts(matrix, close, labels))

    @classmethod
    def from_graph(cls, graph: nx.DiGraph) -> Causet:
        """From the reachability of a directed acyclic graph.

        Raises:
            ValueError: the graph is undirected or has a cycle.
        """
        return cls(**constructions.graph_parts(graph))

    @classmethod
    def from_ranks(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        ties: str = "error",
        rng: np.random.Generator | None = None,
    ) -> Causet:
        """The 2d order of two variables: i precedes j if x and y both grow.

        Args:
            x, y: the variables, shape (N,) each.
            ties: "error" refuses equal values, "random" breaks them with `rng`
                (keeps the exact null), "weak" leaves tied pairs unrelated.
            rng: generator for ties="random".

        Raises:
            ValueError: shapes differ, values not finite, ties under "error", no `rng`.
        """
        return cls(**constructions.rank_parts(x, y, ties, rng))

    @classmethod
    def from_dominance(cls, values: np.ndarray) -> Causet:
        """The product order of the rows of an array (N, k).

        Row i precedes row j if it is smaller in every column: Minkowski for k = 2.

        Raises:
            ValueError: not a 2d array, or values not finite.
        """
        return cls(**constructions.dominance_parts(values))

    @classmethod
    def from_events(
        cls,
        times: np.ndarray,
        contents: np.ndarray,
        speed: float,
        metric: str | Callable[[np.ndarray, np.ndarray], np.ndarray] = "euclidean",
    ) -> Causet:
        """The speed-limit order of timed events in any metric space.

        Event i precedes j if t_j > t_i and metric(z_i, z_j) <= speed (t_j - t_i).
        The triangle inequality of the metric makes this transitive.

        Args:
            times: shape (N,).
            contents: shape (N,) or (N, k).
            speed: largest distance a content may travel in one unit of time.
            metric: "euclidean", "angle" (radians), "absolute", "cityblock",
                "chebyshev", "precomputed" (`contents` are (N, N) distances) or a
                callable from arrays (a, k), (b, k) to distances (a, b).

        Raises:
            ValueError: values not finite, lengths differ, speed not positive, an
                event given twice, or a callable or precomputed metric that breaks the
                triangle inequality on a fixed sample of triples.
        """
        return cls(**constructions.event_parts(times, contents, speed, metric))

    def __len__(self) -> int:
        """Number of elements."""
        return self.size

    def __repr__(self) -> str:
        """Size in one line."""
        return f"Causet({self.size} elements)"

    def __eq__(self, other: object) -> bool:
        """Same relation on the same natural labelling."""
        if not isinstance(other, Causet):
            return NotImplemented
        return self.size == other.size and np.array_equal(self.future, other.future)

    def __hash__(self) -> int:
        """Hash of the relation."""
        return hash((self.size, self.future.tobytes()))

    @cached_property
    def future(self) -> np.ndarray:
        """Packed futures, (N, ceil(N / 64)) uint64, read-only."""
        if self._rows is not None:
            return self._rows
        bits.require_memory(self.size, matrices=1)
        ranks = self.permutation[None].astype(float)
        return _frozen(order_kernels.dominance_rows(ranks))

    @cached_property
    def past(self) -> np.ndarray:
        """Packed pasts, (N, ceil(N / 64)) uint64, read-only."""
        future = self.future
        bits.require_memory(self.size, matrices=1)
        return _frozen(order_kernels.transpose(future))

    @cached_property
    def _links(self) -> np.ndarray:
        if self.permutation is not None:
            find, order = permutation_kernels.links, self._ranks
        else:
            find, order = order_kernels.links, self._rows
        # Count first, then fill: the list is the largest array of the pass.
        count = find(order, np.empty((0, 2), np.int64))
        what = f"the list of {count} links"
        bits.require_bytes(16 * count, what, "take a subset of the elements")
        pairs = np.empty((count, 2), np.int64)
        find(order, pairs)
        return _frozen(pairs)

    @property
    def _ranks(self) -> np.ndarray:
        return self.permutation.astype(np.int32)

    def links(self) -> np.ndarray:
        """Pairs with nothing between them, int64 (n_links, 2), sorted, read-only."""
        return self._links

    @cached_property
    def n_relations(self) -> int:
        """Number of related pairs."""
        if self.permutation is not None:
            return int(permutation_kernels.smaller_before(self._ranks).sum(dtype="i8"))
        return int(np.bitwise_count(self._rows).sum(dtype=np.int64))

    def degrees(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of elements before and after each element, int64 (N,) each."""
        if self.permutation is None:
            counts = (np.bitwise_count(rows) for rows in (self.past, self.future))
            return tuple(count.sum(axis=1, dtype=np.int64) for count in counts)
        before = permutation_kernels.smaller_before(self._ranks).astype(np.int64)
        place = np.arange(self.size)
        return before, self.size - 1 - self.permutation - (place - before)

    def matrix(self) -> np.ndarray:
        """The relation as a dense boolean array (N, N), upper triangular."""
        what = f"the dense relation of a causal set of {self.size} elements"
        future, needed = self.future, self.size**2
        bits.require_bytes(needed, what, "use links(), or take a subset")
        return bits.unpack_rows(future, self.size)

    def precedes(self, i: int, j: int) -> bool:
        """Whether element i lies in the past of element j."""
        return bool(self._after(i)[self._index(j)])

    def future_of(self, i: int) -> np.ndarray:
        """Indices of the elements after i, ascending."""
        return np.flatnonzero(self._after(i))

    def past_of(self, i: int) -> np.ndarray:
        """Indices of the elements before i, ascending."""
        return np.flatnonzero(self._before(i))

    def to_graph(self, reduced: bool = True) -> nx.DiGraph:
        """The Hasse diagram, or with `reduced=False` all relations, as a DiGraph.

        Nodes 0 .. N-1 carry `label` and, where there are any, `coordinates`.
        """
        graph = nx.DiGraph()
        graph.add_nodes_from((i, {"label": k}) for i, k in enumerate(self.labels))
        if self.coordinates is not None:
            places = map(tuple, self.coordinates.tolist())
            nx.set_node_attributes(graph, dict(enumerate(places)), "coordinates")
        pairs = self.links() if reduced else np.argwhere(self.matrix())
        graph.add_edges_from(pairs.tolist())
        return graph

    def between(self, i: int, j: int) -> np.ndarray:
        """Indices of the elements strictly between i and j."""
        return np.flatnonzero(self._after(i) & self._before(j))

    def interval(self, i: int, j: int) -> Causet:
        """The open Alexandrov interval of i and j (both left out).

        Raises:
            ValueError: i does not precede j.
        """
        if not self.precedes(i, j):
            remedy = "take j from future_of(i)"
            raise ValueError(f"element {i} does not precede element {j}: {remedy}")
        return self.subset(self.between(i, j))

    def subset(self, elements: Sequence[int] | np.ndarray) -> Causet:
        """The order induced on some elements (indices; repeated ones count once).

        Raises:
            IndexError: an index outside 0 .. N-1.
        """
        chosen = np.unique(np.asarray(elements, dtype=np.int64).reshape(-1))
        for end in chosen[[0, -1]] if chosen.size else ():
            self._index(end)
        labels = tuple(self.labels[k] for k in chosen)
        coordinates = None if self.coordinates is None else self.coordinates[chosen]
        if self.permutation is not None:
            ranks = np.argsort(np.argsort(self.permutation[chosen]))
            return Causet(len(chosen), labels, coordinates, ranks)
        rows = bits.select(self.future, self.size, chosen)
        return Causet(len(chosen), labels, coordinates, _rows=rows)

    def _after(self, i: int) -> np.ndarray:
        i, ranks = self._index(i), self.permutation
        if ranks is None:
            return bits.unpack_rows(self.future[i : i + 1], self.size)[0]
        return (np.arange(self.size) > i) & (ranks > ranks[i])

    def _before(self, i: int) -> np.ndarray:
        i, ranks = self._index(i), self.permutation
        if ranks is None:
            return bits.unpack_rows(self.past[i : i + 1], self.size)[0]
        return (np.arange(self.size) < i) & (ranks < ranks[i])

    def _index(self, i: int) -> int:
        if not 0 <= i < self.size:
            raise IndexError(f"element {i} is not in 0 .. {self.size - 1}")
        return int(i)


def _frozen(array: np.ndarray) -> np.ndarray:
    """The same array, read-only."""
    array.setflags(write=False)
    return array
