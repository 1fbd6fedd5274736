"""Compiled forward pass: 16 samples go through the whole circuit in the cache."""

import math

import numpy as np

from qglib.engines.circuits import lane_kernels as kernel
from qglib.engines.circuits.lane_kernels import _L, _L2, LANES, compiled


@compiled
def cell_matrices(tables, shared, waves, paths, parts):
    """A and B of every cell, parts (C, 2, 8): 00, 01, 10, 11, real parts first.

    ``waves`` (C, D), of half of every angle, and ``paths`` (C, 2, D + 1, 2, 2), the
    products up to every constant, complex, are filled for the way back.
    """
    for c in range(parts.shape[0]):
        depth = tables.chain_depth[c]
        for d in range(depth):
            half = shared[tables.chain_index[c, d]] * tables.chain_scale[c, d] / 2
            waves[c, d] = complex(math.cos(half), math.sin(half))
        for part in range(1 if tables.cell_feature[c] < 0 else 2):
            path, constant = paths[c, part], tables.chain_constant[c, part]
            for j in range(2):
                a, b = constant[0, 0, j], constant[0, 1, j]
                path[0, 0, j], path[0, 1, j] = a, b
                for d in range(depth):
                    m, wave = constant[d + 1], waves[c, d]
                    a, b = wave.conjugate() * a, wave * b
                    a, b = m[0, 0] * a + m[0, 1] * b, m[1, 0] * a + m[1, 1] * b
                    path[d + 1, 0, j], path[d + 1, 1, j] = a, b
                out = parts[c, part, 2 * j :]
                out[0], out[1], out[4], out[5] = a.real, a.imag, b.real, b.imag


@compiled
def diagonals(tables, shared, way, out):
    """Numbers the rows are multiplied by on way 0 or 1, out (D, 2 size)."""
    for d in range(out.shape[0]):
        first, last = tables.angle_range[d, 0, 0], tables.angle_range[d, 0, 1]
        for j in range(tables.diagonal.shape[2]):
            z = tables.diagonal[way, d, j]
            if last > first:
                angle = 0.0
                for p in range(first, last):
                    turned = shared[tables.angle_index[p]]
                    angle += tables.angle_table[way, p, j] * turned
                z *= complex(math.cos(angle), math.sin(angle))
            out[d, 2 * j] = z.real
            out[d, 2 * j + 1] = z.imag


@compiled
def load_block(tables, x, first, wave):
    """cos and sin of half of every feature of 16 samples; missing ones are 0."""
    count = min(LANES, x.shape[0] - first)
    for f in range(wave.shape[0]):
        i, half = tables.feature_column[f], tables.feature_scale[f] / 2
        kernel.fill(wave[f], 0)
        for k in range(count):
            wave[f, k] = half * x[first + k, i]
        for k in range(LANES):
            wave[f, LANES + k] = np.sin(wave[f, k])
            wave[f, k] = np.cos(wave[f, k])


@compiled
def load_cells(tables, parts, wave, fixed, m):
    """2x2 matrices m (C, 8 LANES) per sample, those without data if ``fixed``."""
    for c in range(m.shape[0]):
        f = tables.cell_feature[c]
        if f < 0:
            if fixed:
                for e in range(8):
                    kernel.fill(m[c, e * LANES : (e + 1) * LANES], parts[c, 0, e])
            continue
        row, cos, sin = m[c], wave[f, :LANES], wave[f, LANES:]
        for e in range(8):
            a, b = parts[c, 0, e], parts[c, 1, e]
            entry = row[e * LANES : (e + 1) * LANES]
            for k in range(LANES):
                entry[k] = cos[k] * a + sin[k] * b


@compiled
def grow_levels(m, n, levels, state):
    """Product state of the first n cells; levels keep those of fewer wires."""
    kernel.fill(levels[:LANES], 1)
    kernel.fill(levels[LANES : 2 * LANES], 0)
    for wire in range(n):
        rows = 1 << wire
        start, middle = (rows - 1) * 2 * LANES, (2 * rows - 1) * 2 * LANES
        here = levels[start:middle]
        after = levels[middle : (4 * rows - 1) * 2 * LANES]
        kernel.grow(here, state if wire == n - 1 else after, rows, m[wire])


@compiled
def turn_phases(tables, way, d, state, diagonal, wave):
    """Apply diagonal d (way 0), or undo it (1)."""
    kernel.scale(state, diagonal[d])
    for q in range(tables.angle_range[d, 1, 0], tables.angle_range[d, 1, 1]):
        kernel.phase(state, tables.phase_table[way, q], wave[tables.phase_feature[q]])


@compiled
def expectations(state, rows, flips, out):
    """out[r] = sum over flips f, rows j of Re rows[f, j, r] conj(psi_j) psi_flip."""
    n_outputs = np.uint64(rows.shape[3])
    real, imag = np.empty(_L, state.dtype), np.empty(_L, state.dtype)
    kernel.fill(out, 0)
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
def forward(tables, n, shared, x, keep, states, waves, paths, parts, out):
    """Fill ``out`` (B, R) for samples x (B, n_inputs); returns whether all are finite.

    ``states`` (blocks, 2**n * 32) gets the final states if ``keep``; complex outputs
    are pairs, (B, 2 R). Of waves, paths and parts see `cell_matrices`.
    """
    wave, m, diagonal, work, read = workspace(tables, n, out.shape[1], x)
    cell_matrices(tables, shared, waves, paths, parts)
    diagonals(tables, shared, 0, diagonal)
    levels, a, b = work[0], work[1], work[2]
    total = 0.0
    for first in range(0, x.shape[0], LANES):
        load_block(tables, x, first, wave)
        load_cells(tables, parts, wave, first == 0, m)
        grow_levels(m, n, levels, a)
        for s in range(tables.step_cell.shape[0]):
            c = tables.step_cell[s]
            if c >= 0:
                kernel.turn(a, b, tables.gather[tables.step_table[0, s]], m[c])
                a, b = b, a
                continue
            turn_phases(tables, 0, -1 - c, a, diagonal, wave)
        if keep:
            kernel.copy(a, states[first // LANES])
        total += read_out(tables, a, read, first, out)
    return math.isfinite(total)


@compiled
def workspace(tables, n, width, x):
    """Arrays in the precision of x, used again by every block."""
    dtype = x.dtype
    cells, features = tables.cell_feature.shape[0], tables.feature_column.shape[0]
    wave = np.empty((features, 2 * LANES), dtype)
    m = np.empty((cells, 8 * LANES), dtype)
    diagonal = np.empty((tables.angle_range.shape[0], 2 << n), dtype)
    work = np.empty((6, 2 * LANES << n), dtype)
    read = np.empty(width * LANES, dtype)
    return wave, m, diagonal, work, read
