"""Grover search as a circuit, its closed form, and minimum finding on top of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pennylane as qml

from qglib import devices


@dataclass(frozen=True)
class GroverResult:
    """Outcome of a Grover search.

    Attributes:
        success: Probability of a marked state in one shot, from the circuit.
        closed_form: The same from sin^2((2k+1) theta).
        uniform: The same for guessing: marked / states.
        iterations: Number k of oracle calls (the cost of one call is not counted).
        probabilities: Of all basis states.
    """

    success: float
    closed_form: float
    uniform: float
    iterations: int
    probabilities: np.ndarray


def grover_iterations(n_states: int, n_marked: int = 1) -> int:
    """Number of iterations with the largest success before the first overshoot."""
    theta = math.asin(math.sqrt(n_marked / n_states))
    return max(0, round(math.pi / (4 * theta) - 0.5))


def grover_success(n_states: int, n_marked: int, iterations: int) -> float:
    """sin^2((2k+1) theta) with sin^2 theta = marked / states.

    Boyer, Brassard, Hoyer, Tapp, Fortschr. Phys. 46, 493 (1998), equation 1.
    """
    theta = math.asin(math.sqrt(n_marked / n_states))
    return math.sin((2 * iterations + 1) * theta) ** 2


def grover_search(
    n_qubits: int,
    marked: int | Iterable[int],
    device: qml.devices.Device | str = "default.qubit",
    iterations: int | None = None,
) -> GroverResult:
    """Run Grover's search as a PennyLane circuit.

    Args:
        n_qubits: Size of the register, at least 2.
        marked: Basis state(s) the oracle flips; wire 0 is the most significant bit.
        device: A PennyLane device with wires 0..n_qubits-1, or the name of one.
        iterations: Oracle calls; by default the best number for this many marks.

    Raises:
        ValueError: for fewer than two qubits, and for marked states that are
            missing or outside the register.
    """
    states = {marked} if isinstance(marked, int | np.integer) else set(marked)
    states = sorted(int(state) for state in states)
    if n_qubits < 2:
        raise ValueError(f"n_qubits={n_qubits}: Grover's diffusion needs at least 2")
    if not states or states[0] < 0 or states[-1] >= 2**n_qubits:
        raise ValueError(
            f"marked={states}: give at least one state in 0..{2**n_qubits - 1}"
        )
    if iterations is None:
        iterations = grover_iterations(2**n_qubits, len(states))
    probabilities = np.asarray(grover_qnode(n_qubits, states, device)(iterations))
    return GroverResult(
        success=float(probabilities[states].sum()),
        closed_form=grover_success(2**n_qubits, len(states), iterations),
        uniform=len(states) / 2**n_qubits,
        iterations=iterations,
        probabilities=probabilities,
    )


def grover_qnode(
    n_qubits: int, marked: list[int], device: qml.devices.Device | str
) -> qml.QNode:
    """QNode of the number of iterations giving all probabilities, for drawing too."""
    if isinstance(device, str):
        device = devices.build(device, n_qubits)
    wires = range(n_qubits)
    bits = [[state >> (n_qubits - 1 - w) & 1 for w in wires] for state in marked]

    @qml.qnode(device)
    def circuit(iterations):
        for wire in wires:
            qml.Hadamard(wire)
        for _ in range(iterations):
            for pattern in bits:
                qml.FlipSign(pattern, wires=wires)
            qml.GroverOperator(wires=wires)
        return qml.probs(wires=wires)

    return circuit


@dataclass(frozen=True)
class MinimumSearch:
    """Outcome of `durr_hoyer`: the state found and the oracle calls it took."""

    index: int
    value: float
    queries_to_best: int
    queries: int


def durr_hoyer(values: np.ndarray, rng: np.random.Generator) -> MinimumSearch:
    """Minimum finding by Grover search under a falling threshold.

    Durr and Hoyer (arXiv:quant-ph/9607014), simulated with the exact success
    probability of every Grover run instead of a circuit. It stops after
    22.5 sqrt(N) + 1.4 log2(N)^2 oracle calls, the paper's bound for success with
    probability at least one half.

    Args:
        values: One number per basis state, at least one.
        rng: Source of the measurement outcomes.

    Raises:
        ValueError: for an empty vector or numbers that are not finite.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError("values must be a non-empty vector of finite numbers")
    size = len(values)
    budget = 22.5 * math.sqrt(size) + 1.4 * math.log2(size) ** 2
    index = int(rng.integers(size))
    queries, at_best, reach = 0, 0, 1.0
    while queries < budget:
        better = np.flatnonzero(values < values[index])
        if not len(better):
            break  # a true run cannot know this; queries_to_best is what it paid
        iterations = int(rng.integers(math.ceil(reach)))
        queries += iterations + 1  # the outcome is checked with one more call
        if rng.random() < grover_success(size, len(better), iterations):
            index, at_best, reach = int(rng.choice(better)), queries, 1.0
        else:
            reach = min(1.2 * reach, math.sqrt(size))
    return MinimumSearch(index, float(values[index]), at_best, queries)
