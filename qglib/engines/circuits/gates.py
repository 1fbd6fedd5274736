"""Gates in three forms: constant 2x2 matrix, diagonal phase, permutation.

A rotation is a phase about Z between two constant matrices, RY(x) = V RZ(x) V^-1.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qglib.engines.circuits.angles import CONSTANT

HADAMARD = np.array([[1, 1], [1, -1]], complex) / math.sqrt(2)
# RX(-pi/2): conjugation with it takes Z to Y.
Z_TO_Y = np.array([[1, 1j], [1j, 1]], complex) / math.sqrt(2)

HALF_Z = np.array([-0.5, 0.5])
_TABLES = {
    "CZ": np.array([0, 0, 0, 1.0]),
    "CCZ": np.array([0, 0, 0, 0, 0, 0, 0, 1.0]),
    "ControlledPhaseShift": np.array([0, 0, 0, 1.0]),
    "CRZ": np.array([0, 0, -0.5, 0.5]),
    "CRX": np.array([0, 0, -0.5, 0.5]),
    "CRY": np.array([0, 0, -0.5, 0.5]),
}
# Basis change on the listed wires of the gate that makes it diagonal.
_FRAMES = {
    "RX": (HADAMARD, (0,)),
    "RY": (Z_TO_Y, (0,)),
    "CRX": (HADAMARD, (1,)),
    "CRY": (Z_TO_Y, (1,)),
    "IsingXX": (HADAMARD, (0, 1)),
    "IsingYY": (Z_TO_Y, (0, 1)),
}
# new_state[j] = old_state[source[j]], wires of the gate, first most significant.
_PERMUTATIONS = {
    "CNOT": (0, 1, 3, 2),
    "SWAP": (0, 2, 1, 3),
    "Toffoli": (0, 1, 2, 3, 4, 5, 7, 6),
    "CSWAP": (0, 1, 2, 3, 4, 6, 5, 7),
}
SUPPORTED = frozenset(
    {*_TABLES, *_FRAMES, *_PERMUTATIONS, "RZ", "Rot", "PhaseShift", "U1"}
    | {"MultiRZ", "IsingZZ", "GlobalPhase", "Identity", "Barrier"}
)


@dataclass(frozen=True)
class Angle:
    """``scale`` times a slot, in radians."""

    slot: int  # columns of a sample first, then shared numbers; CONSTANT holds 1
    scale: float = 1.0

    def carries_data(self, n_columns: int) -> bool:
        """Whether the angle differs from sample to sample."""
        return 0 <= self.slot < n_columns


@dataclass(frozen=True)
class Gate:
    """One gate of the traced circuit on numbered wires (0 = most significant)."""

    name: str
    wires: tuple[int, ...]
    angles: tuple[Angle, ...] = ()
    matrix: np.ndarray | None = None


@dataclass(frozen=True)
class Fixed:
    """A constant 2x2 matrix on one wire."""

    wire: int
    matrix: np.ndarray


@dataclass(frozen=True)
class Phase:
    """exp(i * table[bits of the wires] * angle); the angle may carry data."""

    wires: tuple[int, ...]
    table: np.ndarray
    angle: Angle


@dataclass(frozen=True)
class Permute:
    """new[j] = old[source[j]] on the bits of the wires; its own inverse."""

    wires: tuple[int, ...]
    source: np.ndarray


Primitive = Fixed | Phase | Permute


def lower(gates: tuple[Gate, ...]) -> list[Primitive]:
    """Rewrite traced gates as constants, phases and permutations."""
    return [part for gate in gates for part in _lower(gate)]


def _lower(gate: Gate) -> Iterator[Primitive]:
    name, wires = gate.name, gate.wires
    angle = gate.angles[0] if gate.angles else Angle(CONSTANT, math.pi)
    if name == "fixed":
        if wires and gate.matrix is not None:
            yield Fixed(wires[0], gate.matrix)
    elif name == "GlobalPhase":
        yield Phase((), np.array([-1.0]), angle)
    elif name == "Rot":
        for axis, turn in zip("ZYZ", gate.angles, strict=True):
            yield from _lower(Gate(f"R{axis}", wires, (turn,)))
    elif name in {"PhaseShift", "U1"}:
        yield Phase((), np.array([0.5]), angle)
        yield Phase(wires, HALF_Z, angle)
    elif name in _PERMUTATIONS:
        yield Permute(wires, np.array(_PERMUTATIONS[name]))
    else:
        frame, places = _FRAMES.get(name, (np.eye(2), ()))
        for place in places:
            yield Fixed(wires[place], frame.conj().T)
        yield Phase(wires, _table(name, len(wires)), angle)
        for place in places:
            yield Fixed(wires[place], frame)


def _table(name: str, n_wires: int) -> np.ndarray:
    if name in _TABLES:
        return _TABLES[name]
    signs = np.ones(1)  # rotations, MultiRZ, Ising gates: minus half the parity sign
    for _ in range(n_wires):
        signs = np.concatenate([signs, -signs])
    return -0.5 * signs
