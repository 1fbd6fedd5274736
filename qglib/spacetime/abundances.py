"""Interval abundances, and the actions that are weighted sums of them.

An abundance counts the related pairs with m elements between them; m = 0 is a link.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from qglib.engines.orders import order_kernels
from qglib.spacetime.causet import Causet

# Core weights of N_0, N_1, ...: beta_d C_i / alpha_d, so that N has weight 1.
CORE_WEIGHTS = {
    2: (-2.0, 4.0, -2.0),
    3: (-1.0, 27 / 8, -9 / 4),
    4: (-1.0, 9.0, -16.0, 8.0),
}


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

    Cost: relations x N / 64 word operations on two packed relations.
    Source: Glaser, Surya, Phys. Rev. D 88 (2013) 124026, arXiv:1309.3403.
    """
    if max_interior is None:
        max_interior = max(causet.size - 2, 0)
    if max_interior < 0:
        raise ValueError(f"max_interior is {max_interior}: it must be at least 0")
    histogram = np.zeros(max_interior + 1, np.int64)
    order_kernels.abundances(causet.future, causet.past, histogram)
    return histogram


def smearing_weights(dimension: int, size: int, smearing: float) -> np.ndarray:
    """Weight of N_m in the core action e N + sum_m w_m N_m for m = 0 .. size - 1.

    With smearing e this is e^2 sum_i c_i C(m, i) e^i (1 - e)^(m - i): the mean of
    the plain action (e = 1) over random thinning with keep probability e. The full
    2d action is twice the core; its mean over sprinklings of the flat 2d diamond is
    then 1 - exp(-e n), exactly.

    Source: Benincasa, Dowker, Phys. Rev. Lett. 104 (2010) 181301; Dowker, Glaser,
    Class. Quantum Grav. 30 (2013) 195016, arXiv:1305.2588.
    """
    core = np.array(CORE_WEIGHTS[dimension])
    m = np.arange(size)[:, None]
    i = np.arange(len(core))
    kept = np.where(i <= m, i, 0)
    log_binomial = gammaln(m + 1) - gammaln(kept + 1) - gammaln(m - kept + 1)
    log_weight = log_binomial + xlogy(kept, smearing) + xlog1py(m - kept, -smearing)
    return smearing**2 * np.where(i <= m, np.exp(log_weight), 0) @ core
