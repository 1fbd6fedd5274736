"""Batched simulation against PennyLane on circuits nobody chose by hand."""

from __future__ import annotations

import math

import pennylane as qml
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qglib.quantum import QuantumHead, verify

pytestmark = pytest.mark.usefixtures("engine")
GATES = {
    "RX": (qml.RX, 1, 1), "RY": (qml.RY, 1, 1), "RZ": (qml.RZ, 1, 1),
    "Rot": (qml.Rot, 3, 1), "PhaseShift": (qml.PhaseShift, 1, 1),
    "H": (qml.Hadamard, 0, 1), "S": (qml.S, 0, 1), "T": (qml.T, 0, 1),
    "X": (qml.X, 0, 1), "Y": (qml.Y, 0, 1), "Z": (qml.Z, 0, 1),
    "SX": (qml.SX, 0, 1), "S+": (lambda wires: qml.adjoint(qml.S(wires)), 0, 1),
    "CNOT": (qml.CNOT, 0, 2), "CZ": (qml.CZ, 0, 2), "CY": (qml.CY, 0, 2),
    "CRX": (qml.CRX, 1, 2), "CRY": (qml.CRY, 1, 2), "CRZ": (qml.CRZ, 1, 2),
    "SWAP": (qml.SWAP, 0, 2), "XX": (qml.IsingXX, 1, 2), "YY": (qml.IsingYY, 1, 2),
    "ZZ": (qml.IsingZZ, 1, 2), "CP": (qml.ControlledPhaseShift, 1, 2),
    "Toffoli": (qml.Toffoli, 0, 3), "CSWAP": (qml.CSWAP, 0, 3),
    "MultiRZ": (qml.MultiRZ, 1, 3),
}  # fmt: skip
N_INPUTS, N_WEIGHTS = 3, 4
ANGLE = st.one_of(
    st.tuples(st.just("input"), st.integers(0, N_INPUTS - 1)),
    st.tuples(st.just("minus"), st.integers(0, N_INPUTS - 1)),
    st.tuples(st.just("weight"), st.integers(0, N_WEIGHTS - 1)),
    st.tuples(st.just("scaled"), st.integers(0, N_INPUTS - 1)),
    st.tuples(st.just("product"), st.integers(0, N_INPUTS - 2)),
    st.tuples(st.just("constant"), st.floats(-4, 4)),
)


@st.composite
def circuits(draw):
    n = draw(st.integers(1, 5))
    ops = []
    for _ in range(draw(st.integers(1, 14))):
        fits = sorted(name for name, (_, _, width) in GATES.items() if width <= n)
        name = draw(st.sampled_from(fits))
        _, n_angles, width = GATES[name]
        wires = draw(st.permutations(range(n)))[:width]
        ops.append((name, wires, [draw(ANGLE) for _ in range(n_angles)]))
    word = st.text("IXYZ", min_size=n, max_size=n)
    read = st.one_of(
        st.tuples(st.just("words"), st.lists(word, min_size=1, max_size=3)),
        st.tuples(st.just("z"), st.lists(st.integers(0, n - 1), min_size=1)),
        st.tuples(
            st.just("probs"), st.permutations(range(n)).map(lambda w: w[: (n + 1) // 2])
        ),
        st.tuples(st.just("probs"), st.permutations(range(n))),
        st.tuples(st.just("state"), st.none()),
        st.tuples(st.just("sum"), st.lists(word, min_size=2, max_size=3)),
    )
    return n, ops, draw(read)


def observable(word):
    parts = [getattr(qml, p)(w) for w, p in enumerate(word) if p != "I"]
    return qml.prod(*parts) if len(parts) > 1 else (parts or [qml.Identity(0)])[0]


def build(n, ops, read):
    def angle(kind, value, inputs, weights):
        return {
            "input": lambda: inputs[..., value],
            "minus": lambda: -inputs[..., value],
            "weight": lambda: weights[value],
            "scaled": lambda: inputs[..., value] * weights[value],
            "product": lambda: inputs[..., value] * inputs[..., value + 1],
            "constant": lambda: value,
        }[kind]()

    def circuit(inputs, weights):
        for name, wires, angles in ops:
            values = [angle(*a, inputs, weights) for a in angles]
            GATES[name][0](*values, wires=wires)
        kind, what = read
        if kind == "words":
            return [qml.expval(observable(word)) for word in what]
        if kind == "z":
            return [qml.expval(qml.Z(wire)) for wire in what]
        if kind == "probs":
            return qml.probs(wires=what)
        if kind == "sum":
            terms = [observable(word) for word in what]
            return qml.expval(qml.Hamiltonian([0.3, -1.2, 0.7][: len(terms)], terms))
        return qml.state()

    device = qml.device("default.qubit", wires=n)
    return qml.QNode(circuit, device, interface="torch", diff_method="backprop")


@pytest.mark.parametrize(("dtype", "limit"), [("float64", 1e-10), ("float32", 2e-5)])
def test_random_circuits_match_pennylane(dtype, limit):
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(circuits(), st.integers(0, 2**31 - 1))
    def check(case, seed):
        torch.manual_seed(seed)
        shapes = {"weights": (N_WEIGHTS,)}
        head = QuantumHead(build(*case), shapes, "batched", n_inputs=N_INPUTS)
        # float32 knows an angle of 500 radians to 3e-5 only
        inputs = 2 * torch.randn(
            3, N_INPUTS, generator=torch.Generator().manual_seed(0)
        )
        errors = verify(head.to(getattr(torch, dtype)), inputs=inputs)
        assert max(errors.values()) < limit, (case, errors)

    check()


@pytest.mark.parametrize("rotation", ["X", "Y", "Z"])
@pytest.mark.parametrize("n", [4, 5, 6, 8, 9, 10])
def test_strongly_entangling_layers(n, rotation):
    torch.manual_seed(n)
    layers = {4: 6, 5: 4, 6: 3, 8: 2, 9: 1, 10: 2}[n]

    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(n), rotation=rotation)
        qml.StronglyEntanglingLayers(weights, wires=range(n))
        return [qml.expval(qml.Z(k)) for k in range(n)]

    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=n))
    head = QuantumHead(qnode, {"weights": (layers, n, 3)}, "batched")
    assert max(verify(head, batch=2).values()) < 2e-5
    assert max(verify(head.double(), batch=2).values()) < 1e-10


@pytest.mark.parametrize("repeats", [1, 2])
def test_iqp_embedding_products_are_found(repeats):
    def circuit(inputs, weights):
        qml.IQPEmbedding(inputs, wires=range(5), n_repeats=repeats)
        qml.BasicEntanglerLayers(weights, wires=range(5))
        return [qml.expval(qml.X(0) @ qml.Y(3)), qml.expval(qml.Z(1))]

    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=5))
    head = QuantumHead(qnode, {"weights": (2, 5)})
    assert head.backend == "batched"
    # products of two inputs of 1000 would be angles of a million, known to 2e-10 only
    inputs = 2 * torch.randn(4, 5, dtype=torch.float64)
    assert max(verify(head.double(), inputs=inputs).values()) < 1e-10


def test_closed_form_of_one_qubit():
    def circuit(inputs):
        qml.RY(inputs[..., 0], wires=0)
        return [qml.expval(p(0)) for p in (qml.X, qml.Y, qml.Z)]

    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=1))
    x = torch.linspace(-9, 9, 37, dtype=torch.float64)[:, None]
    got = QuantumHead(qnode, {}, "batched")(x)
    want = torch.cat([torch.sin(x), torch.zeros_like(x), torch.cos(x)], 1)
    torch.testing.assert_close(got, want, atol=1e-14, rtol=0)


def test_gradcheck_knows_nothing_of_pennylane():
    n = 3

    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(n), rotation="Y")
        for layer in range(2):
            for wire in range(n):
                qml.Rot(*weights[layer, wire], wires=wire)
                qml.RX(inputs[..., wire], wires=wire)
            qml.CRY(weights[layer, 0, 0], wires=[2, 0])
            qml.CNOT([0, 1])
        return [qml.expval(qml.X(0) @ qml.Z(2)), qml.expval(qml.Z(1))]

    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=n))
    head = QuantumHead(qnode, {"weights": (2, n, 3)}, "batched").double()
    inputs = torch.randn(2, n, dtype=torch.float64, requires_grad=True)

    def call(x, weights):
        return torch.func.functional_call(head, {"weights": weights}, (x,))

    assert torch.autograd.gradcheck(call, (inputs, head.weights))


def test_a_weight_gradient_bug_would_be_seen(monkeypatch, engine):
    """Right values, right gradients of the inputs, wrong ones of the weights."""
    from qglib.engines.circuits import simulate
    from qglib.engines.circuits.simulate import Simulator

    def wrong_way(*arguments):
        backward(*arguments)
        arguments[-1][...] *= -1  # the gradient of the weights

    def wrong_cells(self, shared, waves, tables):
        return cells(self, 2 * shared.detach() - shared, waves, tables)

    backward, cells = simulate.backward, Simulator._cells

    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(4))
        qml.StronglyEntanglingLayers(weights, wires=range(4))
        return [qml.expval(qml.Z(k)) for k in range(4)]

    torch.manual_seed(0)
    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=4))
    head = QuantumHead(qnode, {"weights": (2, 4, 3)}, "batched").double()
    with torch.no_grad():
        head.weights.copy_(2 * math.pi * torch.rand_like(head.weights))
    assert max(verify(head).values()) < 1e-10
    if engine == "torch":
        monkeypatch.setattr(Simulator, "_cells", wrong_cells)
    else:
        monkeypatch.setattr(simulate, "backward", wrong_way)
    errors = verify(head)
    assert errors["values"] < 1e-10
    assert errors["input_gradients"] < 1e-10
    assert errors["weight_gradients"] > 1e-2
