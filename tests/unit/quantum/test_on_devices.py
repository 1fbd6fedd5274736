"""A device asked for by name runs the circuits, and agrees with the batched head."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
import torch

from qglib import devices, quantum
from qglib.quantum import QuantumHead, circuits, verify


@pytest.fixture(params=["default.qubit", "lightning.qubit", "lightning.gpu"])
def device(request):
    """Name of a device that has just been built."""
    try:
        qml.device(request.param, wires=2)
    except Exception as error:
        pytest.skip(f"{request.param} cannot be built here: {str(error)[-90:]}")
    return request.param


def circuits_of(name, work):
    """What the work returns, and the circuits it executed on a device."""
    before = devices.executed().get(name, 0)
    result = work()
    return result, devices.executed().get(name, 0) - before


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_verify_runs_on_the_device_of_the_qnode(device, precision):
    torch.manual_seed(0)
    qnode, shapes, _ = circuits.reuploading(device, 3, 2)
    head = QuantumHead(qnode, shapes).to(precision)
    assert head.backend == "batched"
    before = head.weights.detach().clone()
    errors, count = circuits_of(device, lambda: verify(head, batch=5))
    assert count >= 5, "one circuit a sample"
    assert set(errors) == {
        "values", "input_gradients", "weight_gradients", "weights_after_step",
    }  # fmt: skip
    assert max(errors.values()) < (1e-5 if precision == torch.float32 else 1e-10)
    assert torch.equal(head.weights, before)


def test_verify_takes_the_samples_it_is_given(device):
    qnode, shapes, _ = circuits.reuploading(device, 2, 1)
    head = QuantumHead(qnode, shapes).double()
    inputs = torch.zeros(3, 2)
    errors, count = circuits_of(device, lambda: verify(head, inputs=inputs))
    assert count >= 3
    assert max(errors.values()) < 1e-10
    with pytest.raises(ValueError, match="takes 2 numbers"):
        verify(head, inputs=torch.zeros(3, 4))


@pytest.mark.parametrize(("qubits", "layers"), [(4, 2), (8, 3)])
def test_token_head(device, engine, qubits, layers):
    torch.manual_seed(0)
    qnode, shapes, _ = circuits.reuploading(device, qubits, layers)
    heads = [QuantumHead(qnode, shapes, name) for name in ("batched", device)]
    heads[1].load_state_dict(heads[0].state_dict())

    def step(head):
        torch.manual_seed(1)
        x = (np.pi * torch.tanh(torch.randn(3, qubits))).requires_grad_()
        optimiser = torch.optim.SGD(head.parameters(), lr=0.1)
        out = head(x)
        out.square().mean().backward()
        optimiser.step()
        return [out.detach(), x.grad, head.weights.grad, head.weights.detach()]

    ours, batched = circuits_of("batched", lambda: step(heads[0]))
    theirs, executed = circuits_of(device, lambda: step(heads[1]))
    assert batched == 3
    assert executed >= 3
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def iqp(n, device):
    def circuit(inputs):
        qml.IQPEmbedding(inputs, wires=range(n), n_repeats=2)
        return qml.state()

    return qml.QNode(circuit, devices.build(device, n))


def test_kernel(device, engine):
    x = np.random.default_rng(0).normal(size=(5, 4))
    gram = quantum.fidelity_kernel(iqp(4, device), x)
    qnode = iqp(4, device)
    named, count = circuits_of(
        device, lambda: quantum.fidelity_kernel(qnode, x, backend=device)
    )
    assert count == 5, "one state a sample"
    np.testing.assert_allclose(named, gram, atol=1e-5)
    errors = verify(QuantumHead(qnode, {}), inputs=torch.as_tensor(x))
    assert max(errors.values()) < 1e-10


def test_energy_of_the_ising_ring(device, engine):
    """The cost of an optimiser: many flip masks in one output."""
    n = 4
    words = [qml.Z(a) @ qml.Z(b) for a, b in circuits.ring(n)]
    energy = qml.Hamiltonian([-1.0] * 2 * n, words + [qml.X(k) for k in range(n)])

    def circuit(inputs, weights):
        for wire in range(n):
            qml.Rot(*weights[wire], wires=wire)
        for pair in circuits.ring(n):
            qml.IsingXX(weights[0, 0], wires=pair)
        return qml.expval(energy)

    qnode = qml.QNode(circuit, devices.build(device, n), interface="torch")
    head = QuantumHead(qnode, {"weights": (n, 3)}, "batched", n_inputs=1).double()
    assert max(verify(head, batch=2).values()) < 1e-10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_batched_head_trains_on_cuda():
    torch.manual_seed(0)
    qnode, shapes, _ = circuits.reuploading("default.qubit", 4, 2)
    head = QuantumHead(qnode, shapes).cuda()
    assert max(verify(head).values()) < 1e-5
    x = torch.randn(6, 4, device="cuda", requires_grad=True)
    optimiser = torch.optim.Adam(head.parameters(), lr=0.05)
    first = None
    for _ in range(20):
        optimiser.zero_grad()
        loss = head(x).square().sum()
        loss.backward()
        optimiser.step()
        first = float(loss.detach()) if first is None else first
    assert head.weights.is_cuda
    assert float(loss.detach()) < first
