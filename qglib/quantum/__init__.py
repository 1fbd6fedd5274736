"""Quantum circuits: batched heads, kernels, geometry and search.

Everything here is simulated on classical hardware; nothing is a speed-up over the
best classical method, and the classical rival is always at hand.
"""

from __future__ import annotations

from qglib.quantum import circuits
from qglib.quantum.head import QuantumHead
from qglib.quantum.kernels import fidelity_kernel, pairwise_fidelity_kernel
from qglib.quantum.qaoa import qaoa
from qglib.quantum.verify import verify

__all__ = [
    "QuantumHead",
    "circuits",
    "fidelity_kernel",
    "pairwise_fidelity_kernel",
    "qaoa",
    "verify",
]
