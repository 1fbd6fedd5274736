"""The choice of test that PC asks: are two columns independent given some others?

'fisherz' and 'chisq' are causal-learn's. 'kci' and 'quantum_kernel' are the kernel
test of `qglib.causal.kernel_tests`; a quantum kernel has to pass its validity card
first. 'causal_set' asks the order of the points of two columns, a sprinkling of a
flat diamond under independence (`qglib.spacetime.independence_test`). That test knows
no condition, so given others 'causal_set' is the Gaussian kernel test: a path that
PC cuts at the first step is cut by the causal set, all others by the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.kernel_tests import KernelTests
from qglib.causal.tables import Table
from qglib.causal.validity_card import ValidityCard, validity_card
from qglib.spacetime import independence_test, null_table

__all__ = ["CI_TESTS", "TestSettings", "check_settings", "pvalue_of"]

CI_TESTS = ("auto", "fisherz", "chisq", "kci", "quantum_kernel", "causal_set")
"""Names of the tests; 'auto' is chi-square on categories, Fisher z on numbers."""

WITHOUT_COPIES = ("kci", "quantum_kernel", "causal_set")
"""Tests to which copied rows look like dependence; they are given half samples."""

PValue = Callable[[int, int, Sequence[int]], float]


@dataclass(frozen=True)
class TestSettings:
    """How PC tests.

    Attributes
    ----------
    ci_test: one of `CI_TESTS`.
    kernel: of 'quantum_kernel' (`QuantumKernel`) or 'kci' (`GaussianKernel`); None
        takes IQP with bandwidth .4, and the median width.
    ridge: of the kernel tests.
    card: of the quantum kernel, made with the same kernel and ridge; None makes one,
        which takes some ten seconds at 200 rows and grows with their square.
    override_card: use a kernel whose card failed, and say so in the warnings.
    max_conditioning: largest condition; None takes 2 for kernel tests, else no bound.
    """

    ci_test: str = "auto"
    kernel: GaussianKernel | QuantumKernel | None = None
    ridge: float = 1e-3
    card: ValidityCard | None = None
    override_card: bool = False
    max_conditioning: int | None = None

    __test__ = False  # no test of pytest's

    @property
    def bound(self) -> int | None:
        """Largest condition."""
        if self.max_conditioning is None and self.ci_test in WITHOUT_COPIES:
            return 2
        return self.max_conditioning


def check_settings(
    settings: TestSettings,
    table: Table,
    alpha: float,
    rng: np.random.Generator | None,
) -> tuple[TestSettings, list[str]]:
    """Settings with every choice made, and warnings to keep with the graph.

    A quantum kernel is put on trial here, once per table and not once per resample.

    Raises
    ------
    ValueError: an unknown test, a test that does not fit the columns or the kernel, a
        card of another kernel, a kernel that fails its card, or a missing rng.
    """
    test = settings.ci_test
    if test not in CI_TESTS:
        raise ValueError(f"ci_test must be one of {CI_TESTS}, got {test!r}.")
    if settings.max_conditioning is not None and settings.max_conditioning < 0:
        raise ValueError("max_conditioning must be 0 or more, or None for no bound.")
    if test == "auto":
        test = "chisq" if table.discrete else "fisherz"
    if test == "chisq" and not table.discrete:
        raise ValueError(
            "ci_test='chisq' needs categories, the table holds numbers; bin them "
            "(pandas.cut) or use 'fisherz' or 'kci'."
        )
    if test != "chisq" and table.discrete:
        raise ValueError(
            f"ci_test={test!r} needs numbers, the table holds categories; use 'chisq', "
            "or pass kind='continuous' if the codes are amounts."
        )
    kernel, warnings = _kernel(test, settings.kernel), []
    if getattr(kernel, "shots", None) is not None and rng is None:
        raise ValueError(
            "a kernel with shots needs rng=numpy.random.default_rng(seed)."
        )
    if test == "causal_set":
        tied = any(len(np.unique(c)) < len(c) for c in table.values.T)
        if tied and rng is None:
            raise ValueError(
                "ci_test='causal_set' breaks ties at random and a column has tied "
                "values: pass rng=numpy.random.default_rng(seed)."
            )
        warnings.append(
            "ci_test='causal_set' tests pairs by their causal set and, given others, "
            "by the Gaussian kernel."
        )
    card = settings.card
    if test == "quantum_kernel":
        card = _card(settings, kernel, len(table.values), alpha)
        warnings += card.require(settings.override_card)
        warnings.append(f"Validity card: {card.verdict}")
    return (
        TestSettings(
            test,
            kernel,
            settings.ridge,
            card,
            settings.override_card,
            settings.max_conditioning,
        ),
        warnings,
    )


def _kernel(test: str, kernel: GaussianKernel | QuantumKernel | None):
    wanted = QuantumKernel if test == "quantum_kernel" else GaussianKernel
    if kernel is None:
        return wanted()
    if not isinstance(kernel, wanted):
        raise ValueError(
            f"ci_test={test!r} takes a {wanted.__name__}, got {kernel!r}; use "
            "'quantum_kernel' for quantum and 'kci' for Gaussian kernels."
        )
    return kernel


def _card(
    settings: TestSettings, kernel: QuantumKernel, n: int, alpha: float
) -> ValidityCard:
    card = settings.card
    if card is None:
        return validity_card(
            kernel, n, ridge=settings.ridge, alpha=alpha, power_replicates=0
        )
    if (card.kernel, card.ridge, card.alpha) != (kernel, settings.ridge, alpha):
        raise ValueError(
            f"card is of {card.kernel} with ridge {card.ridge:g} and level "
            f"{card.alpha:g}, the test uses {kernel}, {settings.ridge:g} and "
            f"{alpha:g}: make the card with those."
        )
    if not n / 2 <= card.n <= 2 * n:
        raise ValueError(
            f"card was measured with n = {card.n} and the table has {n} rows: the "
            f"type-I error changes with n, make one with validity_card(kernel, {n})."
        )
    return card


def pvalue_of(
    values: np.ndarray, settings: TestSettings, rng: np.random.Generator | None
) -> PValue:
    """Function (i, j, given) -> p-value on the columns of one table.

    `settings` come from `check_settings`.
    """
    if settings.ci_test in ("fisherz", "chisq"):
        from causallearn.utils.cit import CIT

        plain = CIT(values, settings.ci_test)
        return lambda i, j, given: float(plain(i, j, tuple(given)))
    tests = KernelTests(values, settings.kernel, settings.ridge, rng)
    if settings.ci_test != "causal_set":
        return lambda i, j, given: float(tests(i, j, given).pvalue)
    null = null_table(len(values))
    ties = "error" if rng is None else "random"

    def mixed(i: int, j: int, given: Sequence[int]) -> float:
        if len(given):
            return float(tests(i, j, given).pvalue)
        x, y = values[:, i], values[:, j]
        return independence_test(x, y, rng=rng, ties=ties, null=null).pvalue

    return mixed
