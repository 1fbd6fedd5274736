"""A traced circuit as tables for the compiled simulation on the CPU.

The state of 16 samples is a matrix (2**n, 2, 16): amplitude, real and imaginary part,
sample. All gates on one wire between two on several wires become one *cell*, a 2x2
matrix per sample; one pass reads its pairs of rows through a table and writes them side
by side, so that permutations only change the tables of later passes (constant geometry,
as in Pease's fast Fourier transform, J. ACM 15, 252, 1968).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qglib.engines.circuits.angles import CONSTANT
from qglib.engines.circuits.gates import Angle, Phase, lower
from qglib.engines.circuits.lane_kernels import LANES
from qglib.engines.circuits.schedule import (
    Cell,
    Pass,
    arrange,
    local_index,
    read_tables,
)
from qglib.engines.circuits.trace import TracedCircuit


class LaneTables(NamedTuple):
    """All that the compiled passes need; C cells, K features, S steps, T tables.

    "Shared" angles are those of the weights. The matrix of a cell is
    cos(x / 2) A + sin(x / 2) B of its feature x, without one A; A and B are chains
    c[d] Z(angles[d - 1]) c[d - 1] ... c[0] that differ in a constant, Z(t) a turn
    about Z. The first n cells make the product state at the start.
    """

    chain_depth: np.ndarray  # (C,) number of turns
    chain_index: np.ndarray  # (C, D) into the shared angles
    chain_scale: np.ndarray  # (C, D)
    chain_constant: np.ndarray  # (C, 2, D + 1, 2, 2) complex128, of A and B
    cell_feature: np.ndarray  # (C,) feature of the data turn, -1 for none
    feature_column: np.ndarray  # (K,)
    feature_scale: np.ndarray  # (K,)
    step_cell: np.ndarray  # (S,) cell of a turn, -1 - d for diagonal d
    step_table: np.ndarray  # (2, S) gather of a turn, forward and backward
    gather: np.ndarray  # (T, 2**n) uint64, times the length of a row
    diagonal: np.ndarray  # (2, D, 2**n) constant part, complex; backward undone
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
    n_wires: int
    n_outputs: int
    complex_output: bool
    squared: bool  # `order` names probabilities rather than amplitudes


def make_lane_plan(circuit: TracedCircuit) -> LanePlan:
    """Compile a traced circuit into tables."""
    n, columns = circuit.n_wires, circuit.program.n_columns
    cells, steps = arrange(lower(circuit.gates), circuit)
    known: dict[bytes, int] = {}
    label, ahead, before = _follow(steps, np.arange(2**n), known)
    end, back, behind = _follow(steps[::-1], label, known)
    labels = np.stack([before, behind[::-1]]).reshape(2, -1, 2**n)
    phases = [step.phases for step in steps if step.kind == "phase"]
    features: dict[tuple[int, float], int] = {}  # column and scale of each
    tables: dict[str, np.ndarray] = {
        **_chains(cells, columns, features),
        **_diagonals(phases, labels, circuit, features),
        **read_tables(circuit.readouts, n, label),
        "step_cell": np.array([s.cell for s in steps if s.kind != "permute"], int),
        "step_table": np.array([ahead, back[::-1]], int),
        "gather": np.frombuffer(b"".join(known), np.uint64).reshape(-1, 2**n).copy(),
        "unwind": np.argsort(end),
        "feature_column": np.array([slot for slot, _ in features], int),
        "feature_scale": np.array([scale for _, scale in features], float),
    }
    whole = len(tables["order"])
    state = circuit.readouts[0].kind == "state"
    n_outputs = whole or tables["rows"].shape[-1]
    return LanePlan(LaneTables(**tables), n, n_outputs, state, whole > 0 and not state)


def _follow(
    steps: list[Pass], label: np.ndarray, known: dict[bytes, int]
) -> tuple[np.ndarray, list[int], list[np.ndarray]]:
    """The last labels (basis states of the rows), all gathers, labels at diagonals."""
    # a permutation, its own inverse, moves labels; a turn puts pairs side by side
    gathers, labels = [], []
    for step in steps:
        if step.move is not None:
            label = step.move[label]
            continue
        number = 0
        if step.kind == "turn":
            position = np.argsort(label)
            first = label[(label & step.bit) == 0]  # in the order of the rows
            label = np.stack([first, first | step.bit], 1).ravel()
            key = (position[label] * 2 * LANES).astype(np.uint64).tobytes()
            number = known.setdefault(key, len(known))
        else:
            labels.append(label)
        gathers.append(number)
    return label, gathers, labels


def _feature(angle: Angle, features: dict) -> int:
    return features.setdefault((angle.slot, abs(angle.scale)), len(features))


def _chains(cells: list[Cell], columns: int, features: dict) -> dict[str, np.ndarray]:
    depth = max(len(cell.turns) for cell in cells)
    index = np.zeros((len(cells), depth), int)
    scale = np.zeros(index.shape)
    constant = np.tile(np.eye(2) + 0j, (len(cells), 2, depth + 1, 1, 1))
    for k, cell in enumerate(cells):
        constant[k, :, : len(cell.constants)] = np.stack(cell.constants, 1)
        for d, angle in enumerate(cell.turns):
            index[k, d], scale[k, d] = angle.slot - columns, angle.scale
    data = [cell.data for cell in cells]
    return {
        "chain_depth": np.array([len(cell.turns) for cell in cells]),
        "chain_index": index,
        "chain_scale": scale,
        "chain_constant": constant,
        "cell_feature": np.array(
            [-1 if a is None else _feature(a, features) for a in data]
        ),
    }


def _diagonals(
    diagonals: list[list[Phase]],
    labels: np.ndarray,
    circuit: TracedCircuit,
    features: dict,
) -> dict[str, np.ndarray]:
    """Tables and angles of the phases of every diagonal, sorted by kind."""
    _, count, size = labels.shape
    n, columns = circuit.n_wires, circuit.program.n_columns
    constant = np.zeros((2, count, size))
    limits = np.zeros((count, 2, 2), int)
    indices, angles, which, halves = list[int](), [], list[int](), []
    for d, phases in enumerate(diagonals):
        limits[d, :, 0] = len(indices), len(which)
        for phase in phases:
            angle, table = phase.angle, phase.table[local_index(phase.wires, n)]
            table = np.stack([table[labels[0, d]], -table[labels[1, d]]])
            if angle.carries_data(columns):
                which.append(_feature(angle, features))
                halves.append(np.rint(2 * np.copysign(table, table * angle.scale)))
            elif angle.slot != CONSTANT:
                indices.append(angle.slot - columns)
                angles.append(angle.scale * table)
            else:
                constant[:, d] += angle.scale * table
        limits[d, :, 1] = len(indices), len(which)
    factor = np.exp(1j * constant)
    snapped = np.round(factor)  # signs of CZ exactly, not to 1e-16
    both = {
        "angle_table": np.array(angles, float),
        "phase_table": np.array(halves, int),
    }
    return {
        "diagonal": np.where(abs(factor - snapped) < 1e-14, snapped, factor),
        "angle_range": limits,
        "angle_index": np.array(indices, int),
        "phase_feature": np.array(which, int),
        **{k: v.reshape(-1, 2, size).swapaxes(0, 1).copy() for k, v in both.items()},
    }
