"""The passes of `qglib.engines.circuits.lanes` by torch, for tensors outside the CPU.

The state is a matrix (2**n, batch). Gradients are torch's own. On the CPU
`qglib.engines.circuits.compiled` is faster.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from qglib.engines.circuits.lane_kernels import LANES
from qglib.engines.circuits.lanes import LanePlan

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
        """Outputs (B, n_outputs) of columns (B, C) and shared numbers.

        Real for expectation values and probabilities, complex for the state.
        """
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
        output = 0
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
