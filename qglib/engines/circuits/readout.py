"""Measurements as tables that act on a batch of final states."""

from __future__ import annotations

import numpy as np

from qglib.engines.circuits.angles import UnsupportedCircuit
from qglib.engines.circuits.schedule import local_index
from qglib.engines.circuits.trace import Readout

LARGEST_TABLE = 2**24  # entries of a read-out matrix


def read_tables(
    readouts: tuple[Readout, ...], n: int, gather: np.ndarray
) -> tuple[str, dict[int, np.ndarray], np.ndarray | None, int]:
    """Tables of all measurements.

    Args:
        readouts: The measurements.
        n: Number of wires.
        gather: Permutation still owed to the probabilities, p_true = p[gather].

    Returns:
        ``(mode, rows, order, n_outputs)``. Mode "rows": output r is the sum over
        flip masks x and states j of Re rows[x][r, j] conj(psi[j]) psi[j ^ x].
        Mode "probs": the outputs are p[order]. Mode "state": the amplitudes.

    Raises:
        UnsupportedCircuit: when a table would be too large.
    """
    size = 2**n
    if readouts[0].kind == "state":
        return "state", {}, None, size
    if len(readouts) == 1 and readouts[0].kind == "probs":
        wires = readouts[0].wires
        if len(wires) == n:
            order = np.argsort(local_index(wires, n))
            return "probs", {}, gather[order], size
    blocks: list[dict[int, np.ndarray]] = []
    count = sum(2 ** len(r.wires) if r.kind == "probs" else 1 for r in readouts)
    if count * size > LARGEST_TABLE:
        raise UnsupportedCircuit(
            f"{count} outputs of {n} qubits need too large a table"
        )
    for readout in readouts:
        if readout.kind == "probs":
            local = local_index(readout.wires, n)
            block = {0: (local == np.arange(2 ** len(readout.wires))[:, None]) * 1.0}
        else:
            block = {}
            for coefficient, word in readout.words:
                mask, row = _word_row(word, n)
                block[mask] = block.get(mask, 0) + coefficient * row[None]
        blocks.append(block)
    heights = [next(iter(b.values())).shape[0] if b else 1 for b in blocks]
    rows = {}
    inverse = np.argsort(gather)
    for mask in sorted({m for b in blocks for m in b} | {0}):
        parts = [
            b.get(mask, np.zeros((h, size)))
            for b, h in zip(blocks, heights, strict=True)
        ]
        rows[mask] = np.concatenate(parts)[:, inverse]
    return "rows", rows, None, sum(heights)


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
