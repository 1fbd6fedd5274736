"""Kernel tests of independence and conditional independence from Gram matrices.

With centred Gram matrices A and B of x and y the statistic is sum(A * B); given z
both are first stripped of what z explains by kernel ridge regression, R A R with
R = eps (K_z + eps)^-1, where x is taken together with z. Under independence the
statistic is a weighted sum of chi-squares, here approximated by a gamma variable with
its mean and variance. Source: Zhang, Peters, Janzing, Schoelkopf, UAI 2011, section 3.

By default the width of z's kernel and the ridge eps are those of the least generalised
cross-validation (Golub, Heath, Wahba, Technometrics 21 (1979) 215), for x and y apart;
`CARD` holds what is left of the level's error on known nulls.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc

from qglib.causal.data_kernels import GaussianKernel, Kernel

_CACHE_BYTES = 2**28
_WIDTHS = (0.2, 0.35, 0.6, 1.0, 2.0, 4.0, 8.0)  # tried for z, times the kernel's own
_RIDGES = (1e-4, 1e-3, 1e-2, 0.1, 1.0)

Columns = int | Sequence[int]

ROWS = (50, 100, 200)
# Largest share of true nulls rejected at level 5 % (a straight, a wiggly one, a product
# of two columns), by columns in the condition and ROWS; an earlier state of study 31.
CARD: dict[Kernel, dict[int, tuple[float, ...]]] = {
    GaussianKernel(): {
        1: (0.032, 0.040, 0.067),
        2: (0.187, 0.330, 0.303),
        3: (0.252, 0.690, 0.970),
        5: (0.616, 0.864, 0.987),
    }
}


class KernelTest(NamedTuple):
    """Outcome of a kernel test."""

    statistic: float  # sum of the product of the two (residual) Gram matrices
    pvalue: float  # upper tail of the gamma distribution with the null's two moments


def _gamma(statistic: float, mean: float, variance: float) -> KernelTest:
    mean, variance = max(mean, 1e-300), max(variance, 1e-300)
    tail = max(statistic, 0) * mean / variance
    return KernelTest(float(statistic), float(gammaincc(mean**2 / variance, tail)))


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


class Regression:
    """Ridge regression on z in the space of its kernel."""

    def __init__(self, kz: np.ndarray, ridge: float) -> None:
        """Invert the Gram matrix of z, (n, n)."""
        self._r = ridge * np.linalg.inv(_centred(kz) + ridge * np.eye(len(kz)))

    def residual(self, gram: np.ndarray, target: np.ndarray | None = None):
        """R K R of the centred Gram matrix K, (n, n), whatever the `target`."""
        return self._r @ _centred(gram) @ self._r


class FittedRegression:
    """Ridge regression on z, its width and ridge chosen for each target."""

    def __init__(self, grams: Sequence[np.ndarray]) -> None:
        """Decompose the Gram matrices of z, one per width."""
        self._bases = []
        for gram in grams:
            # 2 lifts the constant direction above all others: the last one, left out
            values, vectors = np.linalg.eigh(_centred(gram) + 2)
            self._bases.append((np.maximum(values[:-1], 0), vectors[:, :-1]))

    def residual(self, gram: np.ndarray, target: np.ndarray) -> np.ndarray:
        """R K R of the centred Gram matrix K, R chosen for the one of `target`."""
        best, chosen, centred = np.inf, (np.empty(0), np.empty(0)), _centred(target)
        for values, vectors in self._bases:
            energy = np.einsum("ij,ij->j", vectors, centred @ vectors)
            for ridge in _RIDGES:
                left = ridge / (values + ridge)
                error = (left * left * energy).sum() / left.mean() ** 2
                if error < best:
                    best, chosen = error, (vectors, left)
        vectors, left = chosen
        inner = vectors.T @ gram @ vectors  # centred, as the vectors are
        return vectors @ (left[:, None] * inner * left) @ vectors.T


class KernelTests:
    """All kernel tests on one table; Gram matrices are kept, in bounded memory."""

    def __init__(
        self, data: np.ndarray, kernel: Kernel | None = None, ridge: float | None = None
    ) -> None:
        """Standardise `data` (n, d), n >= 5; gaps and constants are a ValueError.

        `ridge` regularises the regression on the condition, with the kernel as it is;
        None fits the ridge, and the width of the condition's kernel, to the sample.
        """
        if ridge is not None and not ridge > 0:
            raise ValueError(f"ridge={ridge!r} must be positive.")
        x = np.asarray(data, dtype=float)
        spread = np.ptp(x, 0) if x.ndim == 2 and len(x) > 4 else np.zeros(1)
        if not (np.isfinite(spread).all() and spread.all()):
            wanted = "at least five rows, no gaps, no constant column"
            raise ValueError(f"data of shape {x.shape} must be (n, d): {wanted}.")
        x = (x - x.mean(0)) / x.std(0)
        kernel = GaussianKernel() if kernel is None else kernel
        keep = lru_cache(max(4, _CACHE_BYTES // (24 * len(x) ** 2)))

        @keep
        def gram(columns: tuple[int, ...]) -> np.ndarray:
            return kernel.gram(x[:, columns])

        @keep
        def regression(z: tuple[int, ...]) -> Regression | FittedRegression:
            if ridge is not None:
                return Regression(gram(z), ridge)
            return FittedRegression([kernel.scaled(w).gram(x[:, z]) for w in _WIDTHS])

        @keep
        def residual(columns: tuple, z: tuple, together: bool) -> np.ndarray:
            """What z leaves of the columns, times the kernel of z if `together`."""
            own = gram(columns)
            return regression(z).residual(own * gram(z) if together else own, own)

        self._gram, self._residual = gram, residual  # without self: no circle

    def __call__(self, i: Columns, j: Columns, given: Sequence[int] = ()) -> KernelTest:
        """Column(s) i against column(s) j, given the columns of `given`."""
        x, y = (tuple(np.atleast_1d(columns).tolist()) for columns in (i, j))
        z = tuple(sorted(given))
        if not z:
            return unconditional(self._gram(x), self._gram(y))
        return from_residuals(self._residual(x, z, True), self._residual(y, z, False))
