"""Fidelity kernels k(a, b) = |<psi(a)|psi(b)>|^2 of an embedding circuit."""

import numpy as np
import pennylane as qml
import torch

from qglib.memory import require
from qglib.quantum.head import QuantumHead


def fidelity_kernel(
    qnode: qml.QNode, x: np.ndarray, y: np.ndarray | None = None, backend: str = "auto"
) -> np.ndarray:
    """Gram matrix from all states at once and one matrix product.

    N states instead of N^2 circuits: a choice open to simulation only, hardware
    pays for the pairs (``qml.kernels``, notebook 24). Scale the inputs first: the
    bandwidth of a quantum kernel decides whether it generalises (Shaydulin, Wild,
    Phys. Rev. A 106, 042407, 2022).

    Args:
        qnode: QNode of ``inputs`` alone that returns ``qml.state()``.
        x: Samples (N, n_inputs).
        y: Other samples (M, n_inputs); by default ``x``.
        backend: What makes the states, as for `QuantumHead`.

    Returns:
        (N, M) float64; MemoryError before allocating, when it would not fit.
    """
    x = _table("x", x)
    y = None if y is None else _table("y", y)
    n = len(x) if y is None else len(y)
    what = f"A Gram matrix of {len(x)} x {n}"
    require(24 * len(x) * n, "cpu", what, "use fewer samples")
    head = QuantumHead(qnode, {}, backend, n_inputs=x.shape[1]).double()
    left = _states(head, x)
    right = left if y is None else _states(head, y)
    overlap = left.conj() @ right.T
    gram = np.real(overlap) ** 2 + np.imag(overlap) ** 2
    # a matrix product need not be symmetric to the bit
    return (gram + gram.T) / 2 if y is None else gram


def _table(name: str, values: np.ndarray) -> np.ndarray:
    table = np.asarray(values, float)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError(
            f"{name} of shape {table.shape} must be a table of finite numbers "
            "(samples, inputs)"
        )
    return table


def _states(head: QuantumHead, samples: np.ndarray) -> np.ndarray:
    """Samples (N, n_inputs) -> states (N, 2**n), complex128."""
    with torch.no_grad():
        states = head(torch.as_tensor(samples))
    if not states.is_complex():
        raise ValueError("the QNode must return qml.state() and nothing else")
    return states.numpy()
