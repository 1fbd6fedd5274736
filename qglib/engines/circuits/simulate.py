"""Running a traced circuit on a whole batch by torch, for tensors outside the CPU.

On the CPU `qglib.engines.circuits.compiled` is faster. The state is a matrix
(2**n, batch), batch last and wire 0 the most significant bit, so a gate on
neighbouring wires is one wide matrix product and a permutation one gather of
contiguous rows. Gradients are torch's own.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import torch

from qglib.engines.circuits.gates import Angle, lower
from qglib.engines.circuits.readout import read_tables
from qglib.engines.circuits.schedule import Chain, Layer, local_index, schedule
from qglib.engines.circuits.trace import TracedCircuit

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}
GROUP = 4  # wires fused into one matrix: 4 and 5 measure alike, 2 is slower


class Simulator:
    """The layers of a circuit as tables of numbers, callable on tensors."""

    def __init__(self, circuit: TracedCircuit) -> None:
        """Make the tables in double precision.

        Raises:
            UnsupportedCircuit: when a read-out table would be too large.
        """
        self.n_wires, self.n_inputs = circuit.n_wires, circuit.n_inputs
        self.n_weights = circuit.n_weights
        self.angles: dict[Angle, int] = {}
        self.layers = [
            getattr(self, f"_{layer.kind}")(layer)
            for layer in schedule(lower(circuit.gates, self.n_inputs), self.n_wires)
        ]
        everything = np.arange(2**self.n_wires)
        self.mode, self.rows, self.order, _ = read_tables(
            circuit.readouts, self.n_wires, everything
        )
        self._loaded: dict[tuple, tuple] = {}

    def __call__(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Outputs (B, n_outputs) of inputs (B, n_inputs) and flat weights.

        Real for expectation values and probabilities, complex for the state.
        """
        layers, rows, order, factors, scale = self._load(inputs)
        count = len(inputs)
        sources = [inputs, weights.expand(count, -1), inputs.new_ones(count, 1)]
        first, second = torch.cat(sources, 1).t()[factors].unbind(1)
        angles = first * second * scale[:, None]  # (angles, B); shared: all alike
        state = inputs.new_zeros((2**self.n_wires, count), dtype=COMPLEX[inputs.dtype])
        state[0] = 1
        for layer in layers:
            state = _apply(layer, state, angles, self.n_wires)
        return self._read_out(state, rows, order).t()

    @property
    def copies(self) -> int:
        """About how many states are alive at once, kept for the way back."""
        return 4 * len(self.layers) + 4

    def _number(self, angle: Angle | None) -> int:
        return self.angles.setdefault(angle or Angle((), 0.0), len(self.angles))

    def _permute(self, layer: Layer) -> tuple[str, Any]:
        return "permute", layer.gather

    def _turn(self, layer: Layer) -> tuple[str, Any]:
        """Which wires, their constants (depth + 1, n, 2, 2), angles (depth, n, 3)."""
        chains = [layer.chains.get(wire, Chain()) for wire in range(self.n_wires)]
        depth = max(len(chain.turns) for chain in chains)
        constants = np.tile(np.eye(2) + 0j, (depth + 1, self.n_wires, 1, 1))
        which = np.full((depth, self.n_wires, 3), self._number(None))
        for wire, chain in enumerate(chains):
            for d, matrix in enumerate(chain.constants):
                constants[d, wire] = matrix
            for d, turn in enumerate(chain.turns):
                which[d, wire] = [self._number(angle) for angle in turn]
        return "turn", (sorted(layer.wires), constants, which)

    def _phase(self, layer: Layer) -> tuple[str, Any]:
        """Constant factors (2**n,), table (2**n, K) of the angles, which (K,)."""
        constant, columns, which = np.zeros(2**self.n_wires), [], []
        for phase in layer.phases:
            table = phase.table[local_index(phase.wires, self.n_wires)]
            if phase.angle.factors:
                columns.append(table)
                which.append(self._number(phase.angle))
            else:
                constant = constant + table * phase.angle.scale
        table = np.stack(columns, 1) if columns else None
        return "phase", (np.exp(1j * constant)[:, None], table, np.array(which, int))

    def _load(self, like: torch.Tensor) -> tuple:
        """The tables as tensors of one device and precision, made once."""
        key = like.device, like.dtype
        if key in self._loaded:
            return self._loaded[key]

        def put(table: Any) -> Any:
            if isinstance(table, tuple):
                return tuple(put(part) for part in table)
            if not isinstance(table, np.ndarray):
                return table
            kinds = {"i": torch.int64, "c": COMPLEX[like.dtype], "f": like.dtype}
            return torch.as_tensor(table, device=like.device).to(
                kinds[table.dtype.kind]
            )

        one = self.n_inputs + self.n_weights  # the column of ones
        factors = [(*a.factors, one, one)[:2] for a in self.angles]
        scale = [a.scale for a in self.angles]
        factors, scale = np.array(factors or [(one, one)]), np.array(scale or [0.0])
        rows = {}
        for mask, table in self.rows.items():
            flip = np.arange(2**self.n_wires) ^ mask
            rows[mask] = put((flip, table.astype(complex) if mask else table.real))
        layers = [put(layer) for layer in self.layers]
        found = layers, rows, put(self.order), put(factors), put(scale)
        self._loaded[key] = found
        return found

    def _read_out(self, state: torch.Tensor, rows: dict, order: Any) -> torch.Tensor:
        if self.mode == "state":
            return state
        chance = state.real.square() + state.imag.square()
        if self.mode == "probs":
            return chance.index_select(0, order)
        output = 0
        for mask, (flip, table) in rows.items():
            if mask == 0:
                output = output + table @ chance
            else:
                output = output + (table @ (state.conj() * state[flip])).real
        return output


def _apply(
    layer: tuple, state: torch.Tensor, angles: torch.Tensor, n: int
) -> torch.Tensor:
    kind, tables = layer
    if kind == "permute":
        return state.index_select(0, tables)
    if kind == "phase":
        constant, table, which = tables
        state = state * constant
        return state if table is None else state * _unit(table @ angles[which])
    wires, constants, which = tables
    cells = constants[0]
    for index, constant in zip(which, constants[1:], strict=True):
        cells = constant @ rotations(angles[index, 0]) @ cells
    for group in np.array_split(np.arange(n), -(-n // GROUP)):
        if set(wires) & set(group.tolist()):
            matrix = reduce(torch.kron, cells[group[0] : group[-1] + 1])
            blocks = state.reshape(2 ** int(group[0]), len(matrix), -1)
            # Not torch.matmul: for a matrix that requires grad it copies the state.
            several = matrix.expand(len(blocks), -1, -1)
            state = torch.bmm(several, blocks).reshape(state.shape)
    return state


def rotations(angles: torch.Tensor) -> torch.Tensor:
    """Rot(phi, theta, omega) = RZ(omega) RY(theta) RZ(phi): (..., 3) to (..., 2, 2).

    ``torch.polar`` must not be used here: its gradient has the wrong sign for a
    negative radius, and then values and input gradients stay right while weight
    gradients do not.
    """
    phi, theta, omega = (angles / 2).unbind(-1)
    cos, sin = torch.cos(theta), torch.sin(theta)
    total, gap = _unit(phi + omega), _unit(phi - omega)
    entries = [cos * total.conj(), -sin * gap, sin * gap.conj(), cos * total]
    return torch.stack(entries, -1).unflatten(-1, (2, 2))


def _unit(angle: torch.Tensor) -> torch.Tensor:
    """exp(i angle)."""
    return torch.complex(torch.cos(angle), torch.sin(angle))
