"""Exact means and the core action, for the tests only."""

from __future__ import annotations

import mpmath
import numpy as np

from qglib.spacetime import interval_abundances
from qglib.spacetime.observables import smearing_weights


def expected_abundances(dimension, n, highest):
    """<N_m> of a Poisson sprinkling, by the series of Glaser and Surya (2013)."""
    values = []
    with mpmath.workdps(int(n) // 2 + 60):
        d, n = mpmath.mpf(dimension), mpmath.mpf(n)
        for m in range(highest + 1):
            front = n ** (m + 2) / mpmath.factorial(m + 2) * mpmath.gamma(d) ** 2
            front /= mpmath.rf(d / 2 * (m + 1) + 1, d - 1)
            front /= mpmath.rf(d / 2 * m + 1, d - 1)
            steps = [2 * mpmath.mpf(k) / d + m for k in range(1, dimension)]
            upper, lower = [1 + m, *steps], [3 + m, *(s + 2 for s in steps)]
            values.append(float(front * mpmath.hyper(upper, lower, -n)))
    return np.array(values)


def action(causet, dimension=2, smearing=1.0):
    """Core of the Benincasa-Dowker-Glaser action of an order."""
    counts = interval_abundances(causet)
    weights = smearing_weights(dimension, len(counts), smearing)
    return smearing * causet.size + weights @ counts
