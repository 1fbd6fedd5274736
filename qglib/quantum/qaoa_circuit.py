"""The QAOA ansatz as gates, for drawing, for devices and as the oracle."""

from __future__ import annotations

import numpy as np
import pennylane as qml

from qglib import devices


def qubit_widths(size: int) -> tuple[int, ...]:
    """Two levels for every qubit of ``size`` = 2**n states.

    Raises:
        ValueError: when ``size`` is no power of two.
    """
    qubits = size.bit_length() - 1
    if size < 2 or 2**qubits != size:
        raise ValueError(
            f"{size} values are no power of two: pass the widths of the digits"
        )
    return (2,) * qubits


def z_terms(values: np.ndarray) -> list[tuple[float, tuple[int, ...]]]:
    """Coefficients of a diagonal cost in products of Z, by the Walsh transform.

    Args:
        values: 2**n costs, wire 0 the most significant bit.

    Returns:
        (coefficient, wires) of every term above rounding; no wires = constant.
    """
    coefficients = np.asarray(values, float)
    n = len(qubit_widths(len(coefficients)))
    for wire in range(n):
        pair = coefficients.reshape(2**wire, 2, -1)
        halves = [pair[:, 0] + pair[:, 1], pair[:, 0] - pair[:, 1]]
        coefficients = np.stack(halves, 1).reshape(-1) / 2
    limit = 1e-12 * max(1.0, abs(coefficients).max())
    return [
        (float(c), tuple(w for w in range(n) if mask >> (n - 1 - w) & 1))
        for mask, c in enumerate(coefficients)
        if abs(c) > limit
    ]


def qaoa_qnode(
    values: np.ndarray, device: qml.devices.Device | str, probabilities: bool = False
) -> qml.QNode:
    """The same ansatz as gates: QNode of (gammas, betas) giving the mean cost.

    Phases are MultiRZ gates of the cost's Z products, mixers RX(2 beta).

    Args:
        values: 2**n costs, wire 0 the most significant bit.
        device: A PennyLane device with wires 0..n-1, or the name of one.
        probabilities: Give those of all basis states instead of the mean cost.
    """
    terms = z_terms(values)
    n = len(qubit_widths(len(values)))
    if isinstance(device, str):
        device = devices.build(device, n)
    words = [qml.prod(*map(qml.Z, w)) if w else qml.Identity(0) for _, w in terms]
    cost = qml.Hamiltonian([c for c, _ in terms], words)

    @qml.qnode(device)
    def circuit(gammas, betas):
        for wire in range(n):
            qml.Hadamard(wire)
        for gamma, beta in zip(gammas, betas, strict=True):
            for coefficient, wires in terms:
                if wires:
                    qml.MultiRZ(2 * coefficient * gamma, wires=wires)
            for wire in range(n):
                qml.RX(2 * beta, wires=wire)
        return qml.probs(wires=range(n)) if probabilities else qml.expval(cost)

    return circuit
