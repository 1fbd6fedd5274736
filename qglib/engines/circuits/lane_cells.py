"""Compiled 2x2 matrices of the cells from the shared angles, and back.

A cell is S1 Z(x) S0 with a data turn Z(x) = diag(exp(-i x / 2), exp(i x / 2)), so
it is cos(x / 2) A + sin(x / 2) B with A = S1 S0 and B = S1 diag(-i, i) S0. The
chains S0 and S1 are products of constants and rotations, always in double
precision: they are few.
"""

from __future__ import annotations

import math

from qglib.engines.circuits.lane_kernels import compiled


@compiled
def product(a, b, out):
    """out = a b; out may be neither."""
    for i in range(2):
        for j in range(2):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j]


@compiled
def product_left(a, b, out):
    """out = a^H b; out may be neither."""
    for i in range(2):
        for j in range(2):
            out[i, j] = a[0, i].conjugate() * b[0, j] + a[1, i].conjugate() * b[1, j]


@compiled
def product_right(a, b, out):
    """out = a b^H; out may be neither."""
    for i in range(2):
        for j in range(2):
            out[i, j] = a[i, 0] * b[j, 0].conjugate() + a[i, 1] * b[j, 1].conjugate()


@compiled
def rotation(phi, theta, omega, out):
    """RZ(omega) RY(theta) RZ(phi)."""
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    plus, minus = (phi + omega) / 2, (phi - omega) / 2
    a, b = math.cos(plus), math.sin(plus)
    c, d = math.cos(minus), math.sin(minus)
    out[0, 0] = complex(cos * a, -cos * b)
    out[0, 1] = complex(-sin * c, -sin * d)
    out[1, 0] = complex(sin * c, -sin * d)
    out[1, 1] = complex(cos * a, cos * b)


@compiled
def chain_matrix(tables, k, shared, path):
    """Matrix of chain k, to be found in path[depth, 0].

    ``path`` is (D + 1, 2, 2, 2): path[d, 0] the product before rotation d,
    path[d, 1] the rotation; path[D, 1] is scratch.
    """
    for i in range(2):
        for j in range(2):
            path[0, 0, i, j] = tables.chain_constant[k, 0, i, j]
    for d in range(tables.chain_depth[k]):
        index, scale = tables.chain_index[k, d], tables.chain_scale[k, d]
        rotation(
            shared[index[0]] * scale[0],
            shared[index[1]] * scale[1],
            shared[index[2]] * scale[2],
            path[d, 1],
        )
        scratch = path[path.shape[0] - 1, 1]
        product(path[d, 1], path[d, 0], scratch)
        product(tables.chain_constant[k, d + 1], scratch, path[d + 1, 0])


@compiled
def chain_gradient(tables, k, shared, path, g, h, grad_shared):
    """Add the gradient g of the matrix of chain k to that of the angles."""
    for d in range(tables.chain_depth[k] - 1, -1, -1):
        rot = path[d, 1]
        product_left(tables.chain_constant[k, d + 1], g, h)  # of rotation times before
        product_right(h, path[d, 0], g)  # of the rotation
        index, scale = tables.chain_index[k, d], tables.chain_scale[k, d]
        # phi multiplies by diag(-i, i) / 2 from the right, omega from the left, and
        # theta by [[0, -exp(i phi)], [exp(-i phi), 0]] / 2 from the right.
        p00 = (g[0, 0].conjugate() * rot[0, 0]).imag
        p01 = (g[0, 1].conjugate() * rot[0, 1]).imag
        p10 = (g[1, 0].conjugate() * rot[1, 0]).imag
        p11 = (g[1, 1].conjugate() * rot[1, 1]).imag
        grad_shared[index[0]] += scale[0] * (p00 - p01 + p10 - p11) / 2
        grad_shared[index[2]] += scale[2] * (p00 + p01 - p10 - p11) / 2
        phi = shared[index[0]] * scale[0]
        wave = complex(math.cos(phi), math.sin(phi))
        left = g[0, 0].conjugate() * rot[0, 1] + g[1, 0].conjugate() * rot[1, 1]
        right = g[0, 1].conjugate() * rot[0, 0] + g[1, 1].conjugate() * rot[1, 0]
        change = (left * wave.conjugate() - right * wave).real
        grad_shared[index[1]] += scale[1] * change / 2
        product_left(rot, h, g)  # of what came before


@compiled
def cell_matrices(tables, shared, paths, parts):
    """A and B of every cell, parts (C, 2, 8): 00, 01, 10, 11, real parts first.

    ``paths`` (2 C, D + 1, 2, 2, 2) is filled for the way back.
    """
    for c in range(parts.shape[0]):
        chain_matrix(tables, 2 * c, shared, paths[2 * c])
        chain_matrix(tables, 2 * c + 1, shared, paths[2 * c + 1])
        before = paths[2 * c, tables.chain_depth[2 * c], 0]
        after = paths[2 * c + 1, tables.chain_depth[2 * c + 1], 0]
        for i in range(2):
            for j in range(2):
                e = 4 * i + 2 * j
                upper, lower = after[i, 0] * before[0, j], after[i, 1] * before[1, j]
                a, b = upper + lower, lower - upper
                parts[c, 0, e], parts[c, 0, e + 1] = a.real, a.imag
                parts[c, 1, e], parts[c, 1, e + 1] = -b.imag, b.real


@compiled
def cell_gradients(tables, shared, paths, grad, work, grad_shared):
    """Add the gradient of A and B, grad (C, 2, 8), to that of the angles.

    ``work`` (3, 2, 2) complex is scratch.
    """
    ga, gb, h = work[0], work[1], work[2]
    for c in range(grad.shape[0]):
        first, last = tables.chain_depth[2 * c], tables.chain_depth[2 * c + 1]
        if first + last == 0:
            continue
        before, after = paths[2 * c, first, 0], paths[2 * c + 1, last, 0]
        for i in range(2):
            for j in range(2):
                ga[i, j] = 0
                gb[i, j] = 0
        for i in range(2):
            for j in range(2):
                e = 4 * i + 2 * j
                a = complex(grad[c, 0, e], grad[c, 0, e + 1])
                b = complex(-grad[c, 1, e + 1], grad[c, 1, e])  # i times that of B
                ga[i, 0] += (a + b) * before[0, j].conjugate()
                ga[i, 1] += (a - b) * before[1, j].conjugate()
                gb[0, j] += (a + b) * after[i, 0].conjugate()
                gb[1, j] += (a - b) * after[i, 1].conjugate()
        chain_gradient(tables, 2 * c + 1, shared, paths[2 * c + 1], ga, h, grad_shared)
        chain_gradient(tables, 2 * c, shared, paths[2 * c], gb, h, grad_shared)
