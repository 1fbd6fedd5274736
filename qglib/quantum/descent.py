"""Optimisers on the weights of a circuit, with what every iteration costs.

Circuits are counted as hardware would run them, per sample: a loss 1; a gradient 2 P
by the parameter-shift rule; a block-diagonal metric 3 circuits a layer (commuting
generators are measured together, Stokes et al., Quantum 4, 269, 2020); a full metric
2 P (P - 1) + P fidelities (4 shifts a pair, 1 on the diagonal: Mari, Bromley,
Killoran, Phys. Rev. A 103, 012405, 2021). Seconds are those of the simulation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pennylane as qml
import torch
from scipy.optimize import minimize

from qglib.quantum.circuits import ring
from qglib.quantum.head import QuantumHead
from qglib.quantum.metric_tensor import NaturalGradient

OPTIMISERS = ("adam", "lbfgs", "natural_full", "natural_block")


@dataclass(frozen=True)
class Problem:
    """A loss of a head's weights.

    Attributes:
        build: makes the head; its weights are drawn anew by `descend`.
        inputs: samples (B, n_inputs), float64.
        loss: of the head's outputs, to be lowered.
        target: loss that counts as reached.
        layers: of the circuit, for the price of a block-diagonal metric.
        metric_samples: samples the metric of natural gradient is averaged over.
    """

    build: Callable[[], QuantumHead]
    inputs: torch.Tensor
    loss: Callable[[torch.Tensor], torch.Tensor]
    target: float
    layers: int
    metric_samples: int = 1


@dataclass
class Descent:
    """Loss after every iteration, with circuits and seconds spent until then.

    Entry 0 of each list is the start.
    """

    losses: list[float] = field(default_factory=list)
    circuits: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def first(self, target: float) -> int | None:
        """First iteration at or below the target, None if there is none."""
        return next((k for k, loss in enumerate(self.losses) if loss <= target), None)


def ising_ring(n: int, layers: int, target: float = 0.05) -> Problem:
    """Energy per qubit of -sum Z Z - sum X on a ring, above the exact ground.

    The critical transverse-field Ising ring; layers of Rot and a ring of CZ.
    """
    pairs = ring(n)
    words = [qml.Z(a) @ qml.Z(b) for a, b in pairs] + [qml.X(k) for k in range(n)]
    energy = qml.Hamiltonian([-1.0] * len(words), words)
    ground = np.linalg.eigvalsh(qml.matrix(energy, wire_order=range(n)))[0]

    def circuit(inputs, weights):
        rotations(weights, n)
        return qml.expval(energy)

    def loss(outputs: torch.Tensor) -> torch.Tensor:
        return (outputs.sum() - ground) / n

    nothing = torch.zeros(1, 1, dtype=torch.float64)
    return Problem(
        lambda: head_without_data(circuit, n, layers), nothing, loss, target, layers
    )


def rotations(weights: Any, n: int) -> None:
    """Layers of Rot on every qubit and a ring of CZ, inside a QNode."""
    for layer in weights:
        for wire in range(n):
            qml.Rot(*layer[wire], wires=wire)
        for pair in ring(n):
            qml.CZ(pair)


def head_without_data(circuit: Callable, n: int, layers: int) -> QuantumHead:
    """Head of a circuit that does not read its one input."""
    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=n), interface="torch")
    return QuantumHead(qnode, {"weights": (layers, n, 3)}, "batched", n_inputs=1)


def descend(
    problem: Problem, method: str, rate: float, damping: float, seed: int, steps: int
) -> Descent:
    """One run from uniform weights of a seed, simulated in double precision.

    Args:
        problem: what to lower.
        method: one of `OPTIMISERS`; ``"lbfgs"`` is scipy's L-BFGS-B, whose line
            search sets the step; every evaluation of it is counted.
        rate: learning rate; for ``"lbfgs"`` the length of its memory.
        damping: of natural gradient, not used by the others.
        seed: of the first weights.
        steps: iterations; L-BFGS may stop earlier and keeps its last entry then.

    Raises:
        ValueError: for an unknown method or fewer than one step.
    """
    if method not in OPTIMISERS or steps < 1:
        raise ValueError(
            f"method={method!r}, steps={steps}: choose one of {', '.join(OPTIMISERS)} "
            "and at least 1 step"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = problem.build().double()
        with torch.no_grad():  # drawn in double precision
            head.weights.copy_(2 * math.pi * torch.rand(head.weights.shape).double())
    x, size = problem.inputs, head.weights.numel()
    run, spent, began = Descent(), 0, time.perf_counter()

    def closure() -> torch.Tensor:
        nonlocal spent
        spent += len(x) * (1 + 2 * size)
        head.zero_grad()
        loss = problem.loss(head(x))
        loss.backward()
        return loss

    def note() -> None:
        with torch.no_grad():
            run.losses.append(float(problem.loss(head(x))))
        run.circuits.append(spent)
        run.seconds.append(time.perf_counter() - began)

    note()
    if method == "lbfgs":
        _line_searches(head, closure, note, int(rate), steps)
        for series in (run.losses, run.circuits, run.seconds):
            series += [series[-1]] * (steps + 1 - len(series))
        return run
    if method == "adam":
        optimiser = torch.optim.Adam(head.parameters(), lr=rate)
    else:
        mode = method.removeprefix("natural_")
        optimiser = NaturalGradient(head, rate, damping, mode)
        price = 3 * problem.layers if mode == "block" else 2 * size * (size - 1) + size
    for step in range(steps):
        closure()
        if method == "adam":
            optimiser.step()
        else:
            k = problem.metric_samples
            optimiser.step(x[[(step * k + i) % len(x) for i in range(k)]])
            spent += k * price
        note()
    return run


def _line_searches(
    head: QuantumHead, closure: Callable, note: Callable, memory: int, steps: int
) -> None:
    def set_weights(flat: np.ndarray) -> None:
        with torch.no_grad():
            head.weights.copy_(torch.as_tensor(flat).view_as(head.weights))

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        set_weights(flat)
        loss = closure()
        return float(loss.detach()), head.weights.grad.numpy().ravel().copy()

    def each(intermediate_result):  # scipy asks for this name
        set_weights(intermediate_result.x)
        note()

    options = {"maxiter": steps, "maxcor": memory, "ftol": 0, "gtol": 1e-10}
    start = head.weights.detach().numpy().ravel().copy()
    minimize(value, start, jac=True, method="L-BFGS-B", callback=each, options=options)
