"""Kernels between samples for tests of independence: Gaussian and quantum fidelity.

A kernel turns standardised samples into a Gram matrix. The quantum ones are
fidelities of embedding circuits; a template is either RY rotations, two qubits per
column, with the closed form prod cos^4(c dx / 2), or two rounds of the IQP circuit
of Havlicek et al. (Nature 567, 209, 2019) on at least three qubits. The bandwidth c
multiplies the data before they become angles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pennylane as qml
import torch

from qglib import devices
from qglib.quantum import QuantumHead

__all__ = ["GaussianKernel", "QuantumKernel"]

_CIRCUITS = ("iqp", "ry")
_MOST_QUBITS = 12


@dataclass(frozen=True)
class GaussianKernel:
    """exp(-|a - b|^2 / (2 w^2)), w^2 the median squared distance of pairs.

    Attributes:
        scale: factor on the width, positive.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if not 0 < self.scale < np.inf:
            raise ValueError(f"scale={self.scale!r}: give a positive number.")

    @property
    def name(self) -> str:
        """What tables and figures call it."""
        return f"Gaussian, {self.scale:g} x median"

    def scaled(self, factor: float) -> GaussianKernel:
        """The kernel with another width."""
        return GaussianKernel(self.scale * factor)

    def gram(self, x: np.ndarray) -> np.ndarray:
        """Gram matrices (..., n, n) of samples (..., n, d)."""
        squares = (x * x).sum(-1)
        distance = squares[..., :, None] + squares[..., None, :]
        distance = np.maximum(distance - 2 * x @ np.swapaxes(x, -1, -2), 0)
        pairs = distance[..., *np.triu_indices(x.shape[-2], 1)]
        width = np.maximum(np.median(pairs, -1), 1e-12)[..., None, None]
        return np.exp(-distance / (2 * width * self.scale**2))


@dataclass(frozen=True)
class QuantumKernel:
    """Fidelity |<psi(c a)|psi(c b)>|^2 of an embedding circuit.

    Attributes:
        circuit: 'iqp' (2 rounds, max(3, columns) qubits) or 'ry' (2 qubits per
            column).
        bandwidth: factor c on the standardised samples, positive.
    """

    circuit: str = "iqp"
    bandwidth: float = 0.4

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if self.circuit not in _CIRCUITS:
            raise ValueError(f"circuit={self.circuit!r}: choose one of {_CIRCUITS}.")
        if not 0 < self.bandwidth < np.inf:
            raise ValueError(f"bandwidth={self.bandwidth!r}: give a positive number.")

    @property
    def name(self) -> str:
        """What tables and figures call it."""
        return f"{self.circuit.upper()} {self.bandwidth:g}"

    def scaled(self, factor: float) -> QuantumKernel:
        """The kernel with another width: the bandwidth is divided by the factor."""
        return QuantumKernel(self.circuit, self.bandwidth / factor)

    def gram(self, x: np.ndarray) -> np.ndarray:
        """Exact Gram matrices (..., n, n) of samples (..., n, d).

        All states come from one batched run. RY states of different columns do not
        touch, so their fidelities multiply and two qubits are held at a time.

        Raises:
            ValueError: more qubits than the simulation holds.
        """
        d = x.shape[-1]
        if self.circuit == "ry":
            grams = (_fidelities("ry", self.bandwidth * x[..., [k]]) for k in range(d))
            return np.prod(np.stack(list(grams)), 0)
        qubits = max(3, d)
        if qubits > _MOST_QUBITS:
            raise ValueError(
                f"{d} columns need {qubits} qubits, at most {_MOST_QUBITS} are "
                "simulated per sample: condition on fewer columns, or use "
                "circuit='ry'."
            )
        columns = [k % d for k in range(qubits)]
        return _fidelities("iqp", self.bandwidth * x[..., columns])


@cache
def _head(circuit: str, qubits: int) -> QuantumHead:
    """The batched run of an embedding: angles (..., qubits) -> states.

    'iqp' is twice H on every qubit, exp(i phi_j Z_j) and exp(i phi_j phi_k Z_j Z_k)
    on every pair, up to complex conjugation; 'ry' is RY(phi) on every qubit.
    """

    def iqp(inputs):
        for _ in range(2):
            for j in range(qubits):
                qml.Hadamard(j)
                qml.RZ(2 * inputs[..., j], wires=j)
            for j in range(qubits):
                for k in range(j):
                    qml.IsingZZ(2 * inputs[..., j] * inputs[..., k], wires=(k, j))
        return qml.state()

    def ry(inputs):
        for j in range(qubits):
            qml.RY(inputs[..., j], wires=j)
        return qml.state()

    device = devices.build("default.qubit", qubits)
    node = qml.QNode({"iqp": iqp, "ry": ry}[circuit], device)
    return QuantumHead(node, {}, n_inputs=qubits).double()


def _fidelities(circuit: str, angles: np.ndarray) -> np.ndarray:
    """Angles (..., n, d) -> fidelities (..., n, n), all states in one batch."""
    if circuit == "ry":
        angles = np.repeat(angles, 2, -1)
    flat = torch.as_tensor(np.ascontiguousarray(angles.reshape(-1, angles.shape[-1])))
    with torch.no_grad():
        states = _head(circuit, angles.shape[-1])(flat).numpy()
    states = states.reshape(*angles.shape[:-1], -1)
    a, b = states.real, states.imag  # real products are cheaper than complex ones
    left, turned = np.concatenate([a, b], -1), np.concatenate([b, -a], -1)
    real = left @ np.swapaxes(left, -1, -2)
    imaginary = left @ np.swapaxes(turned, -1, -2)
    return real * real + imaginary * imaginary
