"""Running a QNode itself, with torch tensors in and out."""

from __future__ import annotations

from collections.abc import Mapping

import pennylane as qml
import torch

from qglib import devices


def call_qnode(
    qnode: qml.QNode, inputs: torch.Tensor, weights: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Outputs (B, n_outputs) of a QNode for inputs (B, n_inputs)."""
    result = qnode(inputs=inputs, **weights)
    parts = list(result) if isinstance(result, tuple | list) else [result]
    columns = []
    for part in parts:
        part = torch.as_tensor(part)
        matched = part.dim() > 0 and part.shape[0] == len(inputs)
        columns.append(
            part.reshape(len(inputs), -1) if matched else part.reshape(1, -1)
        )
    columns = [column.expand(len(inputs), -1) for column in columns]
    return torch.cat(columns, 1)


def rebuild(qnode: qml.QNode, backend: str) -> qml.QNode:
    """The same circuit on the backend's device, differentiable by torch."""
    if qnode.device.name == backend:
        return qnode.update(interface="torch") if qnode.interface != "torch" else qnode
    device = devices.build(backend, qnode.device.wires)
    method = "backprop" if backend == "default.qubit" else "adjoint"
    return qml.QNode(qnode.func, device, interface="torch", diff_method=method)
