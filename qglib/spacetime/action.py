"""Benincasa-Dowker-Glaser action: a weighted count of small intervals."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from qglib.spacetime.abundances import interval_abundances
from qglib.spacetime.causet import Causet
from qglib.spacetime.sprinkling import check_dimension

# Core weights of N_0, N_1, ...: beta_d C_i / alpha_d, so that N has weight 1.
CORE_WEIGHTS = {
    2: (-2.0, 4.0, -2.0),
    3: (-1.0, 27 / 8, -9 / 4),
    4: (-1.0, 9.0, -16.0, 8.0),
}


def smearing_weights(dimension: int, size: int, smearing: float | None) -> np.ndarray:
    """Weight of N_m in the action for m = 0 .. size - 1.

    With smearing e this is e^2 sum_i c_i C(m, i) e^i (1 - e)^(m - i): the mean of
    the plain weights over random thinning with keep probability e.
    """
    core = np.array(CORE_WEIGHTS[check_dimension(dimension)])
    if smearing is None or smearing == 1:
        weights = np.zeros(max(size, len(core)))
        weights[: len(core)] = core
        return weights[:size]
    if not 0 < smearing <= 1:
        raise ValueError(f"smearing is {smearing}: it must lie in (0, 1]")
    m = np.arange(size)[:, None]
    i = np.arange(len(core))
    kept = np.where(i <= m, i, 0)
    log_binomial = gammaln(m + 1) - gammaln(kept + 1) - gammaln(m - kept + 1)
    log_weight = log_binomial + xlogy(kept, smearing) + xlog1py(m - kept, -smearing)
    return smearing**2 * np.where(i <= m, np.exp(log_weight), 0) @ core


def action(causet: Causet, dimension: int = 2, smearing: float | None = None) -> float:
    """Core of the Benincasa-Dowker-Glaser action (the coefficient of N is 1).

    Args:
        causet: the order.
        dimension: 2, 3 or 4; in two dimensions N - 2 N_0 + 4 N_1 - 2 N_2.
        smearing: e in (0, 1]; the value is then the mean of the plain action over
            random thinnings that keep each element with probability e. Without it
            the sampling noise is far larger than the mean.

    Returns:
        The action without unit (hbar = 1, length in sprinkling units). The full
        2d action is twice this number. Its mean over sprinklings of the flat 2d
        diamond is 1 - exp(-e n), exactly.

    Raises:
        ValueError: a dimension other than 2, 3, 4, or smearing outside (0, 1].

    Source: Benincasa, Dowker, Phys. Rev. Lett. 104 (2010) 181301; Dowker, Glaser,
    Class. Quantum Grav. 30 (2013) 195016, arXiv:1305.2588.
    """
    plain = smearing is None or smearing == 1
    highest = 3 if plain else max(causet.size - 2, 0)
    weights = smearing_weights(dimension, highest + 1, smearing)
    abundances = interval_abundances(causet, highest)
    return float((1 if plain else smearing) * causet.size + weights @ abundances)
