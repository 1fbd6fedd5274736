"""What is left of a Gram matrix after kernel ridge regression on another.

The residual of a centred Gram matrix K given z is R K R with R = eps (K_z + eps)^-1
(Zhang, Peters, Janzing, Schoelkopf, UAI 2011, prop. 5). Kernels of few variables
have few directions, so a Gram matrix is first written as C C^T by a pivoted
Cholesky factorisation, exact to rounding; then R C = C - C_z (C_z^T C_z + eps)^-1
C_z^T C costs n r^2 for r directions, where the inverse would cost n^3. A matrix with
negative eigenvalues, as shots leave it, takes the direct way.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack

__all__ = ["KernelRegression", "centred"]

_SMALL = 64  # below, the inverse costs less than the bookkeeping


def centred(gram: np.ndarray) -> np.ndarray:
    """Gram matrices (..., n, n) with rows and columns of mean zero."""
    rows = gram.mean(-1, keepdims=True)
    return gram - rows - gram.mean(-2, keepdims=True) + rows.mean(-2, keepdims=True)


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


class KernelRegression:
    """Ridge regression on z in the space of its kernel.

    Parameters
    ----------
    kz: Gram matrix of z, (n, n).
    ridge: regularisation eps, positive.
    """

    def __init__(self, kz: np.ndarray, ridge: float) -> None:
        """Factorise once."""
        self.ridge = ridge
        self._c = _directions(kz)
        if self._c is None:
            n = len(kz)
            self._r = ridge * np.linalg.inv(centred(kz) + ridge * np.eye(n))
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
            return self._strip(self._strip(centred(gram)).T)
        left = self._strip(factor)
        return left @ left.T
