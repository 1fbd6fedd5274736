"""Kernels between samples for tests of independence: Gaussian and quantum fidelity.

Angles of the quantum ones are the standardised data times a bandwidth c: RY rotations,
two qubits per column, by their closed form prod cos^4(c dx / 2), or two rounds of the
IQP circuit of Havlicek et al. (Nature 567, 209, 2019), simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pennylane as qml
import torch

from qglib import devices
from qglib.quantum import QuantumHead

_MOST_QUBITS = 12


@dataclass(frozen=True)
class GaussianKernel:
    """exp(-|a - b|^2 / (2 w^2)), w^2 the median squared distance of pairs."""

    scale: float = 1.0  # factor on the width, positive

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
    """Fidelity |<psi(c a)|psi(c b)>|^2 of an embedding circuit."""

    circuit: str = "iqp"  # 2 rounds, max(3, columns) qubits; or 'ry', 2 per column
    bandwidth: float = 0.4  # factor c on the standardised samples, positive

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if self.circuit not in ("iqp", "ry"):
            raise ValueError(f"circuit={self.circuit!r}: choose 'iqp' or 'ry'.")
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
        """Exact Gram matrices (..., n, n) of samples (..., n, d)."""
        angles, d = self.bandwidth * x, x.shape[-1]
        if self.circuit == "ry":
            gram = np.ones((*x.shape[:-1], x.shape[-2]))
            for column in np.moveaxis(angles, -1, 0):
                gram *= np.cos((column[..., :, None] - column[..., None, :]) / 2) ** 4
            return gram
        qubits = max(3, d)
        if qubits > _MOST_QUBITS:
            raise ValueError(
                f"{d} columns need {qubits} qubits, more than {_MOST_QUBITS}: "
                "condition on fewer columns, or use circuit='ry'."
            )
        angles = angles[..., [k % d for k in range(qubits)]]
        with torch.no_grad():  # all states in one batch
            states = _iqp(qubits)(torch.as_tensor(angles.reshape(-1, qubits))).numpy()
        states = states.reshape(*angles.shape[:-1], -1)
        a, b = states.real, states.imag  # real products are cheaper than complex ones
        left, turned = np.concatenate([a, b], -1), np.concatenate([b, -a], -1)
        real = left @ np.swapaxes(left, -1, -2)
        imaginary = left @ np.swapaxes(turned, -1, -2)
        return real * real + imaginary * imaginary


Kernel = GaussianKernel | QuantumKernel


@cache
def _iqp(qubits: int) -> QuantumHead:
    """Angles (..., qubits) to states: twice H, exp(i phi_j Z_j) and, on every pair,
    exp(i phi_j phi_k Z_j Z_k), up to complex conjugation.
    """

    @qml.qnode(devices.build("default.qubit", qubits))
    def circuit(inputs):
        for _ in range(2):
            for j in range(qubits):
                qml.Hadamard(j)
                qml.RZ(2 * inputs[..., j], wires=j)
            for j in range(qubits):
                for k in range(j):
                    qml.IsingZZ(2 * inputs[..., j] * inputs[..., k], wires=(k, j))
        return qml.state()

    return QuantumHead(circuit, {}, n_inputs=qubits).double()
