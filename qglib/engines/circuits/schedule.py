"""Ordering the parts of a circuit into few wide layers.

A part moves back past everything it commutes with (other wires, or both diagonal)
and joins the earliest layer of its own kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qglib.engines.circuits.gates import Angle, Fixed, Permute, Phase, Primitive, Turn


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
class Layer:
    """Parts of one kind ("turn", "phase" or "permute") that act at once."""

    kind: str
    wires: set[int] = field(default_factory=set)
    chains: dict[int, Chain] = field(default_factory=dict)
    phases: list[Phase] = field(default_factory=list)
    gather: np.ndarray | None = None


_KINDS = {Fixed: "turn", Turn: "turn", Phase: "phase", Permute: "permute"}


def schedule(parts: list[Primitive], n_wires: int) -> list[Layer]:
    """Order parts into layers."""
    layers: list[Layer] = []
    for part in parts:
        wires = {part.wire} if isinstance(part, Fixed | Turn) else set(part.wires)
        _place(layers, part, wires, n_wires)
    return layers


def _place(layers: list[Layer], part: Primitive, wires: set[int], n: int) -> None:
    kind, target = _KINDS[type(part)], None
    for layer in reversed(layers):
        if layer.kind == kind:
            target = layer
        both_diagonal = layer.kind == kind == "phase"
        if layer.wires & wires and not both_diagonal:
            break
    if target is None:
        target = Layer(kind)
        layers.append(target)
    target.wires |= wires
    if isinstance(part, Fixed):
        target.chains.setdefault(part.wire, Chain()).fixed(part.matrix)
    elif isinstance(part, Turn):
        target.chains.setdefault(part.wire, Chain()).turn(part.angles)
    elif isinstance(part, Phase):
        target.phases.append(part)
    else:
        gather, old = permutation(part, n), target.gather
        target.gather = gather if old is None else old[gather]


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
