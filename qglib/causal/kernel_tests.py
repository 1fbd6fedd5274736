"""Kernel tests of independence and conditional independence from Gram matrices.

With centred Gram matrices A and B of x and y the statistic is sum(A * B); given z
both are first stripped of what z explains by kernel ridge regression, R A R with
R = eps (K_z + eps)^-1, where x is taken together with z. Under independence the
statistic is a weighted sum of chi-squares, here approximated by a gamma variable
with its mean and variance. Source: Zhang, Peters, Janzing, Schoelkopf, "Kernel-based
conditional independence test", UAI 2011; the product kernel for (x, z) as in
their section 3.

The level rests on the kernel being rich enough to regress z out: measure it with
`qglib.causal.validity_card` before believing a rejection.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import gammaincc

from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.kernel_regression import KernelRegression, centred

__all__ = [
    "KernelTest",
    "KernelTests",
    "conditional_test",
    "kernel_test",
    "unconditional_test",
]

_CACHE_BYTES = 2**28


@dataclass(frozen=True)
class KernelTest:
    """Outcome of a kernel test; arrays when a batch was tested.

    Attributes
    ----------
    statistic: sum of the product of the two (residual) Gram matrices.
    pvalue: upper tail of the fitted gamma distribution.
    mean, variance: of the statistic under independence.
    """

    statistic: np.ndarray | float
    pvalue: np.ndarray | float
    mean: np.ndarray | float
    variance: np.ndarray | float


def _gamma(statistic, mean, variance) -> KernelTest:
    mean, variance = np.maximum(mean, 1e-300), np.maximum(variance, 1e-300)
    tail = np.maximum(statistic, 0) * mean / variance
    pvalue = gammaincc(mean * mean / variance, tail)
    return KernelTest(statistic, pvalue, mean, variance)


def unconditional_test(kx: np.ndarray, ky: np.ndarray) -> KernelTest:
    """Test of x against y from Gram matrices (..., n, n), in O(n^2)."""
    n = kx.shape[-1]
    a, b = centred(kx), centred(ky)
    mean = np.trace(a, axis1=-2, axis2=-1) * np.trace(b, axis1=-2, axis2=-1) / n
    variance = 2 * (a * a).sum((-2, -1)) * (b * b).sum((-2, -1)) / n**2
    return _gamma((a * b).sum((-2, -1)), mean, variance)


def conditional_test(
    kxz: np.ndarray, ky: np.ndarray, kz: np.ndarray, ridge: float = 1e-3
) -> KernelTest:
    """Test of x against y given z from Gram matrices (n, n).

    Parameters
    ----------
    kxz: of x and z together, for instance the product of both Gram matrices.
    ky, kz: of y and of z.
    ridge: regularisation eps of the regression on z, positive.
    """
    regression = KernelRegression(kz, ridge)
    return from_residuals(regression.residual(kxz), regression.residual(ky))


def from_residuals(a: np.ndarray, b: np.ndarray) -> KernelTest:
    """The conditional test from the two residual Gram matrices."""
    w = a * b
    mean = np.trace(w, axis1=-2, axis2=-1)
    return _gamma(w.sum((-2, -1)), mean, 2 * (w * w).sum((-2, -1)))


def standardised(x: np.ndarray) -> np.ndarray:
    """Samples (..., n, d) with mean 0 and standard deviation 1 per column."""
    return (x - x.mean(-2, keepdims=True)) / x.std(-2, keepdims=True)


def _columns(values: np.ndarray, name: str) -> np.ndarray:
    x = np.asarray(values, dtype=float)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or len(x) < 5:
        raise ValueError(f"{name} has shape {x.shape}: it must be (n, d) with n >= 5.")
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values: drop those rows.")
    if (x == x[0]).all(0).any():
        raise ValueError(f"{name} holds a constant column: drop it.")
    return x


def kernel_test(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray | None = None,
    kernel: GaussianKernel | QuantumKernel | None = None,
    ridge: float = 1e-3,
    rng: np.random.Generator | None = None,
) -> KernelTest:
    """Test whether x and y are independent, or independent given z.

    Parameters
    ----------
    x, y: samples, (n,) or (n, d); every column is standardised.
    z: the same for the condition, None for the unconditional test.
    kernel: `GaussianKernel` (default) or `QuantumKernel`.
    ridge: regularisation of the regression on z; shot noise needs a larger one.
    rng: for a kernel with shots.

    Raises
    ------
    ValueError: shapes that differ, NaN, constant columns, a ridge that is not
        positive, or more qubits than fit.
    """
    parts = {"x": x, "y": y} | ({} if z is None else {"z": z})
    tables = {name: _columns(v, name) for name, v in parts.items()}
    sizes = {name: len(v) for name, v in tables.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"numbers of samples differ: {sizes}.")
    bounds = np.cumsum([0, *(v.shape[1] for v in tables.values())])
    groups = [tuple(range(a, b)) for a, b in pairwise(bounds)]
    tests = KernelTests(np.column_stack(list(tables.values())), kernel, ridge, rng)
    return tests(groups[0], groups[1], groups[2] if z is not None else ())


class KernelTests:
    """All kernel tests on one table; every Gram matrix is made once.

    Parameters
    ----------
    data: (n, d) numbers without gaps; columns are standardised.
    kernel, ridge, rng: as in `kernel_test`. Shots are drawn once per set of columns.

    A call ``tests(i, j, given)`` takes column numbers (or tuples of them) and returns
    a `KernelTest`. The memory of kept matrices is bounded, oldest first out.
    """

    def __init__(
        self,
        data: np.ndarray,
        kernel: GaussianKernel | QuantumKernel | None = None,
        ridge: float = 1e-3,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Standardise the table and start with nothing kept."""
        if not ridge > 0:
            raise ValueError(f"ridge={ridge!r} must be positive.")
        self.kernel = GaussianKernel() if kernel is None else kernel
        self.ridge, self.rng = ridge, rng
        self._data = standardised(np.asarray(data, dtype=float))
        self._kept: OrderedDict[tuple, Any] = OrderedDict()
        self._most = max(12, _CACHE_BYTES // (8 * len(self._data) ** 2))

    def __call__(
        self,
        i: int | Sequence[int],
        j: int | Sequence[int],
        given: Sequence[int] = (),
    ) -> KernelTest:
        """Column(s) i against column(s) j, given the columns of `given`."""
        x, y = _key(i), _key(j)
        z = tuple(sorted(given))
        if not z:
            return unconditional_test(
                self._measured(x, (), False), self._measured(y, (), False)
            )
        return from_residuals(self._residual(x, z, z), self._residual(y, (), z))

    def _keep(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = make()
        self._kept[key] = value
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value

    def _exact(self, x: tuple[int, ...], conditional: bool) -> np.ndarray:
        def make():
            return self.kernel.gram(self._data[:, list(x)], conditional)

        return self._keep(("exact", x, conditional), make)

    def _measured(self, x: tuple, z: tuple, conditional: bool) -> np.ndarray:
        def make():
            gram = self._exact(x, conditional)
            gram = gram * self._exact(z, conditional) if z else gram
            return self.kernel.measured(gram, self.rng)

        return self._keep(("measured", x, z, conditional), make)

    def _residual(self, x: tuple, with_z: tuple, z: tuple) -> np.ndarray:
        """What z leaves of the columns x, times the kernel of z if asked."""

        def regression():
            return KernelRegression(self._measured(z, (), True), self.ridge)

        def make():
            on_z = self._keep(("regression", z), regression)
            return on_z.residual(self._measured(x, with_z, True))

        return self._keep(("residual", x, with_z, z), make)


def _key(columns: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(columns, int | np.integer):
        return (int(columns),)
    return tuple(int(k) for k in columns)
