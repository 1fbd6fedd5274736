"""Compiled sums over the pairs and over the lags of two rankings.

A sample is a permutation p: the y-rank of the i-th point in the order of x. Each pair
is related either in order 0 (both grow) or in order 1 (one grows, one falls). Beyond
some size only some points, the corners, make pairs; all are counted.
"""

import numba
import numpy as np

OCTAVES = 9


@numba.njit(cache=True, nogil=True)
def longest(p: np.ndarray) -> int:
    """Length of the longest increasing subsequence, by patience sorting."""
    tails, piles = np.empty_like(p), 0
    for value in p:
        k = np.searchsorted(tails[:piles], value)
        tails[k] = value
        piles = max(piles, k + 1)
    return piles


@numba.njit(cache=True, nogil=True)
def past_table(p: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Q[i, b]: points before corner i in x and below the b-th lowest corner in y.

    `place` (m,) holds the corners, sorted; shape (m, m), int32.
    """
    m, k = len(place), 0
    levels, seen = np.sort(p[place]), np.zeros(m, np.int32)
    table = np.empty((m, m), np.int32)
    for i in range(m):
        while k < place[i]:
            seen[np.searchsorted(levels, p[k], "right") :] += 1
            k += 1
        table[i] = seen
    return table


@numba.njit(cache=True, nogil=True)
def pair_sums(
    p: np.ndarray, place: np.ndarray, table: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Everything that runs over pairs of corners; fewer than 1024 (2^m - 1 chains).

    Light rays through two points cut the diamond into the interval between them, its
    past and future, two corners and four flanks. Given the sides a, b of a region in
    ranks, the number of further points in it is hypergeometric under independence; z
    is that number, standardised.

    Returns:
        chains: (2, 3) chains of 3, chains of 4, log of the number of all chains.
        fullest: (2, 9) largest z over intervals by octave of volume, at least -3.
        inside, beside, beyond: (2, 9) sums of z^2 over intervals, flanks, and pasts
            and futures, by their own octave.
    """
    n, m_corners = p.size, place.size
    others = n - 2
    rank = np.argsort(np.argsort(p[place]))  # among the corners
    fullest = np.full((2, OCTAVES), -3.0)
    inside, beside = np.zeros((2, OCTAVES)), np.zeros((2, OCTAVES))
    beyond = np.zeros((2, OCTAVES))
    # 1 / sigma is a product of a factor of a and a factor of b; 0 skips the region.
    scale = np.zeros(n)
    for a in range(1, others):
        scale[a] = np.sqrt(others * np.sqrt(n - 3.0)) / np.sqrt(a * (others - a))
    octave = np.zeros(129, np.int64)  # by floor(2 mu): its bit length, at most 8
    for k in range(1, 129):
        octave[k] = octave[k >> 1] + 1
    # Products instead of divisions; the margin keeps 2 mu = integer in its octave.
    per_point = 1 / others
    twice = 2 * per_point * (1 + 1e-12)
    k2, k3 = np.zeros((2, m_corners)), np.zeros((2, m_corners))
    ending = np.zeros((2, m_corners))
    chains = np.zeros((2, 3))
    twos, threes = np.zeros(2), np.zeros(2)
    fours, every = np.zeros(2), np.zeros(2)
    for j in range(m_corners):
        xj, pj, later = place[j], p[place[j]], table[j]
        twos[:], threes[:], fours[:], every[:] = 0.0, 0.0, 0.0, 1.0
        a2 = n - 1 - xj
        for i in range(j):
            xi, pi, earlier = place[i], p[place[i]], table[i]
            s = 1 if pi > pj else 0
            low, high = (pj, pi) if s else (pi, pj)
            down, top = (rank[j], rank[i]) if s else (rank[i], rank[j])
            q0, q1, q2, q3 = earlier[down], earlier[top], later[down], later[top]
            m = q3 - q1 - q2 + q0 - 1 + s
            twos[s] += 1
            threes[s] += k2[s, i]
            fours[s] += k3[s, i]
            every[s] += ending[s, i]
            a1, b1, b2 = xj - xi - 1, high - low - 1, n - 1 - high
            f0, f1, f2 = scale[xi], scale[a1], scale[a2]
            g0, g1, g2 = scale[low], scale[b1], scale[b2]
            if f1 * g1 > 0:
                area = a1 * b1
                z = (m - area * per_point) * f1 * g1
                k = octave[min(int(area * twice), 128)]
                inside[s, k] += z * z
                if z > fullest[s, k]:
                    fullest[s, k] = z
            # past and future of the interval, in the order of the pair
            first, left, right = (xi - q1, b2, low) if s else (q0, low, b2)
            h0, h2 = (g2, g0) if s else (g0, g2)
            above = xi - q1  # earlier and higher
            early = q1 - q0  # earlier, between in y
            under = q2 - q0  # between in x, lower
            over = a1 - under - m
            late = b1 - early - m
            last = low - q0 - under if s else b2 - above - over
            area = xi * left
            z = (first - area * per_point) * f0 * h0
            beyond[s, octave[min(int(area * twice), 128)]] += z * z
            area = a2 * right
            z = (last - area * per_point) * f2 * h2
            beyond[s, octave[min(int(area * twice), 128)]] += z * z
            area = xi * b1
            z = (early - area * per_point) * f0 * g1
            beside[s, octave[min(int(area * twice), 128)]] += z * z
            area = a2 * b1
            z = (late - area * per_point) * f2 * g1
            beside[s, octave[min(int(area * twice), 128)]] += z * z
            area = a1 * low
            z = (under - area * per_point) * f1 * g0
            beside[s, octave[min(int(area * twice), 128)]] += z * z
            area = a1 * b2
            z = (over - area * per_point) * f1 * g2
            beside[s, octave[min(int(area * twice), 128)]] += z * z
        for s in range(2):
            k2[s, j], k3[s, j], ending[s, j] = twos[s], threes[s], every[s]
            chains[s, 0] += threes[s]
            chains[s, 1] += fours[s]
            chains[s, 2] += every[s]
    chains[:, 2] = np.log(chains[:, 2])
    return chains, fullest, inside, beside, beyond


@numba.njit(cache=True, nogil=True)
def separations(p: np.ndarray, octaves: int, most: int) -> np.ndarray:
    """Sum of |p[i + lag] - p[i]| by octave of the lag, of p and of its inverse.

    Octave k holds the lags 2^(k-1) < lag <= 2^k (k = 0: the lag 1), at regular
    steps if there are more than `most`. Lag 1 of p is Chatterjee's xi. Shape
    (2, octaves).
    """
    n = p.size
    inverse = np.empty(n, p.dtype)
    for i in range(n):
        inverse[p[i]] = i
    result = np.zeros((2, octaves))
    for k in range(octaves):
        first, last = (1 << k >> 1) + 1, min(1 << k, n - 1)
        for lag in range(min(first, last), last + 1, 1 + (last - first) // most):
            for i in range(n - lag):
                result[0, k] += abs(p[i + lag] - p[i])
                result[1, k] += abs(inverse[i + lag] - inverse[i])
    return result
