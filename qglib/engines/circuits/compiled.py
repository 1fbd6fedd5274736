"""The compiled simulation as a torch function, for tensors on the CPU."""

from __future__ import annotations

import numpy as np
import torch

from qglib.engines.circuits.lane_backward import backward
from qglib.engines.circuits.lane_forward import forward
from qglib.engines.circuits.lane_kernels import LANES
from qglib.engines.circuits.lanes import LaneTables
from qglib.engines.circuits.simulate import Simulator


class Compiled:
    """A circuit's tables in both precisions, callable on tensors."""

    def __init__(self, simulator: Simulator) -> None:
        """Nothing is compiled before the first call."""
        self.simulator, self.plan = simulator, simulator.plan
        self.tables: dict[np.dtype, LaneTables] = {}

    def __call__(
        self, inputs: torch.Tensor, *weights: torch.Tensor
    ) -> tuple[torch.Tensor, bool]:
        """Outputs (B, R) of columns (B, C), and whether all are finite.

        Columns are float32 or float64 and decide the precision; weights may be any
        real tensors.
        """
        track = torch.is_grad_enabled() and (
            inputs.requires_grad or any(w.requires_grad for w in weights)
        )
        if track:
            return _Run.apply(self, inputs, *weights)
        return self.run(inputs, weights, False)[:2]

    def run(
        self, inputs: torch.Tensor, weights: tuple[torch.Tensor, ...], keep: bool
    ) -> tuple[torch.Tensor, bool, tuple]:
        """Outputs, whether they are finite, and what `gradients` needs."""
        plan, x = self.plan, _samples(inputs)
        tables = self._tables(x.dtype)
        shared = np.concatenate([np.zeros(0, np.float32), *map(_flat, weights)])
        width = plan.n_outputs * (2 if plan.complex_output else 1)
        out = np.empty((len(x), width), x.dtype)
        blocks = -(-len(x) // LANES) if keep else 0
        states = np.empty((blocks, 2 * LANES << plan.n_wires), x.dtype)
        waves = np.empty(tables.chain_index.shape, np.complex128)
        paths = np.empty(tables.chain_constant.shape, np.complex128)
        parts = np.empty((len(waves), 2, 8), x.dtype)
        kept = states, waves, paths, parts
        finite = forward(tables, plan.n_wires, shared, x, keep, *kept, out)
        outputs = torch.from_numpy(out)
        if plan.complex_output:
            outputs = torch.view_as_complex(outputs.unflatten(-1, (-1, 2)))
        return outputs, finite, (shared, *kept)

    def gradients(
        self, inputs: torch.Tensor, kept: tuple, grad: torch.Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradients of the inputs (B, n_inputs) and of the shared angles."""
        x, (shared, *kept) = _samples(inputs), kept
        if self.plan.complex_output:
            grad = torch.view_as_real(grad.resolve_conj()).flatten(-2)
        g = np.ascontiguousarray(grad.resolve_neg().numpy())
        grad_x, grad_shared = np.zeros(x.shape, x.dtype), np.zeros(len(shared))
        tables, n = self._tables(x.dtype), self.plan.n_wires
        backward(tables, n, shared, x, *kept, g, grad_x, grad_shared)
        return grad_x, grad_shared

    def _tables(self, dtype: np.dtype) -> LaneTables:
        if dtype not in self.tables:
            tables = self.plan.tables
            self.tables[dtype] = tables._replace(rows=tables.rows.astype(dtype))
        return self.tables[dtype]


def _samples(inputs: torch.Tensor) -> np.ndarray:
    x = inputs.detach().resolve_neg().numpy()
    return x if x.flags.c_contiguous else np.ascontiguousarray(x)


def _flat(weight: torch.Tensor) -> np.ndarray:
    weight = weight.detach()
    if weight.dtype is not torch.float32:
        weight = weight.double()
    return weight.numpy().ravel()


class _Run(torch.autograd.Function):
    """Compiled derivatives; those of the derivatives are torch's own."""

    @staticmethod
    def forward(ctx, compiled, inputs, *weights):
        outputs, finite, kept = compiled.run(inputs, weights, True)
        ctx.compiled, ctx.kept = compiled, kept
        ctx.save_for_backward(inputs, *weights)
        return outputs, finite

    @staticmethod
    def backward(ctx, grad, _):
        inputs, *weights = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True
            outputs = ctx.compiled.simulator(inputs, weights)
            leaves = [one for one in (inputs, *weights) if one.requires_grad]
            found = torch.autograd.grad(
                outputs, leaves, grad, create_graph=True, allow_unused=True
            )
            left = iter(found)
            return None, *(
                next(left) if one.requires_grad else None for one in (inputs, *weights)
            )
        grad_x, grad_shared = ctx.compiled.gradients(inputs, ctx.kept, grad)
        slopes, start = [], 0
        for weight in weights:
            stop = start + weight.numel()
            part = grad_shared[start:stop].reshape(weight.shape)
            if weight.dtype is torch.float32:
                part = part.astype(np.float32)
            part = torch.from_numpy(part)
            slopes.append(part if part.dtype is weight.dtype else part.to(weight.dtype))
            start = stop
        return None, torch.from_numpy(grad_x), *slopes
