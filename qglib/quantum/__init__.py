"""Quantum circuits: batched heads, kernels, geometry and search.

Everything here is simulated on classical hardware; nothing is a speed-up over the
best classical method, and the classical rival is always at hand.
"""

from __future__ import annotations

from qglib.engines.circuits.trace import UnsupportedCircuit
from qglib.quantum import circuits
from qglib.quantum.grover import durr_hoyer, grover_search
from qglib.quantum.head import QuantumHead
from qglib.quantum.kernels import fidelity_kernel, pairwise_fidelity_kernel
from qglib.quantum.metric_tensor import metric_tensor
from qglib.quantum.path_register import (
    layered_minimum as layered_minimum,
)
from qglib.quantum.path_register import (
    path_register,
)
from qglib.quantum.path_register import (
    path_register_qaoa as path_register_qaoa,
)
from qglib.quantum.qaoa import qaoa
from qglib.quantum.qaoa_circuit import qaoa_qnode
from qglib.quantum.verify import verify

__all__ = [
    "QuantumHead",
    "UnsupportedCircuit",
    "circuits",
    "durr_hoyer",
    "fidelity_kernel",
    "grover_search",
    "metric_tensor",
    "pairwise_fidelity_kernel",
    "path_register",
    "qaoa",
    "qaoa_qnode",
    "verify",
]
