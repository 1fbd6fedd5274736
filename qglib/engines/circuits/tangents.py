"""The state of a traced circuit and its derivative by every weight, together.

A gate acts on all of them at once, and a gate with a trainable angle adds one
tangent, (dU/dtheta) psi.
"""

from __future__ import annotations

import numpy as np

from qglib.engines.circuits.gates import Angle, Fixed, Permute, Phase, Turn, lower
from qglib.engines.circuits.schedule import local_index, permutation
from qglib.engines.circuits.trace import TracedCircuit
from qglib.memory import require


class Tangents:
    """The parts of a traced circuit, acting on rows (columns of the circuit)."""

    def __init__(self, circuit: TracedCircuit) -> None:
        """Lower the gates.

        Raises:
            MemoryError: before allocating, when the tangents would not fit.
        """
        self.n, self.n_inputs = circuit.n_wires, circuit.n_inputs
        self.n_weights = circuit.n_weights
        vectors = 1 + circuit.n_weights
        what = f"{vectors} vectors of {self.n} qubits"
        require(32 * vectors * 2**self.n, "cpu", what, "use fewer qubits or weights")
        self.parts = []
        for part in lower(circuit.gates, circuit.n_inputs):
            if isinstance(part, Permute):
                self.parts.append((part, permutation(part, self.n)))
            elif isinstance(part, Phase):
                table = part.table[local_index(part.wires, self.n)]
                self.parts.append((part, table))
            else:
                self.parts.append((part, None))

    def run(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Final state (2**n,) and tangents (P, 2**n)."""
        self.values = values
        stack = np.zeros((1 + self.n_weights, 2**self.n), complex)
        stack[0, 0] = 1
        self.row: dict[int, int] = {}
        for part, table in self.parts:
            live = stack[: 1 + len(self.row)]
            if isinstance(part, Permute):
                live[:] = live[:, table]
            elif isinstance(part, Fixed):
                live[:] = self._apply(part.matrix, live, part.wire)
            elif isinstance(part, Phase):
                live *= np.exp(1j * self._value(part.angle) * table)
                for weight, slope in self._slopes(part.angle):
                    self._add(stack, weight, 1j * slope * table * stack[0])
            else:
                self._turn(stack, live, part)
        tangents = np.zeros((self.n_weights, 2**self.n), complex)
        for weight, row in self.row.items():
            tangents[weight] = stack[row]
        return stack[0], tangents

    def _turn(self, stack: np.ndarray, live: np.ndarray, part: Turn) -> None:
        angles = [0.0 if a is None else self._value(a) for a in part.angles]
        before = stack[:1].copy()
        live[:] = self._apply(_rot(*angles), live, part.wire)
        for place, angle in enumerate(part.angles):
            slopes = self._slopes(angle) if angle is not None else []
            for weight, slope in slopes:
                # The entries are half-angle functions: a shift by pi is twice
                # the derivative.
                shifted = list(angles)
                shifted[place] += np.pi
                change = self._apply(_rot(*shifted), before, part.wire)[0]
                self._add(stack, weight, 0.5 * slope * change)

    def _add(self, stack, weight: int, tangent: np.ndarray) -> None:
        row = self.row.setdefault(weight, 1 + len(self.row))
        stack[row] += tangent

    def _apply(self, matrix, rows, wire: int) -> np.ndarray:
        blocks = rows.reshape(-1, 2, 2 ** (self.n - 1 - wire))
        zero, one = blocks[:, 0], blocks[:, 1]
        out = np.empty_like(blocks)
        out[:, 0] = matrix[0, 0] * zero + matrix[0, 1] * one
        out[:, 1] = matrix[1, 0] * zero + matrix[1, 1] * one
        return out.reshape(rows.shape)

    def _value(self, angle: Angle) -> float:
        return angle.scale * float(np.prod([self.values[k] for k in angle.factors]))

    def _slopes(self, angle: Angle) -> list[tuple[int, float]]:
        """(weight, d angle / d weight) of every weight in the angle."""
        found = []
        for k, factor in enumerate(angle.factors):
            if factor >= self.n_inputs:
                rest = angle.factors[:k] + angle.factors[k + 1 :]
                slope = angle.scale * float(np.prod([self.values[j] for j in rest]))
                found.append((factor - self.n_inputs, slope))
        return found


def _rot(phi: float, theta: float, omega: float) -> np.ndarray:
    cos, sin = np.cos(theta / 2), np.sin(theta / 2)
    total, gap = np.exp(0.5j * (phi + omega)), np.exp(0.5j * (phi - omega))
    return np.array([[cos / total, -sin * gap], [sin / gap, cos * total]])
