"""Type-I error and power of a kernel test on simulated samples of known truth.

Powers of two kernels compare only at the same true level, so thresholds are set
per kernel on its own worst null, with other seeds than the powers.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.kernel_tests import (
    conditional_test,
    standardised,
    unconditional_test,
)
from qglib.causal.null_scenarios import ALTERNATIVES, NULLS, simulate

__all__ = ["GAUSSIANS", "null_pvalues", "powers", "rejection_rates"]

Kernel = GaussianKernel | QuantumKernel
GAUSSIANS = (
    *(GaussianKernel(scale) for scale in (0.5, 1.0, 2.0)),
    GaussianKernel(rule="empirical"),
)
"""Widths among which the tuned Gaussian rival is chosen."""

_BATCH = 4_000_000  # entries of the Gram matrices made at a time


def null_pvalues(
    kernel: Kernel,
    scenario: str,
    n: int,
    replicates: int,
    seed: int,
    ridge: float = 1e-3,
) -> np.ndarray:
    """p-values (replicates,) of a kernel test on a scenario of known truth.

    The samples depend on scenario, n and seed only: kernels can be compared in pairs.
    """
    place = list(NULLS | ALTERNATIVES).index(scenario)
    rng, noise = np.random.default_rng([seed, place, n]).spawn(2)
    parts = [standardised(v[..., None]) for v in simulate(scenario, n, replicates, rng)]
    size, found = max(1, _BATCH // n**2), []
    for start in range(0, replicates, size):
        block = [v[start : start + size] for v in parts]
        kx, ky, *kz = (kernel.gram(v, len(parts) == 3) for v in block)
        if not kz:
            kx, ky = kernel.measured(kx, noise), kernel.measured(ky, noise)
            found.append(unconditional_test(kx, ky).pvalue)
            continue
        three = [kernel.measured(k, noise) for k in (kx * kz[0], ky, kz[0])]
        tests = (conditional_test(*one, ridge) for one in zip(*three, strict=True))
        found.append([float(test.pvalue) for test in tests])
    return np.concatenate(found)


def rejection_rates(kernel, n, ridge, alpha, replicates, seed) -> pd.DataFrame:
    """Share of rejections per null, with a 95 % binomial (Wilson) interval."""
    rows = {}
    for name in NULLS:
        pvalues = null_pvalues(kernel, name, n, replicates, seed, ridge)
        hits = int((pvalues <= alpha).sum())
        ends = binomtest(hits, replicates).proportion_ci(0.95, "wilson")
        rows[name] = {"rate": hits / replicates, "low": ends.low, "high": ends.high}
    return pd.DataFrame.from_dict(rows, orient="index")


def thresholds(
    kernel: Kernel, n: int, ridge: float, alpha: float, replicates: int, seed: int
) -> dict[str, float]:
    """p-values below which a rejection has true level alpha on the worst null.

    One for the unconditional ('u') and one for the conditional test ('c').
    """
    return {
        kind: min(
            float(
                np.quantile(
                    null_pvalues(kernel, name, n, replicates, seed, ridge), alpha
                )
            )
            for name in NULLS
            if name[0] == kind
        )
        for kind in "uc"
    }


def powers(
    kernel: Kernel,
    n: int,
    ridge: float,
    alpha: float,
    replicates: int,
    seeds: tuple[int, int],
) -> pd.DataFrame:
    """Nominal and size-adjusted power on every alternative; thresholds by seed 0."""
    limits = thresholds(kernel, n, ridge, alpha, replicates, seeds[0])
    rows = {}
    for name in ALTERNATIVES:
        pvalues = null_pvalues(kernel, name, n, replicates, seeds[1], ridge)
        rows[name] = {
            "nominal": float((pvalues <= alpha).mean()),
            "adjusted": float((pvalues <= limits[name[0]]).mean()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


@cache
def tuned_gaussian(
    n: int, ridge: float, alpha: float, replicates: int, seed: int
) -> GaussianKernel:
    """The width with the most size-adjusted power, by the tuning seed alone."""

    def mean_power(kernel: GaussianKernel) -> float:
        table = powers(kernel, n, ridge, alpha, replicates, (seed, seed + 1))
        return float(table["adjusted"].mean())

    return max(GAUSSIANS, key=mean_power)
