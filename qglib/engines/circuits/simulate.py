"""Running a plan on a whole batch by torch, with an adjoint backward pass.

For tensors outside the CPU; there `qglib.engines.circuits.compiled` is faster.

The state is a matrix (2**n, batch), batch last and wire 0 the most significant
bit, so a gate on neighbouring wires is one wide matrix product and a permutation
one gather of contiguous rows. Forward keeps the final state only; backward undoes
the passes one by one on the pair (state, adjoint).
"""

from __future__ import annotations

import numpy as np
import torch

from qglib.engines.circuits.program import Program, unit
from qglib.engines.circuits.rotations import rotations


def run(program: Program, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Outputs (B, n_outputs) of inputs (B, n_inputs) and flat weights.

    Real for expectation values and probabilities, complex for the state.
    """
    put = program.tensors
    features = inputs.t() if "left" not in put else put["left"] @ inputs.t()
    if "right" in put:
        second = torch.cat([weights, put["one_zero"]])[put["second"]]
        features = features * (put["right"] @ inputs.t() + second[:, None])
    shared = torch.cat([weights, put["extra"]])
    cells = _turn_matrices(program, shared)
    state = _start(program, cells, features)
    tensors = _step_tensors(program, cells, shared)
    return _Evolution.apply(program, state, features, *tensors).t()


def _turn_matrices(program: Program, shared: torch.Tensor) -> torch.Tensor | None:
    """All trainable one-wire matrices, (rows, n, 2, 2)."""
    put = program.tensors
    if "turn_index" not in put:
        return None
    angles = shared[put["turn_index"]]
    if "turn_scale" in put:
        angles = angles * put["turn_scale"]
    gates, cells = rotations(angles), put.get("constant0")
    for d, gate in enumerate(gates):
        cells = gate if cells is None else gate @ cells
        constant = put.get(f"constant{d + 1}")
        cells = cells if constant is None else constant @ cells
    return cells


def _start(program, cells, features) -> torch.Tensor:
    """Product state after the first gates of every wire, (2**n, B)."""
    plan, put = program.plan, program.tensors

    def pick(name):
        value = getattr(plan, name)
        return put[name] if isinstance(value, np.ndarray) else cells[value]

    before = pick("start_before")
    if before.dim() == 3:
        before = before[..., 0]  # the wire starts in |0>
    matrix = pick("start_after") * before.unsqueeze(-2)
    turn = unit(put["start_half"] @ features)
    factors = matrix @ torch.stack([turn.conj(), turn], 1)
    half = plan.n_wires // 2
    if half == 0:
        return factors[0]
    return _outer(outer_tree(factors[:half]), outer_tree(factors[half:]))


def _outer(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.unsqueeze(-2) * b.unsqueeze(-3)).flatten(-3, -2)


def outer_tree(factors: torch.Tensor) -> torch.Tensor:
    """Product state of one-wire amplitudes (n, 2, B) -> (2**n, B)."""
    count = factors.shape[0]
    if count == 1:
        return factors[0]
    if count % 2:
        return _outer(outer_tree(factors[:-1]), factors[-1])
    return outer_tree(_outer(factors[0::2], factors[1::2]))


def _step_tensors(program, cells, shared) -> list[torch.Tensor]:
    """One tensor for every matrix and every shared diagonal, in order."""
    groups: dict[tuple[int, int], tuple[torch.Tensor, ...]] = {}
    tensors = []
    for step in program.steps:
        if step[0] == "matrix":
            _, first, width, row, fixed = step
            if fixed is not None:
                tensors.append(fixed)
                continue
            if (first, width) not in groups:  # all layers at once
                # unbind, not indexing: one node in the graph for all the rows.
                product = _kron_rows(cells[:, first : first + width])
                groups[first, width] = product.unbind(0)
            tensors.append(groups[first, width][row])
        elif step[0] == "scale":
            _, constant, table, which, scale = step
            if table is None:
                tensors.append(constant)
            else:
                angle = table @ (shared[which] * scale)
                tensors.append(constant * unit(angle)[:, None])
    return tensors


def _kron_rows(cells: torch.Tensor) -> torch.Tensor:
    """Kronecker product over axis 1: (rows, k, 2, 2) -> (rows, 2**k, 2**k)."""
    product, *others = cells.unbind(1)
    for cell in others:
        size = 2 * product.shape[-1]
        product = product[:, :, None, :, None] * cell[:, None, :, None, :]
        product = product.reshape(-1, size, size)
    return product


def apply_matrix(matrix, state, first: int, width: int) -> torch.Tensor:
    """Apply (2**width, 2**width) to wires first ... of the last two axes' state."""
    shape = state.shape
    blocks = state.reshape(-1, 2**width, shape[-2] // 2 ** (first + width) * shape[-1])
    # Not torch.matmul: for a matrix that requires grad it folds the blocks into one
    # large product and copies the state twice to do so.
    return torch.bmm(matrix.expand(blocks.shape[0], -1, -1), blocks).reshape(shape)


class _Evolution(torch.autograd.Function):
    """Steps and read-out; first derivatives only."""

    @staticmethod
    def forward(ctx, program, state, features, *tensors):
        remaining = iter(tensors)
        for step in program.steps:
            if step[0] == "matrix":
                state = apply_matrix(next(remaining), state, step[1], step[2])
            elif step[0] == "permute":
                state = state.index_select(0, step[1])
            elif step[0] == "scale":
                state = state * next(remaining)
            else:
                state = state * step[1].factors(features)
        ctx.program = program
        ctx.save_for_backward(state, features, *tensors)
        return _read_out(program, state)

    @staticmethod
    def backward(ctx, grad):
        # once_differentiable stays silent when the incoming gradient needs no
        # gradient (loss = head(x).sum()); a wrong Hessian must be an error.
        if torch.is_grad_enabled():
            raise RuntimeError(
                "QuantumHead gives first derivatives only: drop create_graph=True, or "
                'use backend="default.qubit" for second derivatives'
            )
        program, (state, features, *tensors) = ctx.program, ctx.saved_tensors
        pair = torch.stack([state, _adjoint(program, state, grad)])
        wanted = ctx.needs_input_grad[3:]
        grads: list[torch.Tensor | None] = [None] * len(tensors)
        grad_features = None
        k = len(tensors)
        for step in reversed(program.steps):
            if step[0] == "permute":
                pair = pair.index_select(1, step[2])
            elif step[0] == "matrix":
                k -= 1
                adjoint = pair[1]
                pair_before = apply_matrix(tensors[k].mH, pair, step[1], step[2])
                if wanted[k]:
                    grads[k] = _matrix_grad(adjoint, pair_before[0], step[1], step[2])
                pair = pair_before
            elif step[0] == "scale":
                k -= 1
                adjoint = pair[1]
                pair = pair * tensors[k].conj()
                if wanted[k]:
                    grads[k] = (adjoint * pair[0].conj()).sum(1, keepdim=True)
            else:
                if ctx.needs_input_grad[2]:
                    slope = (pair[1] * pair[0].conj()).imag
                    part = step[1].full.t() @ slope
                    grad_features = (
                        part if grad_features is None else grad_features + part
                    )
                pair = pair * step[1].factors(features).conj()
        return None, pair[1], grad_features, *grads


def _matrix_grad(adjoint, state, first: int, width: int) -> torch.Tensor:
    blocks = (2**first, 2**width, -1)
    left, right = adjoint.reshape(blocks), state.reshape(blocks)
    if first == 0:
        return left[0] @ right[0].mH
    return torch.bmm(left, right.mH).sum(0)


def _read_out(program: Program, state: torch.Tensor) -> torch.Tensor:
    mode = program.plan.mode
    if mode == "state":
        return state.clone()
    if mode == "probs":
        return state.abs().square().index_select(0, program.tensors["order"])
    output = 0
    for mask, (flip, rows) in program.rows.items():
        if mask == 0:
            flat = torch.view_as_real(state).flatten(1)
            output = (rows @ flat.square()).unflatten(1, (-1, 2)).sum(-1)
        else:
            output = output + (rows @ (state.conj() * state[flip])).real
    return output


def _adjoint(program: Program, state: torch.Tensor, grad: torch.Tensor) -> torch.Tensor:
    mode = program.plan.mode
    if mode == "state":
        return grad
    if mode == "probs":
        full = torch.empty_like(grad)
        full[program.tensors["order"]] = grad
        return 2 * full * state
    adjoint = None
    for mask, (flip, rows) in program.rows.items():
        if mask == 0:
            adjoint = state * (2 * (rows.t() @ grad))
        else:
            weight = rows.t() @ grad.to(rows.dtype)
            adjoint = adjoint + 2 * weight * state[flip]
    return adjoint
