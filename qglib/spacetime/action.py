"""Benincasa-Dowker-Glaser action: a weighted count of small intervals."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

# Core weights of N_0, N_1, ...: beta_d C_i / alpha_d, so that N has weight 1.
CORE_WEIGHTS = {
    2: (-2.0, 4.0, -2.0),
    3: (-1.0, 27 / 8, -9 / 4),
    4: (-1.0, 9.0, -16.0, 8.0),
}


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
