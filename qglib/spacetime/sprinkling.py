"""Random points in a flat causal diamond: the null model of every observable."""

import numpy as np

from qglib.engines.orders import bits
from qglib.spacetime.causet import Causet
from qglib.spacetime.constructions import dominance_rows


def diamond_points(dimension: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform points in |x| < 1 - |t|, array (count, dimension), time first."""
    # exact: the height h = 1 - |t| has density ~ h**(d - 1), space is a ball of it
    if dimension == 2:  # light-cone coordinates are independent
        u, v = rng.uniform(-1, 1, (2, count))
        return np.column_stack([(u + v) / 2, (u - v) / 2])
    height = rng.random(count) ** (1 / dimension)
    time = rng.choice([-1.0, 1.0], count) * (1 - height)
    direction = rng.standard_normal((count, dimension - 1))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = height * rng.random(count) ** (1 / (dimension - 1))
    return np.column_stack([time, direction * radius[:, None]])


def sprinkle_diamond(
    dimension: int, mean_count: float, rng: np.random.Generator, fixed: bool = False
) -> Causet:
    """A Poisson sprinkling of the causal diamond |x| < 1 - |t| of flat space-time.

    Args:
        dimension: 2, 3 or 4 (time included), else a ValueError; the volumes are 2,
            2 pi / 3, 2 pi / 3.
        mean_count: mean of the Poisson number of elements, from 0.
        rng: source of randomness.
        fixed: take exactly `mean_count` elements.

    Returns:
        A `Causet` with `coordinates` (N, dimension), time first, speed of light 1.

    Source: Bombelli, Lee, Meyer, Sorkin, Phys. Rev. Lett. 59 (1987) 521.
    """
    if dimension not in (2, 3, 4):
        raise ValueError(
            f"dimension is {dimension}: flat diamonds are implemented for 2, 3 and 4"
        )
    if not 0 <= mean_count < np.inf or (fixed and mean_count != int(mean_count)):
        raise ValueError(
            f"mean_count is {mean_count}: it must be finite and at least 0, and whole "
            "if fixed=True"
        )
    count = int(mean_count) if fixed else int(rng.poisson(mean_count))
    bits.require_memory(count)
    points = diamond_points(dimension, count, rng)
    if dimension == 2:
        points = points[np.argsort(points.sum(axis=1), kind="stable")]
        t, x = points.T
        rows = dominance_rows([t + x, t - x])
    else:
        points = points[np.argsort(points[:, 0], kind="stable")]
        rows = _light_cone_rows(points)
    return Causet(rows, tuple(range(count)), points)


def _light_cone_rows(points: np.ndarray) -> np.ndarray:
    """Packed rows of points (N, d) sorted by time, speed of light 1."""
    t, *space = points.T

    def related(i: slice, j: slice) -> np.ndarray:
        delay = t[j] - t[i, None]
        squared = sum((x[j] - x[i, None]) ** 2 for x in space)
        return (delay > 0) & (delay * delay > squared)

    return bits.related_rows(len(points), related)
