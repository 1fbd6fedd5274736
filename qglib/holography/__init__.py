"""Wavelets as tensor networks: MERA circuits on signals, fixed and learnable."""

from qglib.holography.circuit import (
    D4_ANGLES,
    circuit_angles,
    filters,
    vanishing_moments,
)
from qglib.holography.drawing import draw_mera
from qglib.holography.frontend import MeraFrontEnd, log_energies
from qglib.holography.transform import (
    circuit_matrix,
    decompose,
    extend_periodically,
    largest_scales,
    reconstruct,
)
from qglib.holography.transformer import MeraFeatures
from qglib.holography.waveforms import band_waveforms

__all__ = [
    "D4_ANGLES",
    "MeraFeatures",
    "MeraFrontEnd",
    "band_waveforms",
    "circuit_angles",
    "circuit_matrix",
    "decompose",
    "draw_mera",
    "extend_periodically",
    "filters",
    "largest_scales",
    "log_energies",
    "reconstruct",
    "vanishing_moments",
]
