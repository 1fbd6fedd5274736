"""Gates in three forms: one-qubit turn, diagonal phase, permutation.

Every supported gate is rewritten into these, because each is one cheap pass over
a batch of states: turns of neighbouring wires fuse into one matrix, phases of a
whole data layer into one elementwise product, permutations into one gather.
A gate that carries data becomes a phase between two constant matrices,
RY(x) = V RZ(x) V^-1, so that data never needs a matrix per sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qglib.engines.circuits.angles import CONSTANT

HADAMARD = np.array([[1, 1], [1, -1]], complex) / math.sqrt(2)
# RX(-pi/2): conjugation with it takes Z to Y.
Z_TO_Y = np.array([[1, 1j], [1j, 1]], complex) / math.sqrt(2)

_HALF_Z = np.array([-0.5, 0.5])
_ROTATIONS = {"RX", "RY", "RZ", "Rot", "PhaseShift", "U1"}
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
    {*_ROTATIONS, *_TABLES, *_FRAMES, *_PERMUTATIONS}
    | {"MultiRZ", "IsingZZ", "GlobalPhase", "Identity", "Barrier"}
)


@dataclass(frozen=True)
class Angle:
    """``scale`` times a slot, in radians.

    Slots number the columns of a sample first, then the shared numbers; CONSTANT
    makes the angle ``scale``.
    """

    slot: int
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
class Turn:
    """Rot(phi, theta, omega) = RZ(omega) RY(theta) RZ(phi) with shared angles.

    None stands for an angle that is absent and may be filled by a neighbour.
    """

    wire: int
    angles: tuple[Angle | None, Angle | None, Angle | None]


@dataclass(frozen=True)
class Phase:
    """exp(i * table[bits of the wires] * angle); the angle may carry data."""

    wires: tuple[int, ...]
    table: np.ndarray
    angle: Angle


@dataclass(frozen=True)
class Permute:
    """new[j] = old[source[j]] on the bits of the wires."""

    wires: tuple[int, ...]
    source: np.ndarray


Primitive = Fixed | Turn | Phase | Permute


def lower(gates: tuple[Gate, ...], n_columns: int) -> list[Primitive]:
    """Rewrite traced gates as turns, phases and permutations."""
    return [part for gate in gates for part in _lower(gate, n_columns)]


def _constant(value: float) -> Angle:
    return Angle(CONSTANT, value)


def _lower(gate: Gate, n_columns: int) -> Iterator[Primitive]:
    name, wires = gate.name, gate.wires
    if name == "fixed":
        if wires:
            yield Fixed(wires[0], gate.matrix)
    elif name == "GlobalPhase":
        yield Phase((), np.array([-1.0]), gate.angles[0])
    elif name in _ROTATIONS:
        yield from _lower_rotation(gate, n_columns)
    elif name in _PERMUTATIONS:
        yield Permute(wires, np.array(_PERMUTATIONS[name]))
    else:
        frame, places = _FRAMES.get(name, (None, ()))
        for place in places:
            yield Fixed(wires[place], frame.conj().T)
        angle = gate.angles[0] if gate.angles else _constant(math.pi)
        yield Phase(wires, _table(name, len(wires)), angle)
        for place in places:
            yield Fixed(wires[place], frame)


def _table(name: str, n_wires: int) -> np.ndarray:
    if name in _TABLES:
        return _TABLES[name]
    signs = np.ones(1)  # MultiRZ and the Ising gates: minus half the parity sign
    for _ in range(n_wires):
        signs = np.concatenate([signs, -signs])
    return -0.5 * signs


def _lower_rotation(gate: Gate, n_columns: int) -> Iterator[Primitive]:
    name, wire = gate.name, gate.wires[0]
    data = [angle.carries_data(n_columns) for angle in gate.angles]
    if name == "Rot":
        if not any(data):
            yield Turn(wire, gate.angles)
            return
        for axis, angle, carries in zip("ZYZ", gate.angles, data, strict=True):
            yield from _turn(axis, wire, angle, carries)
        return
    [angle], [carries] = gate.angles, data
    if name in {"PhaseShift", "U1"}:
        yield Phase((), np.array([0.5]), angle)
        name = "RZ"
    yield from _turn(name[1], wire, angle, carries)


def _turn(axis: str, wire: int, angle: Angle, data: bool) -> Iterator[Primitive]:
    if not data:
        half = math.pi / 2
        yield {
            "X": Turn(wire, (_constant(half), angle, _constant(-half))),
            "Y": Turn(wire, (None, angle, None)),
            "Z": Turn(wire, (angle, None, None)),
        }[axis]
        return
    frame = {"X": HADAMARD, "Y": Z_TO_Y, "Z": None}[axis]
    if frame is not None:
        yield Fixed(wire, frame.conj().T)
    yield Phase((wire,), _HALF_Z, angle)
    if frame is not None:
        yield Fixed(wire, frame)
