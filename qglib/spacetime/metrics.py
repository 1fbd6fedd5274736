"""Distances between the contents of events, and the test that they are metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
_SAMPLE = 48  # elements of the triangle check: 48**3 triples


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
    metric: str | Callable[[np.ndarray, np.ndarray], np.ndarray],
    contents: np.ndarray,
) -> Distance:
    """A function of two index arrays (a,), (b,) that returns distances (a, b).

    Raises:
        ValueError: an unknown name, the cosine distance, or contents that do not
            fit the metric.
    """
    if callable(metric):
        return lambda i, j: np.asarray(metric(contents[i], contents[j]), dtype=float)
    if metric == "precomputed":
        if contents.shape != (len(contents), len(contents)):
            raise ValueError(
                f"contents has shape {contents.shape}: metric='precomputed' needs the "
                "(N, N) distance matrix"
            )
        return lambda i, j: contents[np.ix_(i, j)]
    if metric == "angle":
        return lambda i, j: angle_distance(contents[i], contents[j])
    if metric == "absolute":
        if contents.shape[1] != 1:
            raise ValueError(
                f"contents has {contents.shape[1]} columns: metric='absolute' takes "
                "one; use 'euclidean' or 'cityblock'"
            )
        return lambda i, j: np.abs(contents[i] - contents[j].T)
    if metric in ("euclidean", "cityblock", "chebyshev"):
        return lambda i, j: cdist(contents[i], contents[j], metric)
    hint = (
        "it breaks the triangle inequality, use 'angle'"
        if metric == "cosine"
        else "choose euclidean, angle, absolute, cityblock, chebyshev, precomputed "
        "or a callable"
    )
    raise ValueError(f"metric is {metric!r}: {hint}")


def check_triangle(distance: Distance, elements: np.ndarray) -> None:
    """Test symmetry, zero diagonal and the triangle inequality on a sample.

    Raises:
        ValueError: with a triple that breaks the rule.
    """
    step = max(1, len(elements) // _SAMPLE)
    sample = np.asarray(elements)[::step][:_SAMPLE]
    if len(sample) < 2:
        return
    gap = distance(sample, sample)
    slack = 1e-9 * (1 + float(np.abs(gap).max()))
    if gap.shape != (len(sample), len(sample)) or not np.isfinite(gap).all():
        raise ValueError("metric must return finite distances of shape (a, b)")
    if (gap < 0).any() or np.abs(gap - gap.T).max() > slack:
        raise ValueError("metric is negative or not symmetric: it is no distance")
    if np.abs(np.diag(gap)).max() > np.sqrt(slack):
        raise ValueError("metric gives an element a distance to itself: it must be 0")
    # excess[i, j, k] = d_ik - d_ij - d_jk
    excess = gap[:, None, :] - gap[:, :, None] - gap[None, :, :]
    if excess.max() > slack:
        triple = np.unravel_index(excess.argmax(), excess.shape)
        i, j, k = (int(sample[e]) for e in triple)
        raise ValueError(
            f"metric breaks the triangle inequality for the contents {i}, {j}, {k}: "
            "the relation would not be transitive. Use a true metric (the angle "
            "instead of the cosine distance, the distance instead of its square)."
        )
