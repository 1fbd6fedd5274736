"""The passes of `qglib.engines.circuits.lanes` by torch, and compiled for the CPU."""

from collections.abc import Sequence

import numpy as np
import torch

from qglib.engines.circuits.lane_backward import backward
from qglib.engines.circuits.lane_forward import forward
from qglib.engines.circuits.lane_kernels import LANES
from qglib.engines.circuits.lanes import LanePlan, LaneTables

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


class Simulator:
    """The tables of a circuit, callable on tensors."""

    def __init__(self, plan: LanePlan) -> None:
        """Nothing is loaded before the first call."""
        self.plan, self.n_wires = plan, plan.n_wires
        self._loaded: dict[tuple, dict[str, torch.Tensor]] = {}

    @property
    def copies(self) -> int:
        """About how many states are alive at once, kept for the way back."""
        return 4 * len(self.plan.tables.step_cell) + 8

    def __call__(
        self, inputs: torch.Tensor, weights: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Outputs (B, n_outputs) of columns (B, C) and shared numbers."""
        t, plan = self._load(inputs), self.plan.tables
        parts = [w.flatten().to(inputs.dtype) for w in weights]
        shared = torch.cat([inputs.new_zeros(0), *parts])
        waves = (inputs[:, t["feature_column"]] * t["feature_scale"] / 2).t()
        cells = self._cells(shared, waves, t)
        state = inputs.new_ones((1, len(inputs)), dtype=COMPLEX[inputs.dtype])
        for cell in cells[: self.n_wires]:
            state = (state[:, None] * cell[:, 0]).flatten(0, 1)
        for cell, table in zip(plan.step_cell, plan.step_table[0], strict=True):
            if cell >= 0:
                pairs = state[t["gather"][table]].unflatten(0, (-1, 2))
                matrix = cells[cell]
                state = matrix[:, 0] * pairs[:, :1] + matrix[:, 1] * pairs[:, 1:]
                state = state.flatten(0, 1)
            else:
                state = state * self._diagonal(-1 - cell, shared, waves, t)
        return self._read_out(state, t).t()

    def _cells(self, shared, waves, t) -> list[torch.Tensor]:
        """Matrices of the cells, (2, 2, 1) or per sample (2, 2, B)."""
        turns = unit(shared[t["chain_index"]] * t["chain_scale"] / 2)
        turns = torch.stack([turns.conj(), turns], 1)[:, None, ..., None]
        chains = t["chain_constant"][:, :, 0]
        for d in range(turns.shape[3]):
            chains = t["chain_constant"][:, :, d + 1] @ (turns[:, :, :, d] * chains)
        chains, cos, sin = chains[..., None], torch.cos(waves), torch.sin(waves)
        return [
            chain[0] if f < 0 else cos[f] * chain[0] + sin[f] * chain[1]
            for chain, f in zip(chains, self.plan.tables.cell_feature, strict=True)
        ]

    def _diagonal(self, d: int, shared, waves, t) -> torch.Tensor:
        """Numbers the rows are multiplied by, (2**n, 1) or (2**n, B)."""
        plan = self.plan.tables
        (first, last), (low, high) = plan.angle_range[d]
        factor = t["diagonal"][0, d][:, None]
        if last > first:
            angles = shared[t["angle_index"][first:last]]
            factor = factor * unit(angles @ t["angle_table"][0, first:last])[:, None]
        if high > low:
            chosen = waves[t["phase_feature"][low:high]]
            factor = factor * unit(t["phase_table"][0, low:high].t() @ chosen)
        return factor

    def _read_out(self, state: torch.Tensor, t: dict) -> torch.Tensor:
        if self.plan.complex_output:
            return state[t["order"]]
        if self.plan.squared:
            state = state[t["order"]]
            return state.real.square() + state.imag.square()
        output = torch.zeros(())
        for flip, (real, imag) in zip(t["flips"], t["rows"], strict=True):
            product = state.conj() * state[flip]
            output = output + real.t() @ product.real - imag.t() @ product.imag
        return output

    def _load(self, like: torch.Tensor) -> dict[str, torch.Tensor]:
        """The tables as tensors of one device and precision, made once."""
        key = like.device, like.dtype
        if key in self._loaded:
            return self._loaded[key]
        arrays = self.plan.tables._asdict()
        arrays["gather"] = arrays["gather"].astype(int) // (2 * LANES)
        arrays["phase_table"] = arrays["phase_table"].astype(float)
        kinds = {"f": like.dtype, "c": COMPLEX[like.dtype], "i": torch.long}
        loaded = {
            name: torch.as_tensor(a, dtype=kinds[a.dtype.kind], device=like.device)
            for name, a in arrays.items()
        }
        if not torch.compiler.is_compiling():  # torch.export makes tensors of its own
            self._loaded[key] = loaded
        return loaded


def unit(angle: torch.Tensor) -> torch.Tensor:
    """exp(i angle)."""
    return torch.complex(torch.cos(angle), torch.sin(angle))


class Compiled:
    """A circuit's tables in both precisions, callable on tensors."""

    def __init__(self, simulator: Simulator) -> None:
        """Nothing is compiled before the first call."""
        self.simulator, self.plan = simulator, simulator.plan
        self.tables: dict[np.dtype, LaneTables] = {}

    def __call__(
        self, inputs: torch.Tensor, *weights: torch.Tensor
    ) -> tuple[torch.Tensor, bool]:
        """Outputs (B, R) of columns (B, C), in their precision, and whether finite."""
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
        x, (shared, states, waves, paths, parts) = _samples(inputs), kept
        if self.plan.complex_output:
            grad = torch.view_as_real(grad.resolve_conj()).flatten(-2)
        g = np.ascontiguousarray(grad.resolve_neg().numpy())
        found = np.zeros(x.shape, x.dtype), np.zeros(len(shared))
        tables, n = self._tables(x.dtype), self.plan.n_wires
        backward(tables, n, shared, x, states, waves, paths, parts, g, *found)
        return found

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
    def backward(ctx, *grads):
        (grad, _), (inputs, *weights) = grads, ctx.saved_tensors
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
