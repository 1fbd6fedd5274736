"""Distances between the contents of events, and the test that they are metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
_SAMPLE = 64  # elements of the triangle check: 64**3 triples
_SAMPLE_SEED = 20_260_103


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


def distance_function(metric: str | Distance, contents: np.ndarray) -> Distance:
    """A function of two index arrays (a,), (b,) that returns distances (a, b).

    Raises:
        ValueError: an unknown name, the cosine distance, or contents that do not
            fit the metric.
    """
    if callable(metric):
        return lambda i, j: _finite(metric(contents[i], contents[j]), (len(i), len(j)))
    if metric == "precomputed":
        if contents.shape != (len(contents), len(contents)):
            raise ValueError(
                f"contents has shape {contents.shape}: metric='precomputed' needs the "
                "(N, N) distance matrix"
            )
        return lambda i, j: contents[np.ix_(i, j)]
    if metric == "angle":
        return lambda i, j: angle_distance(contents[i], contents[j])
    if metric == "absolute" and contents.shape[1] != 1:
        raise ValueError(
            f"contents has {contents.shape[1]} columns: metric='absolute' takes one; "
            "use 'euclidean' or 'cityblock'"
        )
    known = {m: m for m in ("euclidean", "cityblock", "chebyshev")}
    known["absolute"] = "cityblock"
    if metric not in known:
        raise ValueError(
            f"metric is {metric!r}: choose {', '.join(known)}, precomputed, a callable "
            "or 'angle' (the cosine distance breaks the triangle inequality)"
        )
    return lambda i, j: cdist(contents[i], contents[j], known[metric])


def _finite(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The output of a caller's metric, if it is a table of finite numbers."""
    gap = np.asarray(values, dtype=float)
    if gap.shape != shape or not np.isfinite(gap).all():
        raise ValueError(
            f"metric returned {gap.shape} for {shape[0]} and {shape[1]} contents, or "
            "values that are not finite: it must map (a, k), (b, k) to finite "
            "distances (a, b)"
        )
    return gap


def check_triangle(distance: Distance, elements: np.ndarray) -> None:
    """Test symmetry, zero diagonal and the triangle inequality on a sample.

    The sample is drawn from `elements` by a generator of its own, so that the same
    input always gets the same answer; all its triples are looked at.

    Raises:
        ValueError: with the triple that breaks the rule most, and by how much.
    """
    rng = np.random.default_rng(_SAMPLE_SEED)
    sample = np.sort(elements[rng.permutation(len(elements))[:_SAMPLE]])
    if len(sample) < 2:
        return
    gap = distance(sample, sample)
    slack = 1e-9 * (1 + float(np.abs(gap).max()))
    mirror = np.where(gap < 0, np.inf, np.abs(gap - gap.T))
    own = np.abs(np.diag(gap))
    # excess[i, j, k] = d_ik - d_ij - d_jk
    excess = gap[:, None, :] - gap[:, :, None] - gap[None, :, :]
    if mirror.max() > slack:
        i, j = np.unravel_index(mirror.argmax(), gap.shape)
        fault = (
            f"is negative or not symmetric: from content {sample[i]} to {sample[j]} it "
            f"is {gap[i, j]:.6g}, back {gap[j, i]:.6g}"
        )
    elif own.max() > np.sqrt(slack):
        fault = (
            f"gives content {sample[own.argmax()]} the distance {own.max():.6g} to "
            "itself, it must be 0"
        )
    elif excess.max() > slack:
        i, j, k = np.unravel_index(excess.argmax(), excess.shape)
        fault = (
            f"breaks the triangle inequality for the contents of events {sample[i]}, "
            f"{sample[j]}, {sample[k]}: the direct distance {gap[i, k]:.6g} exceeds "
            f"the way round {gap[i, j] + gap[j, k]:.6g} by {excess[i, j, k]:.6g}"
        )
    else:
        return
    raise ValueError(
        f"metric {fault}. Use a true metric (the angle instead of the cosine distance, "
        "the distance instead of its square)"
    )
