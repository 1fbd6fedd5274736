"""Interval abundances: how many related pairs have m elements between them.

Counts are of interior elements, so m = 0 is a link.
"""

from __future__ import annotations

import numpy as np

from qglib.engines.orders import order_kernels, permutation_kernels
from qglib.spacetime.causet import Causet


def interval_abundances(causet: Causet, max_interior: int | None = None) -> np.ndarray:
    """Number N_m of related pairs with exactly m elements strictly between them.

    Args:
        causet: the order.
        max_interior: largest m; N - 2 if left out.

    Returns:
        int64 array of length max_interior + 1; its sum is the number of related
        pairs if `max_interior` is left out.

    Raises:
        ValueError: max_interior is negative.

    Cost: O(N^2) time and O(N) memory for a 2d order, else relations x N / 64 word
    operations on two packed relations.
    Source: Glaser, Surya, Phys. Rev. D 88 (2013) 124026, arXiv:1309.3403.
    """
    if max_interior is None:
        max_interior = max(causet.size - 2, 0)
    if max_interior < 0:
        raise ValueError(f"max_interior is {max_interior}: it must be at least 0")
    histogram = np.zeros(max_interior + 1, np.int64)
    if causet.permutation is not None:
        ranks = causet.permutation.astype(np.int32)
        permutation_kernels.abundances(ranks, histogram)
    else:
        order_kernels.abundances(causet.future, causet.past, histogram)
    return histogram
