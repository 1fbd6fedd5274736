"""Random points in a flat causal diamond: the null model of every observable."""

from __future__ import annotations

import numpy as np

from qglib.engines.orders import bits, order_kernels
from qglib.spacetime.causet import Causet


def check_dimension(dimension: int) -> int:
    """Return the dimension if it is 2, 3 or 4.

    Raises:
        ValueError: any other value.
    """
    if dimension not in (2, 3, 4):
        raise ValueError(
            f"dimension is {dimension}: flat diamonds are implemented for 2, 3 and 4"
        )
    return int(dimension)


def diamond_points(dimension: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform points in |x| < 1 - |t|, array (count, dimension), time first.

    Exact, without rejection: the height 1 - |t| has density proportional to
    h**(d - 1), the radius is uniform in a ball of that size.
    """
    if check_dimension(dimension) == 2:  # light-cone coordinates are independent
        u, v = rng.uniform(-1, 1, (2, count))
        return np.column_stack([(u + v) / 2, (u - v) / 2])
    height = rng.random(count) ** (1 / dimension)
    time = rng.choice([-1.0, 1.0], count) * (1 - height)
    direction = rng.standard_normal((count, dimension - 1))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = height * rng.random(count) ** (1 / (dimension - 1))
    return np.column_stack([time, direction * radius[:, None]])


def sprinkle_diamond(
    dimension: int,
    mean_count: float,
    rng: np.random.Generator,
    fixed: bool = False,
) -> Causet:
    """A Poisson sprinkling of the causal diamond |x| < 1 - |t| of flat space-time.

    Args:
        dimension: 2, 3 or 4 (time included); volumes 2, 2 pi / 3, 2 pi / 3.
        mean_count: mean of the Poisson number of elements, or the number itself.
        rng: source of randomness.
        fixed: take exactly `mean_count` elements.

    Returns:
        A `Causet` with `coordinates` (N, dimension), time first, speed of light 1.

    Raises:
        ValueError: a dimension other than 2, 3, 4, or a count that is negative,
            infinite, or broken under fixed=True.
        MemoryError: the packed relation would not fit.

    Source: Bombelli, Lee, Meyer, Sorkin, Phys. Rev. Lett. 59 (1987) 521.
    """
    check_dimension(dimension)
    if not 0 <= mean_count < np.inf or (fixed and mean_count != int(mean_count)):
        raise ValueError(
            f"mean_count is {mean_count}: it must be finite and at least 0, and whole "
            "if fixed=True"
        )
    count = int(mean_count) if fixed else int(rng.poisson(mean_count))
    points = diamond_points(dimension, count, rng)
    if dimension == 2:
        u, v = points.sum(axis=1), points[:, 0] - points[:, 1]
        order = np.argsort(u, kind="stable")
        permutation = np.argsort(np.argsort(v[order], kind="stable"))
        return Causet(count, tuple(range(count)), points[order], permutation)
    bits.require_memory(count)
    points = points[np.argsort(points[:, 0], kind="stable")]
    rows = order_kernels.light_cone_rows(points)
    return Causet(count, tuple(range(count)), points, _rows=rows)
