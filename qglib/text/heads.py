"""Classifier heads that stand on the encoder's features, one token at a time."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

HEADS = ("linear", "mlp", "bottleneck", "quantum")


class QuantumTokenHead(nn.Module):
    """Linear to ``qubits`` numbers, a variational circuit on them, linear to labels.

    Rotation angles are ``pi * tanh(...)``, so the circuit sees one period; the
    circuit is `qglib.quantum.circuits.reuploading`.
    """

    def __init__(
        self, n_inputs: int, n_labels: int, qubits: int, layers: int, device: Any = None
    ) -> None:
        """Build on ``device``, a PennyLane device (default: default.qubit)."""
        super().__init__()
        import pennylane as qml

        from qglib.quantum import QuantumHead, circuits

        device = device if device is not None else qml.device("default.qubit", qubits)
        qnode, weight_shapes, n_outputs = circuits.reuploading(device, qubits, layers)
        self.reduce = nn.Linear(n_inputs, qubits)
        self.circuit = QuantumHead(qnode, weight_shapes, backend="auto")
        self.read_out = nn.Linear(n_outputs, n_labels)
        # Starts near the identity and in the linear range of tanh: random angles
        # all over the circle leave little gradient (Grant et al., Quantum 3, 214).
        with torch.no_grad():
            self.reduce.weight.mul_(0.3)
            for weight in self.circuit.parameters():
                weight.normal_(0.0, 0.1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``(..., n_inputs)`` to ``(..., n_labels)``."""
        angles = math.pi * torch.tanh(self.reduce(features))
        flat = self.circuit(angles.reshape(-1, angles.shape[-1]))
        return self.read_out(flat.reshape(*angles.shape[:-1], -1))


def build_head(
    name: str,
    n_inputs: int,
    n_labels: int,
    *,
    qubits: int = 8,
    layers: int = 3,
    dropout: float = 0.1,
    device: Any = None,
) -> nn.Module:
    """A head ``(..., n_inputs) -> (..., n_labels)``.

    ``"linear"``: dropout and one linear map. ``"mlp"``: 256 GELU units, dropout
    at least .2. ``"bottleneck"``: tanh to ``qubits`` numbers, tanh to 16, linear:
    the classical control of the quantum head, of about its size. ``"quantum"``:
    see `QuantumTokenHead`.

    Raises
    ------
    ValueError
        an unknown name or no positive number of qubits or layers.
    """
    if name not in HEADS:
        raise ValueError(f"head must be one of {', '.join(HEADS)}, got {name!r}")
    if qubits < 1 or layers < 1:
        raise ValueError(
            f"qubits and layers must be at least 1, got {qubits} and {layers}"
        )
    if name == "linear":
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(n_inputs, n_labels))
    if name == "mlp":
        return nn.Sequential(
            nn.Linear(n_inputs, 256),
            nn.GELU(),
            nn.Dropout(max(dropout, 0.2)),
            nn.Linear(256, n_labels),
        )
    if name == "bottleneck":
        return nn.Sequential(
            nn.Linear(n_inputs, qubits),
            nn.Tanh(),
            nn.Linear(qubits, 16),
            nn.Tanh(),
            nn.Linear(16, n_labels),
        )
    # from_pretrained builds on the meta device, where a circuit cannot be traced
    with torch.device("cpu"):
        return QuantumTokenHead(n_inputs, n_labels, qubits, layers, device)
