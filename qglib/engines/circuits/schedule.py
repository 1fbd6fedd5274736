"""A circuit as cells on one wire, passes over the whole state, and read-out tables."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np

from qglib.engines.circuits.angles import CONSTANT, UnsupportedCircuit
from qglib.engines.circuits.gates import HALF_Z, Angle, Fixed, Permute, Phase, Primitive
from qglib.engines.circuits.trace import Readout, TracedCircuit

LARGEST_TABLE = 2**24  # entries of a read-out matrix
# Turns about Z by 0 and by pi.
_QUARTERS = np.stack([np.eye(2), np.diag([-1j, 1j])])


def _ones() -> list[np.ndarray]:
    return [np.stack([np.eye(2) + 0j] * 2)]


@dataclass
class Cell:
    """Gates on one wire, c[k] Z(t[k-1]) c[k-1] ... Z(t[0]) c[0], Z(t) a turn about Z.

    At most one more turn carries data; the constants (2, 2, 2) hold it at 0 and at
    pi, which give the matrix for all x: cos(x / 2) first + sin(x / 2) second.
    """

    constants: list[np.ndarray] = field(default_factory=_ones)
    turns: list[Angle] = field(default_factory=list)
    data: Angle | None = None

    def add(self, part: Fixed | Phase, carries_data: bool) -> None:
        """Append a constant or a turn."""
        if isinstance(part, Fixed):
            factor = part.matrix
        elif carries_data:
            self.data = part.angle
            factor = _QUARTERS if part.angle.scale > 0 else _QUARTERS.conj()
        elif part.angle.slot == CONSTANT:
            factor = np.diag(np.exp(1j * part.angle.scale * part.table))
        else:
            self.turns.append(part.angle)
            self.constants += _ones()
            return
        self.constants[-1] = factor @ self.constants[-1]


@dataclass
class Pass:
    """One pass over the state, or a permutation of its rows."""

    kind: str  # "turn", "phase" or "permute"
    cell: int = 0  # of a turn, -1 - d for diagonal d
    bit: int = 0  # of the basis state that a turn acts on
    phases: list[Phase] = field(default_factory=list)
    move: np.ndarray | None = None


def arrange(
    parts: list[Primitive], circuit: TracedCircuit
) -> tuple[list[Cell], list[Pass]]:
    """Cells and passes: a part joins the last one it may commute back to."""
    n, readouts = circuit.n_wires, circuit.readouts
    cells, steps = [Cell() for _ in range(n)], list[Pass]()
    opened = {wire: wire for wire in range(n)}  # wire -> cell still open
    touched, diagonal = [-1] * n, -1
    see_phase = any(readout.kind == "state" for readout in readouts)
    columns = circuit.program.n_columns
    for part in parts:
        if isinstance(part, Fixed) or _is_turn(part):
            wire = part.wire if isinstance(part, Fixed) else part.wires[0]
            data = isinstance(part, Phase) and part.angle.carries_data(columns)
            if wire not in opened or (data and cells[opened[wire]].data is not None):
                opened[wire] = len(cells)
                cells.append(Cell())
                touched[wire] = len(steps)
                steps.append(Pass("turn", opened[wire], 1 << (n - 1 - wire)))
            cells[opened[wire]].add(part, data)
            continue
        if not part.wires and not see_phase:
            continue  # a global phase is seen by qml.state() alone
        if isinstance(part, Permute):
            steps.append(Pass("permute", move=permutation(part, n)))
            for wire in part.wires:
                touched[wire] = len(steps) - 1
        else:
            if diagonal < 0 or any(touched[wire] > diagonal for wire in part.wires):
                diagonal = len(steps)
                count = sum(step.kind == "phase" for step in steps)
                steps.append(Pass("phase", -1 - count))
            steps[diagonal].phases.append(part)
        for wire in part.wires:
            opened.pop(wire, None)
    if all(_is_diagonal(readout) for readout in readouts):
        last = max((k for k, s in enumerate(steps) if s.kind == "turn"), default=-1)
        steps = [s for k, s in enumerate(steps) if k < last or s.kind != "phase"]
    return cells, steps


def _is_turn(part: Primitive) -> TypeGuard[Phase]:
    """Whether a phase is a turn about Z of one wire."""
    return isinstance(part, Phase) and np.array_equal(part.table, HALF_Z)


def _is_diagonal(readout: Readout) -> bool:
    words = [word for _, word in readout.words]
    return readout.kind == "probs" or (
        readout.kind == "expval" and all(set(w.values()) <= {"Z"} for w in words)
    )


def permutation(part: Permute, n_wires: int) -> np.ndarray:
    """Where every basis state goes; wire 0 is the most significant bit."""
    front = range(len(part.wires))
    states = np.arange(2**n_wires).reshape((2,) * n_wires)
    states = np.moveaxis(states, part.wires, front)
    moved = states.reshape(len(part.source), -1)[part.source].reshape(states.shape)
    return np.moveaxis(moved, front, part.wires).ravel()


def local_index(wires: tuple[int, ...], n_wires: int) -> np.ndarray:
    """Value of the bits of ``wires`` in every basis state, first wire highest."""
    index, local = np.arange(2**n_wires), np.zeros(2**n_wires, int)
    for wire in wires:
        local = 2 * local + ((index >> (n_wires - 1 - wire)) & 1)
    return local


def read_tables(
    readouts: tuple[Readout, ...], n: int, label: np.ndarray
) -> dict[str, np.ndarray]:
    """``flips``, ``rows`` and ``order`` of `qglib.engines.circuits.lanes.LaneTables`.

    ``label`` is the basis state of every row of the state.
    """
    size, position = 2**n, np.argsort(label)
    first, several = readouts[0], len(readouts) > 1
    if first.kind == "state" or (
        first.kind == "probs" and not several and len(first.wires) == n
    ):
        if first.kind == "probs":
            position = position[np.argsort(local_index(first.wires, n))]
        none = np.zeros((0, 2, size, 0))
        return {"flips": np.zeros((0, size), int), "rows": none, "order": position}
    widths = [2 ** len(r.wires) if r.kind == "probs" else 1 for r in readouts]
    count = sum(widths)
    if count * size > LARGEST_TABLE:
        raise UnsupportedCircuit(f"{count} outputs of {n} qubits: too large a table")
    rows: dict[int, np.ndarray] = defaultdict(lambda: np.zeros((size, count), complex))
    for readout, start in zip(readouts, np.cumsum(widths) - widths, strict=True):
        if readout.kind == "probs":
            rows[0][range(size), start + local_index(readout.wires, n)] = 1
        for coefficient, word in readout.words:
            mask, row = _word_row(word, n)
            rows[mask][:, start] += coefficient * row
    masks, parts = sorted(rows) or [0], (np.real, np.imag)
    return {
        "flips": np.array([position[label ^ mask] for mask in masks]),
        "rows": np.array([[part(rows[m])[label] for part in parts] for m in masks]),
        "order": np.zeros(0, int),
    }


def _word_row(word: dict[int, str], n: int) -> tuple[int, np.ndarray]:
    """Flip mask x and phases f with (P psi)[j] = f[j] psi[j ^ x]."""
    mask, row = 0, np.ones(2**n, complex)
    for wire, pauli in word.items():
        bit = local_index((wire,), n)
        if pauli in "XY":
            mask |= 1 << (n - 1 - wire)
        if pauli == "Y":
            row = row * np.where(bit, 1j, -1j)
        if pauli == "Z":
            row = row * (1 - 2 * bit)
    return mask, row
