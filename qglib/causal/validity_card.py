"""The validity card of a kernel: does its test keep the level it promises?

A kernel that is too poor to express how x and y depend on z leaves a trace of z in
both, and the conditional test then rejects true independences, more often the more
data there are. So before a kernel is used its type-I error is simulated on linear and
non-linear nulls, and its power is measured with thresholds that give every kernel
the same true level (size-adjusted), from seeds that the thresholds do not use.
A kernel whose worst null is rejected more than 1.5 times as often as promised is
refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from qglib.causal.data_kernels import QuantumKernel
from qglib.causal.level_and_power import (
    Kernel,
    powers,
    rejection_rates,
    tuned_gaussian,
)

__all__ = ["ValidityCard", "calibrated_ridge", "validity_card"]

_SLACK = 1.5


@dataclass(frozen=True)
class ValidityCard:
    """What was measured about a kernel test, and whether it may be used.

    Attributes
    ----------
    kernel, n, ridge, alpha: what was simulated; z is one column.
    replicates: simulated samples per scenario.
    seeds: for thresholds and tuning, and for everything that is reported.
    type_one: per null the rejection rate ``rate`` with its 95 % binomial interval
        ``low``, ``high``.
    power: per alternative the ``nominal`` and the ``adjusted`` power, and with a
        rival those of the tuned Gaussian, ``gaussian_adjusted``; empty unless asked
        for.
    gaussian: the tuned rival's name, or None.
    """

    kernel: Kernel
    n: int
    ridge: float
    alpha: float
    replicates: int
    seeds: tuple[int, int]
    type_one: pd.DataFrame
    power: pd.DataFrame
    gaussian: str | None = None

    @property
    def worst(self) -> float:
        """Largest rejection rate over the nulls."""
        return float(self.type_one["rate"].max())

    @property
    def worst_null(self) -> str:
        """The null with the largest rejection rate."""
        return str(self.type_one["rate"].idxmax())

    @property
    def passed(self) -> bool:
        """Whether the worst null is rejected at most 1.5 alpha of the time."""
        return self.worst <= _SLACK * self.alpha

    @property
    def verdict(self) -> str:
        """One sentence: the measured type-I error, and the remedy where it fails."""
        said = (
            f"{self.kernel.name} at n = {self.n}, ridge {self.ridge:g}: type-I error "
            f"{self.worst:.3f} on {self.worst_null} at level {self.alpha:g} "
            f"({self.replicates} replicates)"
        )
        return f"{said}." if self.passed else f"{said}; {self._remedy()}"

    def _remedy(self) -> str:
        if getattr(self.kernel, "shots", None) is not None:
            return (
                "shot noise: raise ridge (calibrated_ridge finds one), clip negative "
                "eigenvalues or take more shots."
            )
        if isinstance(self.kernel, QuantumKernel):
            return (
                "change the bandwidth (the kernel cannot express the dependence on z) "
                "or use ci_test='kci', the Gaussian kernel."
            )
        return "change scale or ridge."

    def require(self, override: bool = False) -> list[str]:
        """Refuse an invalid kernel, or say that the refusal was overridden.

        Returns
        -------
        Warnings to keep with the result: empty for a valid kernel.

        Raises
        ------
        ValueError: the card failed and `override` is False.
        """
        if self.passed:
            return []
        if not override:
            raise ValueError(
                f"The kernel fails its validity card. {self.verdict} To use it all the "
                "same, pass override_card=True; the graph will say so."
            )
        return [f"Validity card failed and was overridden: {self.verdict}"]


def validity_card(
    kernel: Kernel,
    n: int,
    *,
    ridge: float = 1e-3,
    alpha: float = 0.05,
    replicates: int = 1000,
    power_replicates: int = 300,
    seeds: tuple[int, int] = (7000, 8000),
) -> ValidityCard:
    """Simulate type-I error and power of a kernel test.

    Parameters
    ----------
    kernel: `GaussianKernel` or `QuantumKernel`, with shots or without.
    n: number of samples, as the test will see them.
    ridge, alpha: of the test.
    replicates: samples per null; a valid test fails the card with probability 13 %
        per null at 100, 3 % at 300 and .03 % at 1000.
    power_replicates: samples per alternative and per threshold; 0 leaves power out.
    seeds: two numbers at least 2 apart, for tuning and for reporting.

    Raises
    ------
    ValueError: numbers out of range, or seeds that overlap.
    """
    if n < 10 or replicates < 50 or power_replicates < 0:
        raise ValueError(
            f"n={n}, replicates={replicates}, power_replicates={power_replicates}: a "
            "card needs n >= 10, at least 50 replicates and power_replicates >= 0."
        )
    if not 0 < alpha < 1 or not ridge > 0:
        raise ValueError(
            f"alpha={alpha}, ridge={ridge}: 0 < alpha < 1 and ridge > 0 are needed."
        )
    if abs(seeds[0] - seeds[1]) < 2:
        raise ValueError(f"seeds={seeds} must be at least 2 apart: tuning uses two.")
    type_one = rejection_rates(kernel, n, ridge, alpha, replicates, seeds[1])
    power, rival = pd.DataFrame(), None
    if power_replicates:
        rival = tuned_gaussian(n, 1e-3, alpha, power_replicates, seeds[0])
        power = powers(kernel, n, ridge, alpha, power_replicates, seeds)
        beside = powers(rival, n, 1e-3, alpha, power_replicates, seeds)
        power["gaussian_adjusted"] = beside["adjusted"]
    return ValidityCard(
        kernel,
        n,
        ridge,
        alpha,
        replicates,
        tuple(seeds),
        type_one,
        power,
        None if rival is None else rival.name,
    )


def calibrated_ridge(
    kernel: Kernel,
    n: int,
    *,
    alpha: float = 0.05,
    ridges: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0),
    replicates: int = 300,
    seed: int = 7000,
) -> float:
    """Smallest ridge whose worst null keeps 1.5 alpha, by the tuning seed.

    Confirm it with `validity_card`, which reports from another seed.

    Raises
    ------
    ValueError: no ridge of the list keeps the level.
    """
    worst = {}
    for ridge in sorted(ridges):
        worst[ridge] = rejection_rates(kernel, n, ridge, alpha, replicates, seed)[
            "rate"
        ].max()
        if worst[ridge] <= _SLACK * alpha:
            return ridge
    listed = ", ".join(f"{r:g}: {w:.3f}" for r, w in worst.items())
    raise ValueError(
        f"{kernel.name} keeps the level at no ridge (type-I error by ridge {listed}): "
        "take more shots or another bandwidth."
    )
