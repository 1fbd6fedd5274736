"""Reading a QNode: which gate angle is which input, weight, product or constant.

The QNode is run twice on random numbers. Every angle it asks for is then looked
up by value: a float64 that equals input 3 in both runs *is* input 3. One run is
positive, the other negative and beyond 2 pi, so that relu(x), abs(x) or a wrapped
angle changes a value in one of them and is refused instead of compiled wrongly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pennylane as qml
import torch

from qglib.engines.circuits.gates import SUPPORTED, Angle, Gate


class UnsupportedCircuit(ValueError):
    """The circuit is outside what batched simulation can express."""


@dataclass(frozen=True)
class Readout:
    """One measurement: "expval", "probs" or "state".

    ``words`` holds, for an expectation value, pairs of a real coefficient and a
    Pauli word {wire: "X" | "Y" | "Z"}; ``wires`` the wires of probabilities.
    """

    kind: str
    words: tuple[tuple[float, dict[int, str]], ...] = ()
    wires: tuple[int, ...] = ()


@dataclass(frozen=True)
class TracedCircuit:
    """Gates and read-outs of a QNode, free of PennyLane objects."""

    n_wires: int
    n_inputs: int
    n_weights: int
    gates: tuple[Gate, ...]
    readouts: tuple[Readout, ...]


def trace(
    qnode: qml.QNode, weight_shapes: Mapping[str, tuple[int, ...]], n_inputs: int
) -> TracedCircuit:
    """Trace ``qnode(inputs=..., **weights)`` for ``n_inputs`` inputs a sample.

    Args:
        qnode: Any QNode; its device is not used.
        weight_shapes: Shape of every weight argument.
        n_inputs: Width of one sample.

    Raises:
        UnsupportedCircuit: with a one-line reason, when the circuit holds
            anything that batched simulation does not cover.
    """
    tapes, values = [], []
    for low, high, seed in ((0.1, 1.1, 1), (-8.1, -7.1, 2)):
        generator = torch.Generator("cpu").manual_seed(seed)
        # Loaders build models on the meta device, where a probe has no numbers.
        with torch.device("cpu"):
            inputs, weights = _draw(weight_shapes, n_inputs, low, high, generator)
            tapes.append(_basic_tape(qnode, inputs, weights))
        flat = torch.cat([inputs, *(w.flatten() for w in weights.values())])
        values.append(flat.numpy())
    first, second = tapes
    lookup = _AngleLookup(values[0], values[1], n_inputs)
    number = _wire_numbers(qnode, first)
    if _signature(first) != _signature(second):
        raise UnsupportedCircuit("the structure of the circuit depends on the data")
    gates = []
    for a, b in zip(first.operations, second.operations, strict=True):
        gate = _read_gate(a, b, number, lookup)
        if gate is not None:
            gates.append(gate)
    readouts = []
    for a, b in zip(first.measurements, second.measurements, strict=True):
        readouts.append(_read_measurement(a, number))
        if readouts[-1] != _read_measurement(b, number):
            raise UnsupportedCircuit("an observable depends on the data")
    if len(readouts) > 1 and any(r.kind == "state" for r in readouts):
        raise UnsupportedCircuit("qml.state() beside other measurements")
    if not readouts:
        raise UnsupportedCircuit("the circuit measures nothing")
    n_weights = len(values[0]) - n_inputs
    return TracedCircuit(
        len(number), n_inputs, n_weights, tuple(gates), tuple(readouts)
    )


def _draw(shapes, n_inputs, low, high, generator):
    def draw(shape):
        unit = torch.rand(shape, generator=generator, dtype=torch.float64)
        return low + (high - low) * unit

    return draw((n_inputs,)), {name: draw(shape) for name, shape in shapes.items()}


def _basic_tape(qnode, inputs, weights):
    construct = qml.workflow.construct_tape(qnode, level="user")
    if not len(inputs):
        return _basic_gates(construct(**weights))
    try:
        tape = construct(inputs=inputs, **weights)
    except Exception:  # a circuit may be written for a batch only: inputs[:, i]
        tape = construct(inputs=inputs[None], **weights)
    return _basic_gates(tape)


def _basic_gates(tape):
    if tape.shots.total_shots is not None:
        raise UnsupportedCircuit(f"the QNode uses shots ({tape.shots.total_shots})")
    if any(
        type(op).__name__ in {"MidMeasureMP", "MidMeasure", "Conditional"}
        for op in tape.operations
    ):
        raise UnsupportedCircuit("the QNode measures in mid-circuit")
    try:
        [tape], _ = qml.devices.preprocess.decompose(
            tape,
            name="batched simulation",
            stopping_condition=_is_basic,
            skip_initial_state_prep=False,
        )
    except Exception as error:
        text = str(error).splitlines()[0][:120]
        raise UnsupportedCircuit(f"a gate has no decomposition: {text}") from error
    return tape


def _is_basic(op) -> bool:
    fixed = len(op.wires) <= 1 and not op.parameters and op.has_matrix
    return op.name in SUPPORTED or fixed


def _signature(tape):
    gates = [(op.name, tuple(op.wires)) for op in tape.operations]
    return gates, [(type(m).__name__, tuple(m.wires)) for m in tape.measurements]


def _wire_numbers(qnode, tape) -> dict:
    """Wires in the device's order; unused ones are dropped where nobody sees them."""
    known = qnode.device.wires if qnode.device.wires is not None else None
    ordered = list(known) if known is not None else sorted(tape.wires, key=str)
    if known is None and all(isinstance(w, int) for w in tape.wires):
        ordered = sorted(tape.wires)
    whole = any(
        isinstance(m, qml.measurements.StateMP)
        or (isinstance(m, qml.measurements.ProbabilityMP) and not m.wires)
        for m in tape.measurements
    )
    if not whole:
        used = set(tape.wires)
        ordered = [wire for wire in ordered if wire in used]
    if not ordered:
        raise UnsupportedCircuit("the circuit has no qubit")
    return {wire: k for k, wire in enumerate(ordered)}


class _AngleLookup:
    """Finds the source of an angle by its value in both probes."""

    def __init__(self, first: np.ndarray, second: np.ndarray, n_inputs: int) -> None:
        self.first, self.second, self.n_inputs = first, second, n_inputs
        self.single = {float(value): k for k, value in enumerate(first)}
        self.pairs: dict[float, tuple[int, int]] | None = None

    def __call__(self, a: float, b: float) -> Angle:
        if a == b:
            return Angle((), a)
        for sign in (1.0, -1.0):
            k = self.single.get(sign * a)
            if k is not None and self.second[k] == sign * b:
                return Angle((k,), sign)
        if self.pairs is None:
            self.pairs = {
                float(self.first[i] * value): (i, k)
                for i in range(self.n_inputs)
                for k, value in enumerate(self.first)
                if k >= i
            }
        for sign in (1.0, -1.0):
            i, k = self.pairs.get(sign * a, (-1, -1))
            if i >= 0 and float(self.second[i] * self.second[k]) == sign * b:
                return Angle((i, k), sign)
        raise UnsupportedCircuit(
            "an angle is computed from inputs or weights inside the QNode"
        )


def _read_gate(a, b, number, lookup: Callable[[float, float], Angle]) -> Gate | None:
    if a.name in {"Barrier", "Identity"}:
        return None
    wires = tuple(number[wire] for wire in a.wires)
    values = [np.asarray(qml.math.toarray(p)) for p in a.parameters]
    others = [np.asarray(qml.math.toarray(p)) for p in b.parameters]
    if a.name not in SUPPORTED:
        if len(wires) > 1:
            raise UnsupportedCircuit(f"gate {a.name} on {len(wires)} wires")
        return Gate("fixed", wires, (), np.asarray(qml.matrix(a), complex))
    if any(value.size != 1 for value in values):
        raise UnsupportedCircuit(f"gate {a.name} carries a batch of angles")
    angles = tuple(
        lookup(float(v.item()), float(w.item()))
        for v, w in zip(values, others, strict=True)
    )
    return Gate(a.name, wires, angles)


def _read_measurement(m, number) -> Readout:
    if getattr(m, "mv", None) is not None:
        raise UnsupportedCircuit("the QNode measures in mid-circuit")
    if isinstance(m, qml.measurements.ExpectationMP) and m.obs is not None:
        sentence = m.obs.pauli_rep
        if sentence is None:
            raise UnsupportedCircuit(f"observable {m.obs} is not made of Pauli words")
        words = []
        for word, coefficient in sentence.items():
            value = complex(qml.math.toarray(coefficient))
            if not math.isclose(value.imag, 0.0, abs_tol=1e-12):
                raise UnsupportedCircuit(f"observable {m.obs} is not Hermitian")
            words.append((value.real, {number[w]: p for w, p in word.items()}))
        return Readout("expval", tuple(words))
    if type(m) is qml.measurements.ProbabilityMP and m.obs is None:
        wires = tuple(number[w] for w in m.wires) or tuple(range(len(number)))
        return Readout("probs", (), wires)
    if type(m) is qml.measurements.StateMP:
        return Readout("state")
    raise UnsupportedCircuit(
        f"measurement {m} is not an expectation value, probs or state"
    )
