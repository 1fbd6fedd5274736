"""Kernel tests of independence and conditional independence from Gram matrices.

With centred Gram matrices A and B of x and y the statistic is sum(A * B); given z
both are first stripped of what z explains by kernel ridge regression, R A R with
R = eps (K_z + eps)^-1, where x is taken together with z. Under independence the
statistic is a weighted sum of chi-squares, here approximated by a gamma variable
with its mean and variance. Source: Zhang, Peters, Janzing, Schoelkopf, "Kernel-based
conditional independence test", UAI 2011; the product kernel for (x, z) as in
their section 3.

The level rests on the kernel being rich enough to regress z out: notebook 31
measures it on known nulls. Kernels of few variables have few directions, so a Gram
matrix is first written as C C^T by a pivoted Cholesky factorisation, exact to
rounding; then R C = C - C_z (C_z^T C_z + eps)^-1 C_z^T C costs n r^2 for r
directions, where the inverse would cost n^3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.special import gammaincc

from qglib.causal.data_kernels import GaussianKernel, QuantumKernel

__all__ = ["KernelTest", "KernelTests", "kernel_test"]

_CACHE_BYTES = 2**28
_SMALL = 64  # below, the inverse costs less than the bookkeeping


@dataclass(frozen=True)
class KernelTest:
    """Outcome of a kernel test.

    Attributes:
        statistic: sum of the product of the two (residual) Gram matrices.
        pvalue: upper tail of the fitted gamma distribution.
        mean, variance: of the statistic under independence.
    """

    statistic: float
    pvalue: float
    mean: float
    variance: float


def _gamma(statistic: float, mean: float, variance: float) -> KernelTest:
    mean, variance = max(mean, 1e-300), max(variance, 1e-300)
    tail = max(statistic, 0) * mean / variance
    pvalue = gammaincc(mean * mean / variance, tail)
    return KernelTest(float(statistic), float(pvalue), float(mean), float(variance))


def _centred(gram: np.ndarray) -> np.ndarray:
    """Gram matrix (n, n) with rows and columns of mean zero."""
    rows = gram.mean(-1, keepdims=True)
    return gram - rows - gram.mean(-2, keepdims=True) + gram.mean()


def unconditional(kx: np.ndarray, ky: np.ndarray) -> KernelTest:
    """Test from two Gram matrices (n, n), not yet centred."""
    n, a, b = len(kx), _centred(kx), _centred(ky)
    variance = 2 * (a * a).sum() * (b * b).sum() / n**2
    return _gamma((a * b).sum(), np.trace(a) * np.trace(b) / n, variance)


def from_residuals(a: np.ndarray, b: np.ndarray) -> KernelTest:
    """Conditional test from what z leaves of both Gram matrices, (n, n)."""
    w = a * b
    return _gamma(w.sum(), np.trace(w), 2 * (w * w).sum())


def _directions(gram: np.ndarray) -> np.ndarray | None:
    """C (n, r) with C C^T the centred Gram matrix, None where r gains nothing."""
    n = len(gram)
    if n < _SMALL:
        return None
    lower, pivots, rank, _ = lapack.dpstrf(gram, lower=1)
    if rank > n // 2:
        return None
    factor = np.empty((n, rank))
    factor[pivots - 1] = np.tril(lower)[:, :rank]
    if abs(np.diag(gram) - (factor * factor).sum(1)).max() > 1e-9:
        return None  # negative eigenvalues stopped the factorisation early
    return factor - factor.mean(0)


class Regression:
    """Ridge regression on z in the space of its kernel, factorised once."""

    def __init__(self, kz: np.ndarray, ridge: float) -> None:
        self._c = _directions(kz)
        if self._c is None:
            self._r = ridge * np.linalg.inv(_centred(kz) + ridge * np.eye(len(kz)))
        else:
            inner = self._c.T @ self._c
            inner[np.diag_indices_from(inner)] += ridge
            self._inner = cho_factor(inner, check_finite=False)

    def _strip(self, columns: np.ndarray) -> np.ndarray:
        if self._c is None:
            return self._r @ columns
        weights = cho_solve(self._inner, self._c.T @ columns, check_finite=False)
        return columns - self._c @ weights

    def residual(self, gram: np.ndarray) -> np.ndarray:
        """R K R of the centred Gram matrix K, (n, n)."""
        factor = _directions(gram)
        if factor is None:
            return self._strip(self._strip(_centred(gram)).T)
        left = self._strip(factor)
        return left @ left.T


def kernel_test(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray | None = None,
    kernel: GaussianKernel | QuantumKernel | None = None,
    ridge: float = 1e-3,
) -> KernelTest:
    """Test whether x and y are independent, or independent given z.

    Args:
        x, y: samples, (n,) or (n, d); every column is standardised.
        z: the same for the condition, None for the unconditional test.
        kernel: `GaussianKernel` (default) or `QuantumKernel`.
        ridge: regularisation of the regression on z.

    Raises:
        ValueError: shapes that differ, NaN, constant columns, a ridge that is not
            positive, or more qubits than fit.
    """
    parts = [(x, "x"), (y, "y")] + ([] if z is None else [(z, "z")])
    tables = [_columns(*part) for part in parts]
    if len({len(v) for v in tables}) > 1:
        raise ValueError(f"numbers of samples differ: {[len(v) for v in tables]}.")
    bounds = np.cumsum([0, *(v.shape[1] for v in tables)])
    groups = [range(a, b) for a, b in pairwise(bounds)]
    return KernelTests(np.column_stack(tables), kernel, ridge)(*groups)


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


class KernelTests:
    """All kernel tests on one table; every Gram matrix is made once.

    A call ``tests(i, j, given)`` takes column numbers (or tuples of them) and returns
    a `KernelTest`. The memory of kept matrices is bounded, oldest first out.
    """

    def __init__(
        self,
        data: np.ndarray,
        kernel: GaussianKernel | QuantumKernel | None = None,
        ridge: float = 1e-3,
    ) -> None:
        """Standardise the table and start with nothing kept.

        Args:
            data: (n, d) numbers without gaps.
            kernel, ridge: as in `kernel_test`.
        """
        if not ridge > 0:
            raise ValueError(f"ridge={ridge!r} must be positive.")
        self.kernel = GaussianKernel() if kernel is None else kernel
        self.ridge = ridge
        x = np.asarray(data, dtype=float)
        self._data = (x - x.mean(0)) / x.std(0)
        self._kept: dict[tuple, Any] = {}
        self._most = max(12, _CACHE_BYTES // (8 * len(x) ** 2))

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
            return unconditional(self._gram(x), self._gram(y))
        return from_residuals(self._residual(x, z, True), self._residual(y, z, False))

    def _keep(self, key: tuple, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            value = make()
            while len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = value
        return self._kept[key]

    def _gram(self, x: tuple[int, ...]) -> np.ndarray:
        return self._keep(("gram", x), lambda: self.kernel.gram(self._data[:, x]))

    def _residual(self, x: tuple, z: tuple, together: bool) -> np.ndarray:
        """What z leaves of the columns x, times the kernel of z if `together`."""

        def regression() -> Regression:
            return Regression(self._gram(z), self.ridge)

        def residual() -> np.ndarray:
            gram = self._gram(x) * self._gram(z) if together else self._gram(x)
            return self._keep(("regression", z), regression).residual(gram)

        return self._keep(("residual", x, z, together), residual)


def _key(columns: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.atleast_1d(columns))
