"""Causal structure from tables, optimal causal paths, and interventions on inputs."""

from qglib.causal.alarms import Cusum, calibrate, change_point, cusum, delays, ewma
from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.discovery import discover
from qglib.causal.effects import (
    best_path,
    effects_over_class,
    effects_over_resamples,
    fit_linear_model,
)
from qglib.causal.graphs import (
    class_members,
    class_size,
    cpdag,
    graph_metrics,
    identifiability,
)
from qglib.causal.intervene import intervene
from qglib.causal.kernel_tests import KernelTests
from qglib.causal.learners import exact_search
from qglib.causal.networks import load_network
from qglib.causal.scores import discrete_bic as discrete_bic

__all__ = [
    "Cusum", "GaussianKernel", "KernelTests", "QuantumKernel", "best_path", "calibrate",
    "change_point", "class_members", "class_size", "cpdag", "cusum", "delays",
    "discover", "effects_over_class", "effects_over_resamples", "ewma",
    "exact_search", "fit_linear_model", "graph_metrics", "identifiability",
    "intervene", "load_network",
]  # fmt: skip
