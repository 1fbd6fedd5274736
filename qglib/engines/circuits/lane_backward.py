"""Compiled adjoint backward pass: the passes undone on the state and its adjoint."""

import numpy as np

from qglib.engines.circuits import lane_forward as ahead
from qglib.engines.circuits import lane_kernels as kernel
from qglib.engines.circuits.lane_kernels import _L, _L2, LANES, compiled


@compiled
def backward(
    tables, n, shared, x, states, waves, paths, parts, grad, grad_x, grad_shared
):
    """Add the gradients of inputs and shared angles to arrays of zeros.

    ``grad`` is that of the outputs (B, R), or (B, 2 R) for complex ones.
    """
    wave, m, diagonal, work, read = ahead.workspace(tables, n, grad.shape[1], x)
    ahead.diagonals(tables, shared, 1, diagonal)
    levels, psi, lam, psi_next, lam_next = work[0], work[1], work[2], work[3], work[4]
    slope = work[5, : LANES << n]
    small = np.empty((3, 8 * LANES), x.dtype)
    back, o, g = small[0], small[1], small[2]
    grad_parts = np.zeros((m.shape[0], 2, 8 * LANES))
    grad_wave = np.empty((wave.shape[0], LANES))
    grad_rows = np.zeros((diagonal.shape[0], 1 << n))
    for first in range(0, x.shape[0], LANES):
        ahead.load_block(tables, x, first, wave)
        ahead.load_cells(tables, parts, wave, first == 0, m)
        kernel.fill(grad_wave.ravel(), 0)
        kernel.copy(states[first // LANES], psi)
        read_in(tables, psi, read, first, grad, lam)
        for s in range(tables.step_cell.shape[0] - 1, -1, -1):
            c = tables.step_cell[s]
            if c >= 0:
                gather = tables.gather[tables.step_table[1, s]]
                kernel.dagger(m[c], back)
                kernel.turn(psi, psi_next, gather, back)
                kernel.turn(lam, lam_next, gather, back)
                psi, psi_next, lam, lam_next = psi_next, psi, lam_next, lam
                kernel.fill(o, 0)
                kernel.overlap(psi, lam, o)
                kernel.multiply(m[c], o, g)
                _add_cell(tables, c, parts, wave, g, grad_parts, grad_wave)
                continue
            d = -1 - c
            _add_diagonal(tables, d, psi, lam, slope, grad_rows, grad_wave)
            ahead.turn_phases(tables, 1, d, psi, diagonal, wave)
            ahead.turn_phases(tables, 1, d, lam, diagonal, wave)
        kernel.rearrange(lam, tables.unwind, lam_next)
        ahead.grow_levels(m, n, levels, psi)
        lam, lam_next = lam_next, lam
        for wire in range(n - 1, -1, -1):
            rows = 1 << wire
            start = (rows - 1) * 2 * LANES
            level = levels[start : start + rows * 2 * LANES]
            kernel.fill(g, 0)
            kernel.shrink_gradient(lam, level, rows, g)
            _add_cell(tables, wire, parts, wave, g, grad_parts, grad_wave)
            kernel.shrink(lam, rows, m[wire], lam_next)
            lam, lam_next = lam_next, lam
        _add_features(tables, first, grad_wave, grad_x)
    totals = np.zeros((m.shape[0], 2, 8))
    for c in range(m.shape[0]):
        for part in range(2):
            for e in range(8):
                for k in range(LANES):
                    totals[c, part, e] += grad_parts[c, part, e * LANES + k]
    cell_gradients(tables, waves, paths, totals, grad_shared)
    for d in range(diagonal.shape[0]):
        for p in range(tables.angle_range[d, 0, 0], tables.angle_range[d, 0, 1]):
            change = 0.0
            for j in range(1 << n):
                change -= tables.angle_table[1, p, j] * grad_rows[d, j]
            grad_shared[tables.angle_index[p]] += change


@compiled
def _add_cell(tables, c, parts, wave, g, grad_parts, grad_wave):
    """Gradient g of one cell's matrices, passed on to A, B and the feature."""
    f = tables.cell_feature[c]
    if f < 0:
        for k in range(8 * LANES):
            grad_parts[c, 0, k] += g[k]
        return
    for e in range(8):
        a, b = parts[c, 0, e], parts[c, 1, e]
        for k in range(LANES):
            entry, cos, sin = g[e * LANES + k], wave[f, k], wave[f, LANES + k]
            grad_parts[c, 0, e * LANES + k] += cos * entry
            grad_parts[c, 1, e * LANES + k] += sin * entry
            grad_wave[f, k] += entry * (cos * b - sin * a) / 2


@compiled
def _add_diagonal(tables, d, psi, lam, slope, grad_rows, grad_wave):
    """Gradient of the phases of one diagonal."""
    shared = tables.angle_range[d, 0, 1] > tables.angle_range[d, 0, 0]
    low, high = tables.angle_range[d, 1, 0], tables.angle_range[d, 1, 1]
    if not shared and high == low:
        return
    kernel.slopes(psi, lam, slope)
    for j in range(slope.size // LANES):
        row = slope[j * LANES : (j + 1) * LANES]
        if shared:
            total = 0.0
            for k in range(LANES):
                total += row[k]
            grad_rows[d, j] += total
        for q in range(low, high):
            half = -tables.phase_table[1, q, j] / 2
            if half != 0:
                into = grad_wave[tables.phase_feature[q]]
                for k in range(LANES):
                    into[k] += half * row[k]


@compiled
def _add_features(tables, first, grad_wave, grad_x):
    """Gradient of the features, passed on to the columns."""
    for f in range(grad_wave.shape[0]):
        i, scale = tables.feature_column[f], tables.feature_scale[f]
        for k in range(min(LANES, grad_x.shape[0] - first)):
            grad_x[first + k, i] += scale * grad_wave[f, k]


@compiled
def cell_gradients(tables, waves, paths, grad, grad_shared):
    """Add the gradient of A and B, grad (C, 2, 8), to that of the angles."""
    for c in range(grad.shape[0]):
        for part in range(1 if tables.cell_feature[c] < 0 else 2):
            path, constant = paths[c, part], tables.chain_constant[c, part]
            for j in range(2):
                g = grad[c, part, 2 * j :]
                a, b = complex(g[0], g[1]), complex(g[4], g[5])
                for d in range(tables.chain_depth[c] - 1, -1, -1):
                    m, wave = constant[d + 1], waves[c, d]
                    above = m[0, 0].conjugate() * a + m[1, 0].conjugate() * b
                    below = m[0, 1].conjugate() * a + m[1, 1].conjugate() * b
                    a, b = wave * above, wave.conjugate() * below  # of path[d]
                    slope = (a.conjugate() * path[d, 0, j]).imag
                    slope -= (b.conjugate() * path[d, 1, j]).imag
                    index, scale = tables.chain_index[c, d], tables.chain_scale[c, d]
                    grad_shared[index] += scale * slope / 2


@compiled
def expectations_adjoint(state, rows, flips, grad, lam):
    """Adjoint state of `expectations` for the gradient of its outputs."""
    n_outputs = np.uint64(rows.shape[3])
    real, imag = np.empty(_L, state.dtype), np.empty(_L, state.dtype)
    kernel.fill(lam, 0)
    for f in range(rows.shape[0]):
        for j in range(rows.shape[2]):
            kernel.fill(real, 0)
            kernel.fill(imag, 0)
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
def read_in(tables, state, read, first, grad, lam):
    """Adjoint state of the read-out from the gradient of the outputs."""
    count, width = min(LANES, grad.shape[0] - first), grad.shape[1]
    size = tables.order.size
    if size == 0:
        kernel.fill(read, 0)
        for k in range(count):
            for r in range(width):
                read[r * LANES + k] = grad[first + k, r]
        expectations_adjoint(state, tables.rows, tables.flips, read, lam)
        return
    kernel.fill(lam, 0)
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
