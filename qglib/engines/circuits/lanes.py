"""A traced circuit as tables for the compiled simulation on the CPU.

The state of 16 samples is a matrix (2**n, 2, 16): amplitude, real and imaginary
part, sample. All gates on one wire between two gates on several wires become one
*cell*, a 2x2 matrix per sample; one pass applies it, reading its pairs of rows
through a table and writing them side by side. A permutation gate then costs
nothing: it only changes the tables of later passes (constant geometry, as in
Pease's fast Fourier transform, J. ACM 15, 252, 1968).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qglib.engines.circuits.angles import CONSTANT
from qglib.engines.circuits.gates import Angle, lower
from qglib.engines.circuits.lane_layout import Layout
from qglib.engines.circuits.readout import read_tables
from qglib.engines.circuits.schedule import Cell, arrange
from qglib.engines.circuits.trace import TracedCircuit


class LaneTables(NamedTuple):
    """All that the compiled passes need; C cells, K features, S steps, T tables.

    "Shared" angles are [weights | 0 | constants]; a chain is the product
    c[d] Rot(angles[d - 1]) c[d - 1] ... c[0]; cell k is chain 2 k + 1, a data turn
    about Z, chain 2 k. The first n cells make the product state at the start.
    """

    chain_depth: np.ndarray  # (2 C,) number of rotations
    chain_index: np.ndarray  # (2 C, D, 3) into the shared angles
    chain_scale: np.ndarray  # (2 C, D, 3)
    chain_constant: np.ndarray  # (2 C, D + 1, 2, 2) complex128
    cell_feature: np.ndarray  # (C,) feature of the data turn, -1 for none
    cell_sign: np.ndarray  # (C,)
    feature_column: np.ndarray  # (K,)
    feature_scale: np.ndarray  # (K,)
    step_cell: np.ndarray  # (S,) cell of a turn, -1 - d for diagonal d
    step_table: np.ndarray  # (S, 2) gather of a turn, forward and backward
    gather: np.ndarray  # (T, 2**n) uint64, times the length of a row
    diagonal: np.ndarray  # (2, D, 2**n) constant part, complex, by direction
    angle_range: np.ndarray  # (D, 2, 2) shared angles, data phases of a diagonal
    angle_index: np.ndarray  # (P,) into the shared angles
    angle_table: np.ndarray  # (2, P, 2**n) radians per radian
    phase_feature: np.ndarray  # (Q,)
    phase_table: np.ndarray  # (2, Q, 2**n) int64 halves of the feature
    flips: np.ndarray  # (F, 2**n) row of the flipped basis state
    rows: np.ndarray  # (F, 2, 2**n, R) read-out, real and imaginary part
    order: np.ndarray  # outputs as rows of the state: (R,), or empty for `rows`
    unwind: np.ndarray  # (2**n,) row of a basis state after the way back


@dataclass
class LanePlan:
    """Tables of one circuit, and what its outputs are."""

    tables: LaneTables
    extra: np.ndarray  # follows the weights among the shared angles, first entry 0
    n_wires: int
    n_outputs: int
    complex_output: bool
    squared: bool  # `order` names probabilities rather than amplitudes


def make_lane_plan(circuit: TracedCircuit) -> LanePlan:
    """Compile a traced circuit into tables.

    Raises:
        UnsupportedCircuit: when a read-out table would be too large.
    """
    n, size = circuit.n_wires, 2**circuit.n_wires
    cells, steps = arrange(lower(circuit.gates, circuit.program.n_columns), circuit)
    writer = _Writer(circuit, cells)
    layout = Layout(n)
    for step in steps:
        layout.ahead(step)
    position = np.argsort(layout.label)
    mode, rows, order, n_outputs = read_tables(circuit.readouts, n, position)
    masks = sorted(rows)
    flips = np.array([position[layout.label ^ mask] for mask in masks], int)
    stacked = np.zeros((len(masks), 2, size, n_outputs if masks else 0))
    for k, mask in enumerate(masks):
        stacked[k, 0], stacked[k, 1] = rows[mask].real.T, rows[mask].imag.T
    if mode == "state":
        order = position
    for step in reversed(steps):
        layout.back(step)
    tables = writer.tables(
        layout,
        flips=flips.reshape(len(masks), size),
        rows=stacked,
        order=np.zeros(0, int) if order is None else np.ascontiguousarray(order),
    )
    extra = np.array(writer.constants)
    return LanePlan(tables, extra, n, n_outputs, mode == "state", mode == "probs")


class _Writer:
    """Cells, features and angles as arrays."""

    def __init__(self, circuit: TracedCircuit, cells: list[Cell]) -> None:
        self.columns, self.shared = circuit.program.n_columns, circuit.program.n_shared
        self.features: dict[tuple[int, float], int] = {}
        self.constants = [0.0]
        self.cells = cells

    def feature(self, angle: Angle) -> int:
        key = angle.slot, abs(angle.scale)
        return self.features.setdefault(key, len(self.features))

    def number(self, angle: Angle | None) -> tuple[int, float]:
        """Index into [shared | 0 | constants] and scale."""
        if angle is None:
            return self.shared, 1.0
        if angle.slot != CONSTANT:
            return angle.slot - self.columns, angle.scale
        self.constants.append(angle.scale)
        return self.shared + len(self.constants) - 1, 1.0

    def tables(self, layout: Layout, **read_out: np.ndarray) -> LaneTables:
        chains = [chain for cell in self.cells for chain in (cell.before, cell.after)]
        depth = max(1, *(len(chain.turns) for chain in chains))
        index = np.full((len(chains), depth, 3), self.shared)
        scale = np.ones(index.shape)
        constant = np.tile(np.eye(2) + 0j, (len(chains), depth + 1, 1, 1))
        for k, chain in enumerate(chains):
            constant[k, : len(chain.constants)] = chain.constants
            for d, turn in enumerate(chain.turns):
                for a, angle in enumerate(turn):
                    index[k, d, a], scale[k, d, a] = self.number(angle)
        size = 2**layout.n
        data = [cell.data for cell in self.cells]
        feature = [-1 if a is None else self.feature(a) for a in data]
        sign = [1.0 if a is None else np.copysign(1.0, a.scale) for a in data]
        diagonals = self._diagonals(layout)  # may find more features
        features = np.array(list(self.features), float).reshape(-1, 2)
        return LaneTables(
            chain_depth=np.array([len(chain.turns) for chain in chains]),
            chain_index=index,
            chain_scale=scale,
            chain_constant=constant,
            cell_feature=np.array(feature),
            cell_sign=np.array(sign),
            feature_column=features[:, 0].astype(int),
            feature_scale=features[:, 1].copy(),
            step_cell=np.array(layout.cells, int),
            step_table=np.array(layout.tables, int).T.copy(),
            gather=np.array(layout.gathers, np.uint64).reshape(-1, size),
            unwind=np.argsort(layout.label),
            **diagonals,
            **read_out,
        )

    def _diagonals(self, layout: Layout) -> dict[str, np.ndarray]:
        size, count = 2**layout.n, len(layout.phases)
        constant = np.zeros((2, count, size))
        limits = np.zeros((count, 2, 2), int)
        indices, angles, which, halves = [], [], [], []
        for d, phases in enumerate(layout.phases):
            limits[d, :, 0] = len(indices), len(which)
            for phase in phases:
                angle, table = phase.angle, layout.both(phase, d)
                if angle.carries_data(self.columns):
                    which.append(self.feature(angle))
                    halves.append(np.rint(2 * np.copysign(table, table * angle.scale)))
                elif angle.slot != CONSTANT:
                    index, scale = self.number(angle)
                    indices.append(index)
                    angles.append(scale * table)
                else:
                    constant[:, d] += angle.scale * table
            limits[d, :, 1] = len(indices), len(which)
        factor = np.exp(1j * constant)
        snapped = np.round(factor)  # signs of CZ exactly, not to 1e-16
        stack = {"angle_table": (angles, float), "phase_table": (halves, int)}
        tables = {
            name: np.array(values, kind).reshape(-1, 2, size).swapaxes(0, 1).copy()
            for name, (values, kind) in stack.items()
        }
        return {
            "diagonal": np.where(abs(factor - snapped) < 1e-14, snapped, factor),
            "angle_range": limits,
            "angle_index": np.array(indices, int),
            "phase_feature": np.array(which, int),
            **tables,
        }
