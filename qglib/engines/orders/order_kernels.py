"""Compiled loops over packed relations (see `bits`); callers check the arguments."""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_ONE, _ZERO = np.uint64(1), np.uint64(0)


@intrinsic
def _ones(typing_context, word):
    """Number of set bits of a 64-bit word: one machine instruction."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True, inline="always")
def _first(word):
    """Position of the lowest set bit."""
    return np.int64(_ones((word & (~word + _ONE)) - _ONE))  # pyright: ignore[reportCallIssue]


@njit(cache=True, nogil=True)
def close(rows):
    """Transitive closure in place; one step per link of the result."""
    size, width = rows.shape
    waiting = np.empty(width, np.uint64)
    for i in range(size - 1, -1, -1):
        for v in range(width):
            waiting[v] = rows[i, v]
        for w in range(i >> 6, width):
            left, row = waiting[w:], rows[i, w:]
            while left[0]:
                beyond = rows[(w << 6) + _first(left[0]), w:]
                left[0] &= left[0] - _ONE
                for v in range(len(left)):
                    row[v] |= beyond[v]
                    left[v] &= ~beyond[v]  # what lies behind is reached


@njit(cache=True, nogil=True)
def links(future, out):
    """Write the links to `out` (n, 2) as far as it reaches; return their number."""
    size, width = future.shape
    waiting = np.empty(width, np.uint64)
    count = 0
    for i in range(size):
        for v in range(width):
            waiting[v] = future[i, v]
        for w in range(i >> 6, width):
            left = waiting[w:]
            while left[0]:  # the lowest element left is always a link
                j = (w << 6) + _first(left[0])
                left[0] &= left[0] - _ONE
                beyond = future[j, w:]
                for v in range(len(left)):
                    left[v] &= ~beyond[v]
                if count < len(out):
                    out[count, 0], out[count, 1] = i, j
                count += 1
    return count


@njit(cache=True, nogil=True)
def abundances(future, past, histogram):
    """Add to histogram[m] the related pairs with m elements between them."""
    # the futures of 64 elements stay in the cache while all later elements pass
    size, width = future.shape
    for w in range(width):
        for j in range(w << 6, size):
            stop, word = (j >> 6) + 1, past[j, w]
            before = past[j, w:stop]
            while word:
                i = (w << 6) + _first(word)
                word &= word - _ONE
                inside, after = _ZERO, future[i, w:stop]
                for v in range(len(before)):
                    inside += _ones(after[v] & before[v])
                if inside < len(histogram):
                    histogram[inside] += 1


@njit(cache=True, nogil=True)
def heights(future):
    """Elements of the longest chain that ends in each element, int64 (N,)."""
    size, width = future.shape
    result = np.ones(size, np.int64)
    for i in range(size):
        above = result[i] + 1
        for w in range(i >> 6, width):
            word = future[i, w]
            while word:
                j = (w << 6) + _first(word)
                word &= word - _ONE
                result[j] = max(result[j], above)
    return result


@njit(cache=True, nogil=True)
def sums_over_past(future, values):
    """Sum of float64 values (N,) over the past of each element."""
    size, width = future.shape
    sums = np.zeros_like(values)
    for i in range(size):
        for w in range(i >> 6, width):
            word = future[i, w]
            while word:
                sums[(w << 6) + _first(word)] += values[i]
                word &= word - _ONE
    return sums
