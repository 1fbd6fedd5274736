"""Ordering a circuit into cells on one wire and passes over the whole state."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qglib.engines.circuits.gates import Angle, Fixed, Permute, Phase, Primitive
from qglib.engines.circuits.trace import Readout, TracedCircuit


@dataclass
class Chain:
    """One-wire gates in order of application: constants and turns, alternating.

    ``constants`` has one entry more than ``turns``; the matrix of the chain is
    c[k] t[k-1] c[k-1] ... t[0] c[0].
    """

    constants: list[np.ndarray] = field(default_factory=lambda: [np.eye(2) + 0j])
    turns: list[list[Angle | None]] = field(default_factory=list)

    def fixed(self, matrix: np.ndarray) -> None:
        """Append a constant matrix."""
        self.constants[-1] = matrix @ self.constants[-1]

    def turn(self, angles: tuple[Angle | None, ...]) -> None:
        """Append a turn, joining the last one where the angles allow it."""
        open_turn = bool(self.turns) and np.array_equal(self.constants[-1], np.eye(2))
        for place, angle in enumerate(angles):
            if angle is None:
                continue
            slot = _free_slot(self.turns[-1], place) if open_turn else None
            if slot is None:
                self.turns.append([None, None, None])
                self.constants.append(np.eye(2) + 0j)
                slot, open_turn = place, True
            self.turns[-1][slot] = angle


def _free_slot(turn: list[Angle | None], place: int) -> int | None:
    """Where an angle about Y (place 1) or Z (0 or 2) may join an earlier turn."""
    later = {0: turn[1:], 1: turn[2:], 2: []}
    slots = (1,) if place == 1 else (0, 2)
    for slot in slots:
        if turn[slot] is None and all(other is None for other in later[slot]):
            return slot
    return None


@dataclass
class Cell:
    """Gates on one wire with at most one data turn about Z among them."""

    before: Chain = field(default_factory=Chain)
    data: Angle | None = None
    after: Chain = field(default_factory=Chain)

    def accepts(self, part: Primitive) -> bool:
        """Whether the part may join; one data turn a cell."""
        return not isinstance(part, Phase) or self.data is None

    def add(self, part: Primitive) -> None:
        """Join the part."""
        chain = self.before if self.data is None else self.after
        if isinstance(part, Phase):
            self.data = part.angle
        elif isinstance(part, Fixed):
            chain.fixed(part.matrix)
        else:
            chain.turn(part.angles)


@dataclass
class Pass:
    """One pass over the state, or a permutation of its rows."""

    kind: str  # "turn", "phase" or "permute"
    wire: int = 0
    cell: int = 0
    phases: list[Phase] = field(default_factory=list)
    gather: np.ndarray | None = None


def arrange(
    parts: list[Primitive], circuit: TracedCircuit
) -> tuple[list[Cell], list[Pass]]:
    """Cells and passes: a part joins the last one it may commute back to."""
    n, readouts = circuit.n_wires, circuit.readouts
    cells, steps = [Cell() for _ in range(n)], []
    opened = {wire: wire for wire in range(n)}  # wire -> cell still open
    touched, diagonal = [-1] * n, -1
    see_phase = any(readout.kind == "state" for readout in readouts)
    for part in parts:
        if not isinstance(part, Phase | Permute) or _is_turn(part):
            wire = part.wires[0] if isinstance(part, Phase) else part.wire
            if wire not in opened or not cells[opened[wire]].accepts(part):
                opened[wire] = len(cells)
                cells.append(Cell())
                touched[wire] = len(steps)
                steps.append(Pass("turn", wire, opened[wire]))
            cells[opened[wire]].add(part)
            continue
        if not part.wires and not see_phase:
            continue  # a global phase is seen by qml.state() alone
        if isinstance(part, Permute):
            steps.append(Pass("permute", gather=permutation(part, n)))
            for wire in part.wires:
                touched[wire] = len(steps) - 1
        else:
            if diagonal < 0 or any(touched[wire] > diagonal for wire in part.wires):
                diagonal = len(steps)
                steps.append(Pass("phase"))
            steps[diagonal].phases.append(part)
        for wire in part.wires:
            opened.pop(wire, None)
    if all(_is_diagonal(readout) for readout in readouts):
        last = max((k for k, s in enumerate(steps) if s.kind == "turn"), default=-1)
        steps = [s for k, s in enumerate(steps) if k < last or s.kind != "phase"]
    return cells, steps


def _is_turn(part: Primitive) -> bool:
    """Whether a phase is a turn about Z of one wire."""
    one = isinstance(part, Phase) and len(part.wires) == 1
    return one and np.array_equal(part.table, [-0.5, 0.5])


def _is_diagonal(readout: Readout) -> bool:
    words = [word for _, word in readout.words]
    return readout.kind == "probs" or (
        readout.kind == "expval" and all(set(w.values()) <= {"Z"} for w in words)
    )


def permutation(part: Permute, n_wires: int) -> np.ndarray:
    """Row gather g with new_state = state[g]; wire 0 is the most significant bit."""
    index = np.arange(2**n_wires)
    shifts = [n_wires - 1 - wire for wire in part.wires]
    local = local_index(part.wires, n_wires)
    source, clear = part.source[local], index
    for shift in shifts:
        clear = clear & ~(1 << shift)
    for k, shift in enumerate(reversed(shifts)):
        clear = clear | (((source >> k) & 1) << shift)
    return clear


def local_index(wires: tuple[int, ...], n_wires: int) -> np.ndarray:
    """Value of the bits of ``wires`` in every basis state, first wire highest."""
    index, local = np.arange(2**n_wires), np.zeros(2**n_wires, int)
    for wire in wires:
        local = 2 * local + ((index >> (n_wires - 1 - wire)) & 1)
    return local
