"""Compiled 2x2 matrices of the cells from the shared angles, and back.

Always in double precision: they are few. See `qglib.engines.circuits.lanes.LaneTables`.
"""

from __future__ import annotations

import math

from qglib.engines.circuits.lane_kernels import compiled


@compiled
def cell_matrices(tables, shared, waves, paths, parts):
    """A and B of every cell, parts (C, 2, 8): 00, 01, 10, 11, real parts first.

    ``waves`` (C, D) complex, of half of every angle, and ``paths`` (C, 2, D + 1, 2, 2)
    complex, the products up to every constant, are filled for the way back. B of a
    cell without data is left as it is.
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
                    a, b, m = (
                        waves[c, d].conjugate() * a,
                        waves[c, d] * b,
                        constant[d + 1],
                    )
                    a, b = m[0, 0] * a + m[0, 1] * b, m[1, 0] * a + m[1, 1] * b
                    path[d + 1, 0, j], path[d + 1, 1, j] = a, b
                out = parts[c, part, 2 * j :]
                out[0], out[1], out[4], out[5] = a.real, a.imag, b.real, b.imag


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
