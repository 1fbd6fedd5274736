"""Angles that are functions of inputs and weights, against the QNode itself."""

from __future__ import annotations

import math

import pennylane as qml
import pytest
import torch

from qglib.quantum import QuantumHead, verify

pytestmark = pytest.mark.usefixtures("engine")
SIZES = 10.0 ** torch.arange(-3, 4, dtype=torch.float64)
ANGLES = {
    "pi x": lambda x, w: math.pi * x,
    "-x / 2": lambda x, w: -x / 2,
    "w x + b": lambda x, w: w[0] * x + w[1],
    "x + b": lambda x, w: x + w[1],
    "arctan": lambda x, w: torch.arctan(x),
    "tanh": lambda x, w: math.pi * torch.tanh(0.1 * x),
    "clamp": lambda x, w: torch.clamp(x, max=math.pi),
    "hardtanh": lambda x, w: torch.nn.functional.hardtanh(x, -500, 500),
    "relu": lambda x, w: torch.relu(x),
    "abs": lambda x, w: abs(x),
    "wrapped": lambda x, w: x % (2 * math.pi),
    "where": lambda x, w: torch.where(x > 9, x.sin(), x),
    "square": lambda x, w: x**2 / 100,
    "norm": lambda x, w: x / torch.linalg.norm(x),
    "softmax": lambda x, w: torch.softmax(x, -1),
    "detach": lambda x, w: x.detach() * 2,
    "half detached": lambda x, w: x * x.detach().cos(),
    "weight detached": lambda x, w: x + w.detach()[0],
    "no grad": lambda x, w: _no_grad(x),
    "stacked": lambda x, w: torch.stack(
        [x[..., 0], 0 * x[..., 1] + w[0], -x[..., 2]], -1
    ),
    "flipped": lambda x, w: torch.cat([x[..., 1:], x[..., :1]], -1).flip(-1),
    "joined with a constant": lambda x, w: torch.cat(
        [x[..., :2], x.new_full((*x.shape[:-1], 1), 0.3)], -1
    ),
    "weights only": lambda x, w: x * 0 + torch.exp(w[:3] / 4),
}


def _no_grad(x):
    with torch.no_grad():
        return torch.sin(x)


def head_of(body, wires=3, weights=4, device="default.qubit"):
    def circuit(inputs, weights):
        body(inputs, weights)
        for wire in range(wires):
            qml.RY(weights[wire], wires=wire)
        for wire in range(wires - 1):
            qml.CNOT([wire, wire + 1])
        return [qml.expval(qml.Z(0) @ qml.X(1)), qml.expval(qml.Y(wires - 1))]

    qnode = qml.QNode(circuit, qml.device(device, wires=wires), interface="torch")
    return QuantumHead(qnode, {"weights": (weights,)}, "batched", n_inputs=3).double()


@pytest.mark.parametrize("name", ANGLES)
def test_functions_of_inputs_and_weights_are_exact_at_all_sizes(name):
    torch.manual_seed(1)
    head = head_of(lambda x, w: qml.AngleEmbedding(ANGLES[name](x, w), range(3)))
    inputs = SIZES[:, None] * torch.randn(7, 3, dtype=torch.float64)
    errors = verify(head, inputs=torch.cat([inputs, -inputs]))
    assert max(errors.values()) < 1e-8, errors
    assert errors["values"] < 1e-10


def test_a_clamp_is_the_clamp():
    """<Z> of RX(min(x, pi)): cos x below pi, -1 above, slope 0 there."""

    def circuit(inputs):
        qml.RX(torch.clamp(inputs[..., 0], max=math.pi), wires=0)
        return qml.expval(qml.Z(0))

    head = QuantumHead(qml.QNode(circuit, qml.device("default.qubit", wires=1)), {})
    assert head.backend == "batched"
    x = torch.tensor([[1.0], [4.0]], dtype=torch.float64, requires_grad=True)
    values = head(x)
    values.sum().backward()
    want = torch.tensor([[math.cos(1)], [-1]], dtype=torch.float64)
    torch.testing.assert_close(values.detach(), want)
    slope = torch.tensor([[-math.sin(1)], [0]], dtype=torch.float64)
    torch.testing.assert_close(x.grad, slope)


def zz_feature_map(x, w):
    for wire in range(3):
        qml.Hadamard(wire)
        qml.PhaseShift(2 * x[..., wire], wires=wire)
    for a, b in ((0, 1), (1, 2)):
        qml.CNOT([a, b])
        angle = 2 * (math.pi - x[..., a]) * (math.pi - x[..., b])
        qml.PhaseShift(angle, wires=b)
        qml.CNOT([a, b])


def controlled(x, w):
    qml.Hadamard(2)
    qml.ctrl(qml.Rot(x[..., 0], w[0], x[..., 1], wires=0), control=2)
    qml.CRot(w[1], x[..., 2], w[0], wires=[0, 1])


def exchange(x, w):
    qml.X(0)
    qml.SingleExcitation(x[..., 0], wires=[0, 1])
    qml.IsingXY(w[0] * x[..., 1], wires=[1, 2])
    qml.adjoint(qml.IsingXY(x[..., 2], wires=[0, 2]))
    qml.U3(x[..., 0], w[1], w[2], wires=1)


@pytest.mark.parametrize("body", [zz_feature_map, controlled, exchange])
def test_common_encodings_are_batched(body):
    torch.manual_seed(2)
    assert max(verify(head_of(body)).values()) < 1e-8


def test_a_tensor_that_trains_outside_the_weights_is_refused():
    scale = torch.ones(3, requires_grad=True)
    with pytest.raises(ValueError, match="a tensor that trains"):
        head_of(lambda x, w: qml.AngleEmbedding(scale * x, range(3)))


def test_a_function_torch_does_not_see_is_refused():
    class Clip(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.from_numpy(x.numpy().clip(-2, 2))

        @staticmethod
        def backward(ctx, grad):
            return grad

    with pytest.raises(ValueError, match="cannot run this circuit"):
        head_of(lambda x, w: qml.AngleEmbedding(Clip.apply(x), range(3)))
