"""How large the gradients of a circuit are: the curves of barren plateaus.

Over uniform angles the gradient of a deep circuit vanishes exponentially with the
number of qubits (McClean et al., Nat. Commun. 9, 4812, 2018), sooner for a global
observable than for a local one (Cerezo et al., Nat. Commun. 12, 1791, 2021).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pennylane as qml
import torch

from qglib.quantum.circuits import ring
from qglib.quantum.head import QuantumHead

CIRCUITS = ("reuploading", "strong")
STARTS = ("uniform", "near_identity")
OBSERVABLES = ("local", "global")
"""Z of the first qubit, and the product of Z of all qubits."""


def angles_as_inputs(circuit: str, n: int, depth: int) -> QuantumHead:
    """Head whose inputs are [features (n) | weights (depth, n, 3)]: a batch of draws.

    Outputs: <Z_0> and <Z_0 ... Z_(n-1)>.

    Args:
        circuit: ``"reuploading"`` (see `qglib.quantum.circuits`) or ``"strong"`` (one
            angle embedding, then StronglyEntanglingLayers).
        n: Number of qubits.
        depth: Number of layers.
    """
    if circuit not in CIRCUITS:
        raise ValueError(f"circuit={circuit!r}: choose one of {', '.join(CIRCUITS)}")

    def body(inputs):
        def weight(layer, wire):
            start = n + 3 * (layer * n + wire)
            return [inputs[..., start + k] for k in range(3)]

        for layer in range(depth):
            if layer == 0 or circuit == "reuploading":
                for wire in range(n):
                    rotate = qml.RY if circuit == "reuploading" else qml.RX
                    rotate(inputs[..., wire], wires=wire)
            for wire in range(n):
                qml.Rot(*weight(layer, wire), wires=wire)
            if circuit == "reuploading":
                for pair in ring(n):
                    qml.CZ(pair)
            elif n > 1:
                reach = layer % (n - 1) + 1  # PennyLane's default ranges
                for wire in range(n):
                    qml.CNOT([wire, (wire + reach) % n])
        words = qml.Z(0), qml.prod(*map(qml.Z, range(n))) if n > 1 else qml.Z(0)
        return [qml.expval(word) for word in words]

    qnode = qml.QNode(body, qml.device("default.qubit", wires=n), interface="torch")
    return QuantumHead(qnode, {}, "batched", n_inputs=n + 3 * n * depth)


def draw_angles(
    start: str, n: int, depth: int, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Features and weights of all draws, (draws, n + 3 n depth) radians.

    ``"uniform"``: over the circle. ``"near_identity"``: weights N(0, .1) and features
    pi tanh z with z of deviation .17, as the token head starts.
    """
    if start not in STARTS:
        raise ValueError(f"start={start!r}: choose one of {', '.join(STARTS)}")
    if start == "uniform":
        return rng.uniform(-math.pi, math.pi, (draws, n + 3 * n * depth))
    features = math.pi * np.tanh(0.17 * rng.normal(size=(draws, n)))
    return np.hstack([features, rng.normal(0, 0.1, (draws, 3 * n * depth))])


def gradient_squares(
    circuit: str,
    start: str,
    n: int,
    depth: int,
    draws: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Mean square gradient over the weights for every draw, by observable.

    For uniform angles its mean over the draws is the variance of the gradient, whose
    mean is zero. Simulated in double precision, in 1 / radian^2.
    """
    head = angles_as_inputs(circuit, n, depth)
    angles = torch.tensor(draw_angles(start, n, depth, draws, rng))
    angles.requires_grad_()
    values = head(angles).sum(0)
    found = {}
    for k, name in enumerate(OBSERVABLES):
        (slope,) = torch.autograd.grad(values[k], angles, retain_graph=True)
        found[name] = slope[:, n:].square().mean(1).numpy()
    return found


def deviations(
    rows: Sequence[Mapping[str, Any]],
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Fresh draws against recorded mean squares, in standard errors of the difference.

    Args:
        rows: circuit, start, observable, qubits, depth, mean_square and
            standard_error, as in ``barren_plateau.json``.
        draws: fresh draws per row.
        rng: draws the angles.

    Returns:
        One number per row, about normal with deviation 1 where both agree.
    """
    found = []
    for row in rows:
        shape = row["circuit"], row["start"], row["qubits"], row["depth"]
        values = gradient_squares(*shape, draws, rng)[row["observable"]]
        width = np.hypot(row["standard_error"], values.std() / math.sqrt(draws))
        found.append((values.mean() - row["mean_square"]) / width)
    return np.array(found)
