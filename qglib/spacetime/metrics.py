"""Distances between the contents of events, and the test that they are metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

_SAMPLE = 64  # elements of the triangle check: 64**3 triples
_SAMPLE_SEED = 20_260_103
_NAMED = {m: m for m in ("euclidean", "cityblock", "chebyshev")}
_NAMED["absolute"] = "cityblock"


def angle_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles in radians between rows of (a, k) and (b, k), accurate near zero.

    Raises:
        ValueError: a row of length zero has no direction.
    """
    units = []
    for vectors in (first, second):
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        if (length == 0).any():
            raise ValueError(
                f"content {int(np.argmin(length))} is the zero vector, which has no "
                'angle: drop it, or use metric="euclidean"'
            )
        units.append(vectors / length)
    return 2 * np.arcsin(np.minimum(cdist(*units) / 2, 1))


def distance_function(
    metric: str, contents: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function of two index arrays (a,), (b,) that returns distances (a, b).

    Raises:
        ValueError: an unknown name, the cosine distance, or contents that do not
            fit the metric.
    """
    if metric == "precomputed":
        _check_table(contents)
        return lambda i, j: contents[np.ix_(i, j)]
    if metric == "angle":
        return lambda i, j: angle_distance(contents[i], contents[j])
    if metric == "absolute" and contents.shape[1] != 1:
        raise ValueError(
            f"contents has {contents.shape[1]} columns: metric='absolute' takes one; "
            "use 'euclidean' or 'cityblock'"
        )
    if metric not in _NAMED:
        raise ValueError(
            f"metric is {metric!r}: choose {', '.join(_NAMED)}, precomputed or 'angle' "
            "(the cosine distance breaks the triangle inequality)"
        )
    return lambda i, j: cdist(contents[i], contents[j], _NAMED[metric])


def _check_table(gap: np.ndarray) -> None:
    """Test shape, symmetry and diagonal, and the triangle inequality on a sample."""
    if gap.shape != (len(gap), len(gap)):
        raise ValueError(
            f"contents has shape {gap.shape}: metric='precomputed' needs the (N, N) "
            "distance matrix"
        )
    slack = 1e-9 * (1 + np.abs(gap).max(initial=0))
    if np.abs(gap - gap.T).max(initial=0) > slack or np.diag(gap).any():
        raise ValueError(
            "contents is not symmetric, or an event has a distance to itself: pass a "
            "true metric"
        )
    rng = np.random.default_rng(_SAMPLE_SEED)  # the same input, the same answer
    chosen = np.sort(rng.permutation(len(gap))[:_SAMPLE])
    some = gap[np.ix_(chosen, chosen)]
    # excess[i, j, k] = d_ik - d_ij - d_jk; a negative distance exceeds too
    excess = some[:, None, :] - some[:, :, None] - some[None, :, :]
    if excess.max(initial=0) > slack:
        i, j, k = chosen[list(np.unravel_index(excess.argmax(), excess.shape))]
        raise ValueError(
            f"contents breaks the triangle inequality for the events {i}, {j}, {k}: "
            f"the direct distance {gap[i, k]:.6g} exceeds the way round "
            f"{gap[i, j] + gap[j, k]:.6g}: pass a true metric"
        )
