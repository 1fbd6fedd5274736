"""Compiled sums over scales of two rankings, without a loop over all pairs.

A sample is a permutation p: the y-rank of the i-th point in the order of x. The
costs are O(n) per wave, O(n) per lag and O(cells^2) on a grid of cells.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def wave_energies(
    p: np.ndarray, waves: np.ndarray, reach: np.ndarray, shapes: np.ndarray
) -> np.ndarray:
    """Energy of the standing waves of the diamond, summed over low rectangles.

    Wave (k, l) has the amplitude 2 / sqrt(n) sum_i waves[i, k] waves[p[i], l].

    Args:
        p: permutation, shape (n,).
        waves: cos((k + 1) pi (i + 1/2) / n), shape (n, K).
        reach: number of l that any rectangle asks for, by k, shape (K,).
        shapes: (R, 2): rectangle r sums over k < shapes[r, 0], l < shapes[r, 1].
    """
    n, size = waves.shape
    total = np.zeros((size, size))
    for i in range(n):
        row = waves[p[i]]
        for k in range(size):
            c = waves[i, k]
            for m in range(reach[k]):
                total[k, m] += c * row[m]
    for k in range(size):
        line = 0.0
        for m in range(reach[k]):
            line += total[k, m] * total[k, m] * 4 / n
            total[k, m] = line + (total[k - 1, m] if k else 0.0)
    result = np.empty(len(shapes))
    for r in range(len(shapes)):
        result[r] = total[shapes[r, 0] - 1, shapes[r, 1] - 1]
    return result


@numba.njit(cache=True, nogil=True)
def separations(p: np.ndarray, octaves: int, every_lag: bool) -> np.ndarray:
    """Sum of |p[i + lag] - p[i]| by octave of the lag, of p and of its inverse.

    Octave k holds the lags 2^(k-1) < lag <= 2^k (k = 0: the lag 1); without
    `every_lag` only the lag 2^k. Lag 1 of p is Chatterjee's xi. Shape (2, octaves).
    """
    n = p.size
    inverse = np.empty(n, p.dtype)
    for i in range(n):
        inverse[p[i]] = i
    result = np.zeros((2, octaves))
    for k in range(octaves):
        first = (1 << k >> 1) + 1 if every_lag else 1 << k
        for lag in range(first, min(1 << k, n - 1) + 1):
            for i in range(n - lag):
                result[0, k] += abs(p[i + lag] - p[i])
                result[1, k] += abs(inverse[i + lag] - inverse[i])
    return result


@numba.njit(cache=True, nogil=True)
def coarse_table(p: np.ndarray, cells: int) -> np.ndarray:
    """Past counts at the corners of a cells x cells grid: (cells + 1, cells + 1).

    Entry (a, b) counts the points in the first a columns and b rows of cells.
    """
    n = p.size
    table = np.zeros((cells + 1, cells + 1), np.int64)
    for i in range(n):
        table[i * cells // n + 1, p[i] * cells // n + 1] += 1
    for a in range(1, cells + 1):
        line = 0
        for b in range(1, cells + 1):
            line += table[a, b]
            table[a, b] = line + table[a - 1, b]
    return table


@numba.njit(cache=True, nogil=True)
def coarse_sums(table: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Number-volume discrepancy on a grid of cells.

    Squared gap of every past, the same with weights, the largest gap; then for
    each pair of box sides in `edges` (in cells) the squared gaps of all boxes.
    Shape (3 + len(edges) ** 2,). Volumes use the exact number of ranks per line.
    """
    size = table.shape[0] - 1
    n = table[size, size]
    lines = table[:, size].astype(np.float64)  # ranks before each grid line
    rows = table[size, :].astype(np.float64)
    result = np.zeros(3 + edges.size * edges.size)
    gap = np.empty((size + 1, size + 1))
    for a in range(size + 1):
        for b in range(size + 1):
            gap[a, b] = table[a, b] - lines[a] * rows[b] / n
    for a in range(1, size):
        weight = lines[a] * (n - lines[a])
        for b in range(1, size):
            square = gap[a, b] * gap[a, b]
            result[0] += square
            result[1] += square / (weight * rows[b] * (n - rows[b]))
            result[2] = max(result[2], abs(gap[a, b]))
    k = 3
    for s in edges:
        for t in edges:
            total = 0.0
            for a in range(size - s + 1):
                for b in range(size - t + 1):
                    box = gap[a + s, b + t] - gap[a, b + t] - gap[a + s, b] + gap[a, b]
                    total += box * box
            result[k] = total
            k += 1
    return result
