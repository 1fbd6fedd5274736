"""Quantum circuits: batched heads, path search, kernels and geometry.

Everything here is simulated on classical hardware; nothing is a speed-up over the
best classical method, and the classical rival is always at hand.
"""

from __future__ import annotations

from qglib.quantum import circuits
from qglib.quantum.descent import descend, ising_ring
from qglib.quantum.drawing import draw_convergence, draw_costs, draw_variances
from qglib.quantum.grover import (
    GroverResult,
    MinimumSearch,
    durr_hoyer,
    grover_iterations,
    grover_qnode,
    grover_search,
    grover_success,
)
from qglib.quantum.head import QuantumHead
from qglib.quantum.kernel_classifier import FidelityKernelClassifier
from qglib.quantum.kernel_drawing import draw_bandwidths
from qglib.quantum.kernel_trial import angle_embedding, kernel_trial
from qglib.quantum.kernels import fidelity_kernel, pairwise_fidelity_kernel
from qglib.quantum.metric_tensor import (
    NaturalGradient,
    geometric_tensor,
    metric_tensor,
)
from qglib.quantum.optimiser_trial import compare_optimisers
from qglib.quantum.path_register import (
    PathRegister,
    layered_minimum,
    path_register,
    path_register_qaoa,
)
from qglib.quantum.plateaus import gradient_squares
from qglib.quantum.qaoa import QaoaResult, qaoa
from qglib.quantum.qaoa_circuit import qaoa_qnode, z_terms
from qglib.quantum.trace import UnsupportedCircuit
from qglib.quantum.verify import verify

__all__ = [
    "FidelityKernelClassifier",
    "GroverResult",
    "MinimumSearch",
    "NaturalGradient",
    "PathRegister",
    "QaoaResult",
    "QuantumHead",
    "UnsupportedCircuit",
    "angle_embedding",
    "circuits",
    "compare_optimisers",
    "descend",
    "draw_bandwidths",
    "draw_convergence",
    "draw_costs",
    "draw_variances",
    "durr_hoyer",
    "fidelity_kernel",
    "geometric_tensor",
    "gradient_squares",
    "grover_iterations",
    "grover_qnode",
    "grover_search",
    "grover_success",
    "ising_ring",
    "kernel_trial",
    "layered_minimum",
    "metric_tensor",
    "pairwise_fidelity_kernel",
    "path_register",
    "path_register_qaoa",
    "qaoa",
    "qaoa_qnode",
    "verify",
    "z_terms",
]
