"""Scores of a node given its parents, for structure search (higher is better).

Every score here is decomposable: the score of a graph is the sum over its nodes
of ``score(node, parents)``, in nats, with nodes named by column number.

Source: Schwarz, Ann. Stat. 6 (1978) 461 (BIC).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["Score", "discrete_bic", "gaussian_bic"]

Score = Callable[[int, Sequence[int]], float]


def discrete_bic(data: np.ndarray) -> Score:
    """Multinomial BIC: sum N_jk ln(N_jk / N_j) - .5 ln(N) q (r - 1).

    `q` is the product of all parent cardinalities, seen together or not.

    Args:
        data: (n, d) integers or other labels; each column is coded anew.
    """
    coded = [np.unique(column, return_inverse=True) for column in np.asarray(data).T]
    codes = [code.astype(np.int64) for _, code in coded]
    levels = [len(values) for values, _ in coded]
    n = len(codes[0])

    def score(node: int, parents: Sequence[int]) -> float:
        q = 1
        configuration = np.zeros(n, dtype=np.int64)
        for parent in parents:
            configuration = configuration * levels[parent] + codes[parent]
            q *= levels[parent]
        if q * levels[node] > 4 * n:  # large tables are nearly empty: recode
            configuration = np.unique(configuration, return_inverse=True)[1]
        size = int(configuration.max()) + 1
        joint = np.bincount(
            configuration * levels[node] + codes[node], minlength=size * levels[node]
        ).reshape(size, levels[node])
        total = joint.sum(1, keepdims=True)
        seen = joint > 0
        ratio = np.where(seen, joint, 1) / np.where(seen, total, 1)
        likelihood = float((joint * np.log(ratio)).sum())
        return likelihood - 0.5 * np.log(n) * q * (levels[node] - 1)

    return score


def gaussian_bic(data: np.ndarray) -> Score:
    """Linear-Gaussian BIC: -.5 N ln(v) - .5 ln(N) (|parents| + 1).

    `v` is the residual variance of the least-squares regression on the parents.

    Args:
        data: (n, d) floats.
    """
    x = np.asarray(data, dtype=float)
    n = len(x)
    covariance = np.atleast_2d(np.cov(x, rowvar=False, bias=True))

    def score(node: int, parents: Sequence[int]) -> float:
        p = list(parents)
        variance = covariance[node, node]
        if p:
            cross = covariance[p, node]
            slopes = np.linalg.lstsq(covariance[np.ix_(p, p)], cross, rcond=None)[0]
            variance = variance - cross @ slopes
        floor = 1e-12 * covariance[node, node]  # an exact fit would score infinity
        return float(
            -0.5 * n * np.log(max(variance, floor)) - 0.5 * np.log(n) * (len(p) + 1)
        )

    return score
