"""Paths through a layered graph as the basis states of a register of digits.

One digit per layer names the node the path visits, so every basis state is a
path: no penalty terms and no invalid states. The best path of a layered graph is
found exactly in linear time (`layered_minimum`); the quantum searches over the
register verify themselves against it and are not a speed-up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pennylane as qml

from qglib.memory import require
from qglib.quantum.qaoa import QaoaResult, qaoa


@dataclass(frozen=True)
class PathRegister:
    """Cost of every path of a layered graph.

    Attributes:
        widths: Number of nodes of every layer.
        values: Cost of every path, first layer the most significant digit.
    """

    widths: tuple[int, ...]
    values: np.ndarray

    @property
    def n_qubits(self) -> int:
        """Qubits that hold the register, digit by digit."""
        return sum(math.ceil(math.log2(width)) for width in self.widths)

    def path(self, index: int) -> tuple[int, ...]:
        """Node numbers, layer by layer, of a basis state."""
        return tuple(int(k) for k in np.unravel_index(index, self.widths))

    def optima(self) -> list[tuple[int, ...]]:
        """All paths of least cost."""
        limit = self.values.min() + 1e-12 * max(1.0, abs(self.values).max())
        return [self.path(k) for k in np.flatnonzero(self.values <= limit)]


def _layered(costs: Sequence[np.ndarray]) -> list[np.ndarray]:
    tables = [np.asarray(table, float) for table in costs]
    if not tables:
        raise ValueError("costs is empty: give one table per pair of layers")
    for k, table in enumerate(tables):
        if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
            raise ValueError(
                f"costs[{k}] of shape {table.shape} must be a finite table (nodes of "
                f"layer {k}, nodes of layer {k + 1}); give missing edges a large cost"
            )
        if k and tables[k - 1].shape[1] != table.shape[0]:
            raise ValueError(
                f"costs[{k - 1}] ends in {tables[k - 1].shape[1]} nodes and "
                f"costs[{k}] starts with {table.shape[0]}: layers must join"
            )
    return tables


def path_register(costs: Sequence[np.ndarray]) -> PathRegister:
    """Costs of all paths of a layered graph as one vector.

    Args:
        costs: ``costs[k][a, b]`` is the cost of the edge from node a of layer k to
            node b of layer k + 1. A source or a target is a layer of one node.

    Raises:
        ValueError: for tables that do not join or are not finite.
        MemoryError: before allocating, when the vector would not fit.
    """
    tables = _layered(costs)
    widths = (tables[0].shape[0], *(table.shape[1] for table in tables))
    size = math.prod(widths)
    what = f"A register of {size} paths"
    require(16 * size, "cpu", what, "use layered_minimum, which needs one layer")
    values = np.zeros(widths[0])
    for table in tables:
        # The last digit of every path so far is the row of the next table.
        paths = values.reshape(-1, table.shape[0], 1)
        values = (paths + table).reshape(-1)
    return PathRegister(widths, values)


def layered_minimum(costs: Sequence[np.ndarray]) -> tuple[float, tuple[int, ...]]:
    """Least cost and its path by dynamic programming (Viterbi), in linear time."""
    tables = _layered(costs)
    best, choices = np.zeros(tables[0].shape[0]), []
    for table in tables:
        total = best[:, None] + table
        choices.append(total.argmin(0))
        best = total.min(0)
    path = [int(best.argmin())]
    for choice in reversed(choices):
        path.append(int(choice[path[-1]]))
    return float(best.min()), tuple(reversed(path))


def path_register_qaoa(
    costs: Sequence[np.ndarray],
    depth: int,
    rng: np.random.Generator,
    starts: int = 12,
    mixer: str = "complete",
    device: qml.devices.Device | str | None = None,
) -> QaoaResult:
    """QAOA for the cheapest path; read success beside uniform guessing.

    Args:
        costs: As for `path_register`.
        depth: Number of layers of the ansatz.
        rng: Source of the starting angles.
        starts: Random starts at depth 1.
        mixer: ``"complete"`` mixes all nodes of a layer with each other;
            ``"x"`` flips qubits and needs a power of two of nodes per layer.
        device: Runs the circuit of the angles found, with ``mixer="x"``; see
            `qglib.quantum.qaoa`.

    Raises:
        ValueError: for an unknown mixer, or widths that do not fit the X mixer.
    """
    register = path_register(costs)
    if mixer == "complete":
        widths: Sequence[int] = [width for width in register.widths if width > 1]
    elif mixer == "x":
        odd = [w for w in register.widths if w & (w - 1)]
        if odd:
            raise ValueError(
                f"mixer='x' needs powers of two, a layer has {odd[0]} nodes: "
                "use mixer='complete'"
            )
        widths = (2,) * register.n_qubits
    else:
        raise ValueError(f"mixer={mixer!r}: choose 'complete' or 'x'")
    return qaoa(register.values, depth, rng, starts, widths or (1,), device)
