"""Measurements as tables that act on a batch of final states."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from qglib.engines.circuits.angles import UnsupportedCircuit
from qglib.engines.circuits.schedule import local_index
from qglib.engines.circuits.trace import Readout

LARGEST_TABLE = 2**24  # entries of a read-out matrix


def read_tables(
    readouts: tuple[Readout, ...], n: int, label: np.ndarray
) -> dict[str, np.ndarray]:
    """Tables of all measurements.

    Args:
        readouts: The measurements.
        n: Number of wires.
        label: Basis state of every row of the state.

    Returns:
        ``flips``, ``rows`` and ``order`` of `qglib.engines.circuits.lanes.LaneTables`.

    Raises:
        UnsupportedCircuit: when a table would be too large.
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
        raise UnsupportedCircuit(
            f"{count} outputs of {n} qubits need too large a table"
        )
    rows = defaultdict(lambda: np.zeros((size, count), complex))
    for readout, start in zip(readouts, np.cumsum(widths) - widths, strict=True):
        if readout.kind == "probs":
            rows[0][range(size), start + local_index(readout.wires, n)] = 1
        for coefficient, word in readout.words:
            mask, row = _word_row(word, n)
            rows[mask][:, start] += coefficient * row
    masks = sorted(rows) or [0]
    return {
        "flips": np.array([position[label ^ mask] for mask in masks]),
        "rows": np.array([[rows[m].real[label], rows[m].imag[label]] for m in masks]),
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
