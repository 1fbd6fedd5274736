"""Quantum circuits, simulated on classical hardware: heads, kernels and search."""

from qglib.quantum import circuits
from qglib.quantum.head import QuantumHead
from qglib.quantum.kernels import fidelity_kernel
from qglib.quantum.qaoa import qaoa
from qglib.quantum.verify import verify

__all__ = ["QuantumHead", "circuits", "fidelity_kernel", "qaoa", "verify"]
