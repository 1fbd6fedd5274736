"""Which basis state every row of the state holds, pass by pass, both ways."""

from __future__ import annotations

import numpy as np

from qglib.engines.circuits.gates import Phase
from qglib.engines.circuits.lane_kernels import LANES
from qglib.engines.circuits.schedule import Pass, local_index


class Layout:
    """Follows the rows: first `ahead` for all passes, then `back` for all, reversed.

    Attributes:
        label: Basis state of every row.
        cells: For every pass its cell, or -1 - d for diagonal d.
        tables: For every pass its gather, forward and backward.
        gathers: The different gathers, in numbers of the flat state.
        phases: The phases of every diagonal.
        labels: Labels at every diagonal, forward and backward.
    """

    def __init__(self, n: int) -> None:
        """Rows in the order of the basis states."""
        self.n, self.label = n, np.arange(2**n)
        self.cells: list[int] = []
        self.tables: tuple[list[int], list[int]] = ([], [])
        self.gathers: list[np.ndarray] = []
        self.phases: list[list[Phase]] = []
        self.labels: tuple[list, list] = ([], [])
        self._known: dict[bytes, int] = {}

    def ahead(self, step: Pass) -> None:
        """Follow a pass; a permutation moves the labels instead of the rows."""
        if step.kind == "permute":
            self.label = np.argsort(step.gather)[self.label]
        elif step.kind == "turn":
            self.cells.append(step.cell)
            self.tables[0].append(self._pairs(step.wire))
        else:
            self.cells.append(-1 - len(self.phases))
            self.tables[0].append(0)
            self.phases.append(step.phases)
            self.labels[0].append(self.label)

    def back(self, step: Pass) -> None:
        """Follow the same pass undone."""
        if step.kind == "permute":
            self.label = step.gather[self.label]
        elif step.kind == "turn":
            self.tables[1].insert(0, self._pairs(step.wire))
        else:
            self.tables[1].insert(0, 0)
            self.labels[1].insert(0, self.label)

    def _pairs(self, wire: int) -> int:
        """Number of the gather that puts the pairs of a wire side by side."""
        bit = 1 << (self.n - 1 - wire)
        position = np.argsort(self.label)
        first = self.label[(self.label & bit) == 0]  # in the order of the rows
        self.label = np.stack([first, first | bit], 1).ravel()
        gather = (position[self.label] * 2 * LANES).astype(np.uint64)
        key = gather.tobytes()
        if key not in self._known:
            self._known[key] = len(self.gathers)
            self.gathers.append(gather)
        return self._known[key]

    def both(self, phase: Phase, diagonal: int) -> np.ndarray:
        """Table of a phase by row, forward and backward, (2, 2**n)."""
        table = phase.table[local_index(phase.wires, self.n)]
        return np.stack([table[labels[diagonal]] for labels in self.labels])
