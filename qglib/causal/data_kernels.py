"""Kernels between samples for tests of independence: Gaussian and quantum fidelity.

A kernel turns standardised samples into a Gram matrix. The quantum ones are
fidelities of embedding circuits; a template is either RY rotations, two qubits per
column, with the closed form prod cos^4(c dx / 2), or two rounds of the IQP circuit
of Havlicek et al. (Nature 567, 209, 2019) on at least three qubits. The bandwidth c
multiplies the data before they become angles.

Finite shots: hardware measures each pair's probability of all zeros, so an entry is
a binomial share; clipping negative eigenvalues makes such a matrix a kernel again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pennylane as qml
import torch

from qglib.quantum import QuantumHead

__all__ = ["GaussianKernel", "QuantumKernel"]

_CIRCUITS = ("iqp", "ry")
_MOST_QUBITS = 12


@dataclass(frozen=True)
class GaussianKernel:
    """exp(-|a - b|^2 / (2 w^2)) with a width taken from the samples.

    Attributes
    ----------
    scale: factor on the width, positive.
    rule: 'median': w^2 is the median squared distance of pairs; 'empirical': the
        fixed widths of causal-learn, .8 (.5 from 200 samples on) for pairs and 1.2
        (.7) times the root of the number of columns under a condition.
    """

    scale: float = 1.0
    rule: str = "median"

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if self.rule not in ("median", "empirical"):
            raise ValueError(f"rule={self.rule!r}: choose 'median' or 'empirical'.")
        if not 0 < self.scale < np.inf:
            raise ValueError(f"scale={self.scale!r}: give a positive number.")

    @property
    def name(self) -> str:
        """What tables and figures call it."""
        if self.rule == "empirical":
            return "Gaussian, fixed width"
        return f"Gaussian, {self.scale:g} x median"

    def gram(self, x: np.ndarray, conditional: bool = False) -> np.ndarray:
        """Gram matrices (..., n, n) of samples (..., n, d)."""
        n, d = x.shape[-2:]
        squares = (x * x).sum(-1)
        distance = squares[..., :, None] + squares[..., None, :]
        distance = np.maximum(distance - 2 * x @ np.swapaxes(x, -1, -2), 0)
        if self.rule == "median":
            pairs = distance[..., *np.triu_indices(n, 1)]
            width = np.maximum(np.median(pairs, -1), 1e-12)[..., None, None]
        elif conditional:
            width = d * (1.2 if n < 200 else 0.7) ** 2
        else:
            width = d * (0.8 if n < 200 else 0.5) ** 2
        return np.exp(-distance / (2 * width * self.scale**2))

    def measured(self, gram: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """The Gram matrix as it is: nothing is sampled."""
        return gram


@dataclass(frozen=True)
class QuantumKernel:
    """Fidelity |<psi(c a)|psi(c b)>|^2 of an embedding circuit.

    Attributes
    ----------
    circuit: 'iqp' (2 rounds, max(3, columns) qubits) or 'ry' (2 qubits per column).
    bandwidth: factor c on the standardised samples, positive.
    shots: measurements per pair; None for the exact kernel.
    clip: set negative eigenvalues of a sampled Gram matrix to zero.
    """

    circuit: str = "iqp"
    bandwidth: float = 0.4
    shots: int | None = None
    clip: bool = True

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        if self.circuit not in _CIRCUITS:
            raise ValueError(f"circuit={self.circuit!r}: choose one of {_CIRCUITS}.")
        if not 0 < self.bandwidth < np.inf:
            raise ValueError(f"bandwidth={self.bandwidth!r}: give a positive number.")
        if self.shots is not None and self.shots < 1:
            raise ValueError(f"shots={self.shots}: give at least 1, or None for exact.")

    @property
    def name(self) -> str:
        """What tables and figures call it."""
        shots = "" if self.shots is None else f", {self.shots} shots"
        return f"{self.circuit.upper()} {self.bandwidth:g}{shots}"

    def qubits(self, columns: int) -> int:
        """Qubits of the circuit that embeds so many columns."""
        return max(3, columns) if self.circuit == "iqp" else 2 * columns

    def gram(self, x: np.ndarray, conditional: bool = False) -> np.ndarray:
        """Exact Gram matrices (..., n, n) of samples (..., n, d).

        All states come from one batched run. RY states of different columns do not
        touch, so their fidelities multiply and two qubits are held at a time.

        Raises
        ------
        ValueError: more qubits than the simulation holds.
        """
        d = x.shape[-1]
        if self.circuit == "ry":
            grams = (_fidelities("ry", self.bandwidth * x[..., [k]]) for k in range(d))
            return np.prod(np.stack(list(grams)), 0)
        if self.qubits(d) > _MOST_QUBITS:
            raise ValueError(
                f"{d} columns need {self.qubits(d)} qubits, at most {_MOST_QUBITS} are "
                "simulated per sample: condition on fewer columns, or use "
                "circuit='ry'."
            )
        columns = [k % d for k in range(self.qubits(d))]
        return _fidelities("iqp", self.bandwidth * x[..., columns])

    def measured(self, gram: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """Gram matrices (..., n, n) as `shots` per pair would give them.

        One circuit per pair of different samples; the diagonal is 1 and not measured.

        Raises
        ------
        ValueError: shots are asked for and `rng` is missing.
        """
        if self.shots is None:
            return gram
        if rng is None:
            raise ValueError("shots need rng=numpy.random.default_rng(seed).")
        rows, columns = np.triu_indices(gram.shape[-1], 1)
        chances = np.clip(gram[..., rows, columns], 0, 1)
        shares = rng.binomial(self.shots, chances) / self.shots
        noisy = np.zeros_like(gram)
        noisy[..., rows, columns] = shares
        noisy += np.swapaxes(noisy, -1, -2) + np.eye(gram.shape[-1])
        if not self.clip:
            return noisy
        values, vectors = np.linalg.eigh(noisy)
        positive = np.maximum(values, 0)[..., None, :]
        return (vectors * positive) @ np.swapaxes(vectors, -1, -2)


def embedding(circuit: str, qubits: int) -> qml.QNode:
    """QNode of ``inputs`` (..., qubits) in radians that returns the embedded state.

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

    gates = {"iqp": iqp, "ry": ry}[circuit]
    return qml.QNode(gates, qml.device("default.qubit", wires=qubits))


@cache
def _head(circuit: str, qubits: int) -> QuantumHead:
    return QuantumHead(embedding(circuit, qubits), {}, n_inputs=qubits).double()


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
    gram, imaginary = (
        left @ np.swapaxes(left, -1, -2),
        left @ np.swapaxes(turned, -1, -2),
    )
    gram *= gram
    imaginary *= imaginary
    gram += imaginary
    return gram
