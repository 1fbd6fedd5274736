"""Alexandrov intervals worth looking at: large, and clear of the walls of a window."""

from __future__ import annotations

import numpy as np

from . import order_kernels
from .causet import Causet


def largest_interval(causet: Causet) -> Causet:
    """The open interval with most elements (the whole set if it has none).

    Only pairs of a minimal and a maximal element need to be looked at.
    """
    before, after = causet.degrees()
    maximal, best, ends = np.flatnonzero(after == 0), 0, None
    for i in np.flatnonzero(before == 0).tolist():
        later = maximal[maximal > i]
        sizes = order_kernels.interval_sizes(causet.future, causet.past, i, later)
        if len(sizes) and sizes.max() > best:
            best, ends = int(sizes.max()), (i, int(later[sizes.argmax()]))
    return causet if ends is None else causet.interval(*ends)


def clear_intervals(
    causet: Causet,
    rng: np.random.Generator,
    n_intervals: int = 30,
    min_size: int = 20,
    n_starts: int = 400,
) -> np.ndarray:
    """Pairs (i, j) whose intervals are large and clear of the walls.

    Looks at the futures of up to `n_starts` random elements, keeps the pairs with
    at least `min_size` elements between them that pass the wall test, and draws
    `n_intervals` among the largest ten times as many.

    Returns:
        int64 array of shape (k, 2), k <= n_intervals.
    """
    starts = rng.permutation(causet.size)[:n_starts]
    found = []
    for i in starts.tolist():
        later = causet.future_of(i)
        if len(later) < min_size:
            continue
        sizes = order_kernels.interval_sizes(causet.future, causet.past, i, later)
        keep = (sizes >= min_size) & _clear_of_walls(causet, i, later)
        found.append(
            np.column_stack([np.full(keep.sum(), i), later[keep], sizes[keep]])
        )
    if not found:
        return np.empty((0, 2), np.int64)
    table = np.concatenate(found)
    table = table[np.argsort(-table[:, 2], kind="stable")][: 10 * n_intervals]
    chosen = rng.permutation(len(table))[:n_intervals]
    return table[np.sort(chosen), :2]


def _clear_of_walls(causet: Causet, i: int, later: np.ndarray) -> np.ndarray:
    """Whether the diamond of (i, j) stays inside the box of the coordinates.

    Along a spatial axis it reaches sqrt(tau^2 + dx^2) / 2 from its middle.
    Without coordinates nothing is known about walls: all intervals pass.
    """
    points = causet.coordinates
    if points is None:
        return np.ones(len(later), bool)
    low, high = points[:, 1:].min(axis=0), points[:, 1:].max(axis=0)
    step = points[later] - points[i]
    tau2 = step[:, 0] ** 2 - (step[:, 1:] ** 2).sum(axis=1)
    reach = np.sqrt(np.maximum(tau2[:, None] + step[:, 1:] ** 2, 0)) / 2
    middle = points[i, 1:] + step[:, 1:] / 2
    return ((middle - reach >= low) & (middle + reach <= high)).all(axis=1)
