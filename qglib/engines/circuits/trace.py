"""Reading a QNode: gates, read-outs, and what every angle is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pennylane as qml
import torch

from qglib.engines.circuits.angles import Follower, Program, UnsupportedCircuit
from qglib.engines.circuits.gates import SUPPORTED, Angle, Gate


@dataclass(frozen=True)
class Readout:
    """One measurement."""

    kind: str  # "expval", "probs" or "state"
    words: tuple[tuple[float, dict[int, str]], ...] = ()  # {wire: "X" | "Y" | "Z"}
    wires: tuple[int, ...] = ()  # of probabilities


@dataclass(frozen=True)
class TracedCircuit:
    """Gates and read-outs of a QNode, angles by the slots of ``program``."""

    n_wires: int
    program: Program
    gates: tuple[Gate, ...]
    readouts: tuple[Readout, ...]


def trace(
    qnode: qml.QNode, weight_shapes: Mapping[str, tuple[int, ...]], n_inputs: int
) -> TracedCircuit:
    """Trace ``qnode(inputs=..., **weights)`` for ``n_inputs`` inputs a sample.

    What batched simulation does not cover is an UnsupportedCircuit, with the reason.
    """
    probes, tapes = [], []
    for low, high, seed in ((0.1, 1.1, 1), (-8.1, -7.1, 2)):
        generator = torch.Generator("cpu").manual_seed(seed)
        inputs, weights = _draw(weight_shapes, n_inputs, low, high, generator)
        follower = Follower([inputs, *weights.values()])
        with follower:
            tapes.append(_basic_tape(qnode, inputs, weights))
        probes.append((follower, inputs, [*weights.values()]))
    first, second = tapes
    number = _wire_numbers(qnode, first)
    if _signature(first) != _signature(second):
        raise UnsupportedCircuit("the structure of the circuit depends on the data")
    follower = probes[0][0]
    found = [[follower.find(p) for p in _parameters(op)] for op in first.operations]
    used = [slot for angles in found for slot, _ in angles]
    program = Program(follower, n_inputs, used)
    flat = [pair for angles in found for pair in angles]
    for (_, inputs, weights), tape in zip(probes, tapes, strict=True):
        _check(program, flat, tape, inputs, weights)
    gates = []
    for op, angles in zip(first.operations, found, strict=True):
        if op.name not in {"Barrier", "Identity"}:
            placed = [Angle(program.place[slot], scale) for slot, scale in angles]
            gates.append(_read_gate(op, tuple(placed), number))
    readouts = []
    for a, b in zip(first.measurements, second.measurements, strict=True):
        readouts.append(_read_measurement(a, number))
        if readouts[-1] != _read_measurement(b, number):
            raise UnsupportedCircuit("an observable depends on the data")
    if len(readouts) > 1 and any(r.kind == "state" for r in readouts):
        raise UnsupportedCircuit("qml.state() beside other measurements")
    if not readouts:
        raise UnsupportedCircuit("the circuit measures nothing")
    return TracedCircuit(len(number), program, tuple(gates), tuple(readouts))


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
    except UnsupportedCircuit:
        raise
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
    except UnsupportedCircuit:
        raise
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
    ordered = qnode.device.wires
    if ordered is None:
        numbers = all(isinstance(w, int) for w in tape.wires)
        ordered = sorted(tape.wires, key=None if numbers else str)
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


def _parameters(op) -> list:
    """Numbers of a gate that hold angles."""
    if op.name not in SUPPORTED:
        return []
    if any(qml.math.size(p) != 1 for p in op.parameters):
        raise UnsupportedCircuit(f"gate {op.name} carries a batch of angles")
    return list(op.parameters)


def _check(program, found, tape, inputs, weights) -> None:
    """Compare the angles of a run with those that the program computes."""
    try:
        columns, shared = program(inputs[None], weights)
    except Exception as error:
        text = str(error).splitlines()[0][:120]
        raise UnsupportedCircuit(f"an angle cannot be batched: {text}") from error
    one = torch.ones(1)
    table = torch.cat([columns[0], *(part.flatten() for part in shared), one])
    want = [float(p) for op in tape.operations for p in _parameters(op)]
    got = [float(table[program.place[slot]] * scale) for slot, scale in found]
    if table.is_complex() or not np.allclose(got, want, rtol=1e-9, atol=1e-12):
        raise UnsupportedCircuit(
            "an angle is computed from inputs or weights in a way torch does not see"
        )


def _read_gate(op, angles: tuple[Angle, ...], number) -> Gate:
    wires = tuple(number[wire] for wire in op.wires)
    if op.name in SUPPORTED:
        return Gate(op.name, wires, angles)
    if len(wires) > 1:
        raise UnsupportedCircuit(f"gate {op.name} on {len(wires)} wires")
    return Gate("fixed", wires, (), np.asarray(qml.matrix(op), complex))


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
