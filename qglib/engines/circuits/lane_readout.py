"""Compiled read-out of 16 final states, and its adjoint."""

from __future__ import annotations

import numpy as np

from qglib.engines.circuits.lane_kernels import LANES, compiled, fill

_L, _L2 = np.uint64(LANES), np.uint64(2 * LANES)


@compiled
def expectations(state, rows, flips, out):
    """out[r] = sum over flips f, rows j of Re rows[f, j, r] conj(psi_j) psi_flip."""
    n_outputs = np.uint64(rows.shape[3])
    real, imag = np.empty(_L, state.dtype), np.empty(_L, state.dtype)
    fill(out, 0)
    for f in range(rows.shape[0]):
        for j in range(rows.shape[2]):
            a, b = np.uint64(j) * _L2, np.uint64(flips[f, j]) * _L2
            for k in range(_L):
                ar, ai = state[a + k], state[a + _L + k]
                br, bi = state[b + k], state[b + _L + k]
                real[k] = ar * br + ai * bi
                imag[k] = ar * bi - ai * br
            for r in range(n_outputs):
                c, wr, wi = r * _L, rows[f, 0, j, r], rows[f, 1, j, r]
                if wi == 0 and wr == 0:
                    continue
                if wi == 0:
                    for k in range(_L):
                        out[c + k] += wr * real[k]
                else:
                    for k in range(_L):
                        out[c + k] += wr * real[k] - wi * imag[k]


@compiled
def expectations_adjoint(state, rows, flips, grad, lam):
    """Adjoint state of `expectations` for the gradient of its outputs."""
    n_outputs = np.uint64(rows.shape[3])
    real, imag = np.empty(_L, state.dtype), np.empty(_L, state.dtype)
    fill(lam, 0)
    for f in range(rows.shape[0]):
        for j in range(rows.shape[2]):
            fill(real, 0)
            fill(imag, 0)
            for r in range(n_outputs):
                c = r * _L
                wr, wi = rows[f, 0, j, r], rows[f, 1, j, r]
                if wi == 0 and wr == 0:
                    continue
                wr, wi = wr + wr, wi + wi
                for k in range(_L):
                    real[k] += wr * grad[c + k]
                if wi != 0:
                    for k in range(_L):
                        imag[k] += wi * grad[c + k]
            a, b = np.uint64(j) * _L2, np.uint64(flips[f, j]) * _L2
            for k in range(_L):
                br, bi = state[b + k], state[b + _L + k]
                lam[a + k] += real[k] * br - imag[k] * bi
                lam[a + _L + k] += real[k] * bi + imag[k] * br


@compiled
def read_out(tables, state, read, first, out):
    """Fill the rows of ``out`` from row ``first``; returns the sum of what it wrote."""
    count, width, total = min(LANES, out.shape[0] - first), out.shape[1], 0.0
    size = tables.order.size
    if size == 0:
        expectations(state, tables.rows, tables.flips, read)
        for k in range(count):
            for r in range(width):
                out[first + k, r] = read[r * LANES + k]
                total += out[first + k, r]
        return total
    for r in range(size):
        row = state[tables.order[r] * 2 * LANES : (tables.order[r] + 1) * 2 * LANES]
        for k in range(count):
            if width == size:
                out[first + k, r] = row[k] ** 2 + row[LANES + k] ** 2
                total += out[first + k, r]
            else:
                out[first + k, 2 * r] = row[k]
                out[first + k, 2 * r + 1] = row[LANES + k]
                total += row[k] + row[LANES + k]
    return total


@compiled
def read_in(tables, state, read, first, grad, lam):
    """Adjoint state of the read-out from the gradient of the outputs."""
    count, width = min(LANES, grad.shape[0] - first), grad.shape[1]
    size = tables.order.size
    if size == 0:
        fill(read, 0)
        for k in range(count):
            for r in range(width):
                read[r * LANES + k] = grad[first + k, r]
        expectations_adjoint(state, tables.rows, tables.flips, read, lam)
        return
    fill(lam, 0)
    for r in range(size):
        at = tables.order[r] * 2 * LANES
        for k in range(count):
            if width == size:
                g = 2 * grad[first + k, r]
                lam[at + k] = g * state[at + k]
                lam[at + LANES + k] = g * state[at + LANES + k]
            else:
                lam[at + k] = grad[first + k, 2 * r]
                lam[at + LANES + k] = grad[first + k, 2 * r + 1]
