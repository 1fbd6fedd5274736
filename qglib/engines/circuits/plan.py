"""The traced circuit as tables of numbers, ready for batched simulation.

A plan is made once, holds float64 numpy arrays only and knows nothing of batches,
devices or precision; `qglib.engines.circuits.simulate` turns it into tensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from qglib.engines.circuits.gates import Angle, Phase, lower
from qglib.engines.circuits.readout import read_tables
from qglib.engines.circuits.schedule import Chain, Layer, local_index, schedule
from qglib.engines.circuits.trace import TracedCircuit

GROUP = 4  # wires fused into one matrix: 4 and 5 measure alike, 2 is slower


@dataclass
class Turns:
    """Trainable one-wire matrices c[d] Rot(angles[d-1]) c[d-1] ... c[0] per cell.

    A cell is one wire of one row (a layer, or the product start); ``index``
    (depth, rows, n, 3) points into [weights | 0 | constants].
    """

    index: np.ndarray
    scale: np.ndarray
    constants: np.ndarray  # (depth + 1, rows, n, 2, 2)


@dataclass
class Features:
    """Angles that differ per sample: (left @ x) * (right @ x + weight), (K, B).

    ``right`` is None where every feature is a plain input; ``weight`` holds the
    index into [weights | 1 | 0] that multiplies or replaces the second factor.
    """

    left: np.ndarray
    right: np.ndarray | None
    weight: np.ndarray


@dataclass
class Step:
    """One pass over the state.

    kind "permute": ``gather``; "matrix": ``wires`` = (first, width) and ``row``
    (of the turns, negative counts constants from the end); "scale": diagonal
    exp(i (shared @ angles + constant)); "phase": data diagonal exp(i table @ K).
    """

    kind: str
    gather: np.ndarray | None = None
    wires: tuple[int, int] = (0, 0)
    row: int | None = None
    matrix: np.ndarray | None = None
    table: np.ndarray | None = None
    angles: list[tuple[int, float]] = field(default_factory=list)
    constant: np.ndarray | None = None


@dataclass
class Plan:
    """All a batched run needs; see the fields' classes for shapes."""

    n_wires: int
    n_inputs: int
    features: Features
    turns: Turns | None
    extra_constants: np.ndarray  # appended to the weights, first entry 0
    start_before: int | np.ndarray  # row of turns, or constant vectors (n, 2)
    start_after: int | np.ndarray  # row of turns, or constant matrices (n, 2, 2)
    start_data: np.ndarray  # (n, K): angle of the data turn about Z, per wire
    steps: list[Step]
    mode: str  # "rows", "probs" or "state"
    rows: dict[int, np.ndarray]  # flip mask -> (outputs, 2**n)
    order: np.ndarray | None  # basis order of full probabilities
    n_outputs: int


def make_plan(circuit: TracedCircuit) -> Plan:
    """Compile a traced circuit.

    Raises:
        UnsupportedCircuit: when a read-out table would be too large.
    """
    n = circuit.n_wires
    parts = lower(circuit.gates, circuit.n_inputs)
    start, layers, gather = schedule(parts, n, circuit.readouts)
    builder = _Builder(circuit)
    before = builder.row([s.before for s in start])
    after = builder.row([s.after for s in start])
    if isinstance(before, np.ndarray):
        before = before[:, :, 0]
    data = [[(builder.feature(p.angle), p.angle.scale) for p in s.data] for s in start]
    steps: list[Step] = []
    for layer in layers:
        steps += builder.steps(layer)
    features = builder.features()
    k = len(features.left)
    start_data = np.zeros((n, k))
    for wire, pairs in enumerate(data):
        for column, scale in pairs:
            start_data[wire, column] += scale
    for step in steps:
        if step.kind == "phase":
            step.table = np.pad(step.table, ((0, 0), (0, k - step.table.shape[1])))
    mode, rows, order, n_outputs = read_tables(circuit.readouts, n, gather)
    turns, constants = builder.turns(), np.array(builder.constants)
    return Plan(
        n, circuit.n_inputs, features, turns, constants, before, after, start_data,
        steps, mode, rows, order, n_outputs,
    )  # fmt: skip


class _Builder:
    """Collects rows of turns, data features and constant angles."""

    def __init__(self, circuit: TracedCircuit) -> None:
        self.circuit, self.n = circuit, circuit.n_wires
        self.rows: list[list[Chain]] = []
        self.columns: dict[tuple[int, ...], int] = {}
        self.constants = [0.0]

    def feature(self, angle: Angle) -> int:
        return self.columns.setdefault(angle.factors, len(self.columns))

    def shared(self, angle: Angle | None) -> tuple[int, float]:
        """Index into [weights | 0 | constants] and scale."""
        n_weights = self.circuit.n_weights
        if angle is None:
            return n_weights, 1.0
        if angle.factors:
            return angle.factors[0] - self.circuit.n_inputs, angle.scale
        self.constants.append(angle.scale)
        return n_weights + len(self.constants) - 1, 1.0

    def row(self, chains: list[Chain]) -> int | np.ndarray:
        if any(angle_is_trained(a) for c in chains for t in c.turns for a in t):
            self.rows.append(chains)
            return len(self.rows) - 1
        return np.stack([_constant_chain(chain) for chain in chains])

    def steps(self, layer: Layer) -> list[Step]:
        if layer.kind == "permute":
            return [Step("permute", gather=layer.gather)]
        if layer.kind == "turn":
            return self._turn_steps(layer)
        return self._phase_steps(layer)

    def _turn_steps(self, layer: Layer) -> list[Step]:
        chains = [layer.chains.get(wire, Chain()) for wire in range(self.n)]
        row, steps = self.row(chains), []
        for group in np.array_split(np.arange(self.n), math.ceil(self.n / GROUP)):
            if not layer.wires & set(group.tolist()):
                continue
            step = Step("matrix", wires=(int(group[0]), len(group)))
            if isinstance(row, int):
                step.row = row
            else:
                step.matrix = np.ones((1, 1))
                for wire in group:
                    step.matrix = np.kron(step.matrix, row[wire])
            steps.append(step)
        return steps

    def _phase_steps(self, layer: Layer) -> list[Step]:
        size, inputs = 2**self.n, self.circuit.n_inputs
        data = [p for p in layer.phases if p.angle.carries_data(inputs)]
        rest = [p for p in layer.phases if not p.angle.carries_data(inputs)]
        steps = []
        if rest:
            scale = Step("scale", constant=np.zeros(size))
            columns = []
            for phase in rest:
                table = self._expand(phase)
                if phase.angle.factors:
                    columns.append(table)
                    scale.angles.append(self.shared(phase.angle))
                else:
                    scale.constant += table * phase.angle.scale
            scale.table = np.stack(columns, 1) if columns else None
            steps.append(scale)
        if data:
            columns = [self.feature(phase.angle) for phase in data]
            table = np.zeros((size, len(self.columns)))
            for phase, column in zip(data, columns, strict=True):
                table[:, column] += phase.angle.scale * self._expand(phase)
            steps.append(Step("phase", table=table))
        return steps

    def _expand(self, phase: Phase) -> np.ndarray:
        return phase.table[local_index(phase.wires, self.n)]

    def turns(self) -> Turns | None:
        if not self.rows:
            return None
        depth = max(len(c.turns) for row in self.rows for c in row)
        shape = (depth, len(self.rows), self.n)
        index = np.full((*shape, 3), self.circuit.n_weights)
        scale = np.ones((*shape, 3))
        constants = np.tile(np.eye(2) + 0j, (depth + 1, *shape[1:], 1, 1))
        for r, row in enumerate(self.rows):
            for wire, chain in enumerate(row):
                for d, matrix in enumerate(chain.constants):
                    constants[d, r, wire] = matrix
                for d, turn in enumerate(chain.turns):
                    for a, angle in enumerate(turn):
                        index[d, r, wire, a], scale[d, r, wire, a] = self.shared(angle)
        return Turns(index, scale, constants)

    def features(self) -> Features:
        count, inputs = len(self.columns), self.circuit.n_inputs
        left, right = np.zeros((count, inputs)), np.zeros((count, inputs))
        one, nothing = self.circuit.n_weights, self.circuit.n_weights + 1
        weight = np.full(count, one)
        for factors, k in self.columns.items():
            left[k, factors[0]] = 1
            if len(factors) == 1:
                continue
            if factors[1] < inputs:
                right[k, factors[1]], weight[k] = 1, nothing
            else:
                weight[k] = factors[1] - inputs
        plain = bool((weight == one).all())
        return Features(left, None if plain else right, weight)


def angle_is_trained(angle: Angle | None) -> bool:
    """Whether the angle of a turn comes from a weight."""
    return angle is not None and bool(angle.factors)


def _constant_chain(chain: Chain) -> np.ndarray:
    matrix = chain.constants[0]
    for turn, constant in zip(chain.turns, chain.constants[1:], strict=True):
        phi, theta, omega = (0.0 if a is None else a.scale for a in turn)
        cos, sin = math.cos(theta / 2), math.sin(theta / 2)
        plus, minus = np.exp(0.5j * (phi + omega)), np.exp(0.5j * (phi - omega))
        rot = np.array([[cos / plus, -sin * minus], [sin / minus, cos * plus]], complex)
        matrix = constant @ rot @ matrix
    return matrix
