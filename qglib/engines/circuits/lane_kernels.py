"""Compiled passes over the states of 16 samples, the samples side by side.

Arrays are flat and indices unsigned, or the loop over the samples is not vectorised
(five times as slow). A row is one amplitude, real parts first; a 2x2 matrix holds 00,
01, 10, 11 in the same way. Gradients of z are dL/dRe z + i dL/dIm z, as in torch.
"""

import numba
import numpy as np

LANES = 16
_L = np.uint64(LANES)
_L2, _L3, _L4, _L5, _L6, _L7 = (np.uint64(k * LANES) for k in range(2, 8))
_ONE, _TWO = np.uint64(1), np.uint64(2)

# After an edit here delete the __pycache__ folder: numba keeps compiled callers in
# other modules, which contain these functions, until their own file changes.
compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@compiled
def fill(array, value):
    """array[:] = value; written out, it compiles many times faster."""
    for k in range(np.uint64(array.size)):
        array[k] = value


@compiled
def copy(source, target):
    """target[:] = source."""
    for k in range(np.uint64(source.size)):
        target[k] = source[k]


@compiled
def turn(source, target, gather, m):
    """target[2 p], target[2 p + 1] = m applied to two rows of source."""
    for p in range(np.uint64(gather.size) // _TWO):
        a, b, c = gather[p + p], gather[p + p + _ONE], p * _L4
        for k in range(_L):
            ar, ai = source[a + k], source[a + _L + k]
            br, bi = source[b + k], source[b + _L + k]
            cr, ci, dr, di = m[k], m[_L + k], m[_L2 + k], m[_L3 + k]
            target[c + k] = cr * ar - ci * ai + dr * br - di * bi
            target[c + _L + k] = cr * ai + ci * ar + dr * bi + di * br
            cr, ci, dr, di = m[_L4 + k], m[_L5 + k], m[_L6 + k], m[_L7 + k]
            target[c + _L2 + k] = cr * ar - ci * ai + dr * br - di * bi
            target[c + _L3 + k] = cr * ai + ci * ar + dr * bi + di * br


@compiled
def overlap(psi, lam, out):
    """out_ab += sum over the pairs of rows of lam_a conj(psi_b)."""
    for p in range(np.uint64(psi.size) // _L4):
        c = p * _L4
        for k in range(_L):
            ar, ai = psi[c + k], psi[c + _L + k]
            br, bi = psi[c + _L2 + k], psi[c + _L3 + k]
            cr, ci = lam[c + k], lam[c + _L + k]
            dr, di = lam[c + _L2 + k], lam[c + _L3 + k]
            out[k] += cr * ar + ci * ai
            out[_L + k] += ci * ar - cr * ai
            out[_L2 + k] += cr * br + ci * bi
            out[_L3 + k] += ci * br - cr * bi
            out[_L4 + k] += dr * ar + di * ai
            out[_L5 + k] += di * ar - dr * ai
            out[_L6 + k] += dr * br + di * bi
            out[_L7 + k] += di * br - dr * bi


@compiled
def multiply(m, o, out):
    """out = m o, one 2x2 product per sample."""
    for row in range(_TWO):
        for column in range(_TWO):
            a, b = row * _L4, column * _L2
            c = a + b
            for k in range(_L):
                ar, ai, br, bi = m[a + k], m[a + _L + k], m[a + _L2 + k], m[a + _L3 + k]
                cr, ci, dr, di = o[b + k], o[b + _L + k], o[b + _L4 + k], o[b + _L5 + k]
                out[c + k] = ar * cr - ai * ci + br * dr - bi * di
                out[c + _L + k] = ar * ci + ai * cr + br * di + bi * dr


@compiled
def dagger(m, out):
    """Hermitian conjugate of one 2x2 matrix per sample."""
    for k in range(_L):
        out[k], out[_L + k] = m[k], -m[_L + k]
        out[_L2 + k], out[_L3 + k] = m[_L4 + k], -m[_L5 + k]
        out[_L4 + k], out[_L5 + k] = m[_L2 + k], -m[_L3 + k]
        out[_L6 + k], out[_L7 + k] = m[_L6 + k], -m[_L7 + k]


@compiled
def grow(source, target, count, m):
    """Product of a state of ``count`` rows with one more wire, m |0>."""
    for j in range(np.uint64(count)):
        a, c = j * _L2, j * _L4
        for k in range(_L):
            ar, ai = source[a + k], source[a + _L + k]
            target[c + k] = m[k] * ar - m[_L + k] * ai
            target[c + _L + k] = m[k] * ai + m[_L + k] * ar
            target[c + _L2 + k] = m[_L4 + k] * ar - m[_L5 + k] * ai
            target[c + _L3 + k] = m[_L4 + k] * ai + m[_L5 + k] * ar


@compiled
def shrink(lam, count, m, target):
    """Adjoint of `grow` towards the state: target of ``count`` rows."""
    for j in range(np.uint64(count)):
        a, c = j * _L2, j * _L4
        for k in range(_L):
            cr, ci = lam[c + k], lam[c + _L + k]
            dr, di = lam[c + _L2 + k], lam[c + _L3 + k]
            target[a + k] = (
                m[k] * cr + m[_L + k] * ci + m[_L4 + k] * dr + m[_L5 + k] * di
            )
            target[a + _L + k] = (
                m[k] * ci - m[_L + k] * cr + m[_L4 + k] * di - m[_L5 + k] * dr
            )


@compiled
def shrink_gradient(lam, level, count, out):
    """Adjoint of `grow` towards the first column of m; the second stays zero."""
    for j in range(np.uint64(count)):
        a, c = j * _L2, j * _L4
        for k in range(_L):
            pr, pi = level[a + k], level[a + _L + k]
            cr, ci = lam[c + k], lam[c + _L + k]
            dr, di = lam[c + _L2 + k], lam[c + _L3 + k]
            out[k] += cr * pr + ci * pi
            out[_L + k] += ci * pr - cr * pi
            out[_L4 + k] += dr * pr + di * pi
            out[_L5 + k] += di * pr - dr * pi


@compiled
def scale(state, diagonal):
    """Multiply every row by a number all samples share."""
    for j in range(np.uint64(diagonal.size) // _TWO):
        fr, fi = diagonal[j + j], diagonal[j + j + _ONE]
        if fr == 1 and fi == 0:
            continue
        a = j * _L2
        for k in range(_L):
            ar, ai = state[a + k], state[a + _L + k]
            state[a + k] = ar * fr - ai * fi
            state[a + _L + k] = ar * fi + ai * fr


@compiled
def phase(state, table, wave):
    """Multiply row j by exp(i table[j] x / 2), x per sample, |table| <= 2."""
    powers = np.empty(_L5 + _L5, state.dtype)
    for k in range(_L):
        c, s = wave[k], wave[_L + k]
        powers[_L2 + _L2 + k], powers[_L5 + k] = 1, 0
        powers[_L6 + k], powers[_L7 + k] = c, s
        powers[_L2 + k], powers[_L3 + k] = c, -s
        powers[_L7 + _L + k], powers[_L7 + _L2 + k] = c * c - s * s, c * s + c * s
        powers[k], powers[_L + k] = c * c - s * s, -(c * s + c * s)
    for j in range(np.uint64(table.size)):
        if table[j] == 0:
            continue
        a, b = j * _L2, np.uint64(table[j] + 2) * _L2
        for k in range(_L):
            ar, ai = state[a + k], state[a + _L + k]
            fr, fi = powers[b + k], powers[b + _L + k]
            state[a + k] = ar * fr - ai * fi
            state[a + _L + k] = ar * fi + ai * fr


@compiled
def slopes(psi, lam, out):
    """Im lam conj(psi) per row and sample: the gradient of the row's phase."""
    for j in range(np.uint64(out.size) // _L):
        a, b = j * _L2, j * _L
        for k in range(_L):
            out[b + k] = lam[a + _L + k] * psi[a + k] - lam[a + k] * psi[a + _L + k]


@compiled
def rearrange(source, rows, target):
    """target row j = source row rows[j]."""
    for j in range(np.uint64(rows.size)):
        a, b = j * _L2, np.uint64(rows[j]) * _L2
        for k in range(_L2):
            target[a + k] = source[b + k]
