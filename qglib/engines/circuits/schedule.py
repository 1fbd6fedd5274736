"""Ordering the parts of a circuit into few wide layers.

A part moves back past everything it commutes with (other wires, or both diagonal)
and joins the earliest layer of its own kind. The circuit up to the first
many-wire gate on each wire acts on a product state and is kept apart, because a
product state costs n small vectors instead of one of length 2**n.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qglib.engines.circuits.gates import Fixed, Permute, Phase, Primitive, Turn
from qglib.engines.circuits.trace import Angle, Readout


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


@dataclass
class ProductStart:
    """What happens to a wire while the state is a product: before, data, after."""

    before: Chain = field(default_factory=Chain)
    data: list[Phase] = field(default_factory=list)
    after: Chain = field(default_factory=Chain)


def schedule(
    parts: list[Primitive], n_wires: int, readouts: tuple[Readout, ...]
) -> tuple[list[ProductStart], list[Layer], np.ndarray]:
    """Order parts into a product start and layers.

    Returns:
        The product start of every wire, the layers, and the permutation of basis
        states that is left to the read-out: probabilities of the true circuit
        are ``p[gather]`` of the layered one (the identity where nothing is left).
    """
    start = [ProductStart() for _ in range(n_wires)]
    opened, layers = set(range(n_wires)), []
    see_phase = any(readout.kind == "state" for readout in readouts)
    for part in parts:
        wires = {part.wire} if isinstance(part, Fixed | Turn) else set(part.wires)
        if not wires and not see_phase:
            continue  # a global phase is seen by qml.state() alone
        if len(wires) == 1 and wires <= opened and _join_start(start, part, *wires):
            continue
        opened -= wires
        _place(layers, part, wires, n_wires)
    return start, *_fold_end(layers, n_wires, readouts)


def _join_start(start: list[ProductStart], part: Primitive, wire: int) -> bool:
    place = start[wire]
    if isinstance(part, Phase):
        if place.after.turns or not np.array_equal(place.after.constants[0], np.eye(2)):
            return False
        place.data.append(part)
        return True
    _extend(place.after if place.data else place.before, part)
    return True


def _extend(chain: Chain, part: Fixed | Turn) -> None:
    if isinstance(part, Fixed):
        chain.fixed(part.matrix)
    else:
        chain.turn(part.angles)


_KINDS = {Fixed: "turn", Turn: "turn", Phase: "phase", Permute: "permute"}


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
    if kind == "turn":
        _extend(target.chains.setdefault(part.wire, Chain()), part)
    elif kind == "phase":
        target.phases.append(part)
    else:
        gather = permutation(part, n)
        old = target.gather
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


def _fold_end(
    layers: list[Layer], n_wires: int, readouts: tuple[Readout, ...]
) -> tuple[list[Layer], np.ndarray]:
    """Drop what probabilities cannot see at the end, fold a last permutation."""
    gather = np.arange(2**n_wires)
    diagonal = all(
        readout.kind == "probs"
        or (
            readout.kind == "expval"
            and all(set(word.values()) <= {"Z"} for _, word in readout.words)
        )
        for readout in readouts
    )
    while diagonal and layers and layers[-1].kind != "turn":
        last = layers.pop()
        if last.gather is not None:
            gather = last.gather[gather]
    return layers, gather
