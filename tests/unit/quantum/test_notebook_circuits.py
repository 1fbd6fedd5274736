"""The circuits of the notebooks on every simulator that can be built here."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
import torch

from qglib import quantum
from qglib.models.head_variants import circuit_family
from qglib.quantum import QuantumHead, circuits, plateaus
from qglib.quantum.kernel_trial import EMBEDDINGS
from qglib.quantum.qaoa import evolve


@pytest.fixture(params=["lightning.qubit", "lightning.gpu"])
def device(request):
    """Name of a device that has just been built."""
    try:
        qml.device(request.param, wires=2)
    except Exception as error:
        pytest.skip(f"{request.param} cannot be built here: {str(error)[-90:]}")
    return request.param


@pytest.mark.parametrize("entangle", [True, False])
@pytest.mark.parametrize(("qubits", "layers"), [(4, 2), (8, 3)])
def test_token_head(device, engine, qubits, layers, entangle):
    torch.manual_seed(0)
    qnode, shapes, _ = circuits.reuploading(device, qubits, layers, entangle)
    heads = [QuantumHead(qnode, shapes, name) for name in ("batched", device)]
    heads[1].load_state_dict(heads[0].state_dict())
    results = []
    for head in heads:
        torch.manual_seed(1)
        x = (np.pi * torch.tanh(torch.randn(3, qubits))).requires_grad_()
        out = head(x)
        out.square().sum().backward()
        results.append([out.detach(), x.grad, head.weights.grad])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_path_search(device):
    rng = np.random.default_rng(0)
    values = rng.uniform(0.1, 2, 64)
    angles = rng.uniform(0, 1, (2, 3))
    mean = float(quantum.qaoa_qnode(values, device)(*angles))
    state = evolve(values, *angles, (2,) * 6)
    assert mean == pytest.approx(float(abs(state) ** 2 @ values), abs=1e-5)
    found = quantum.grover_search(6, [21], device)
    assert found.success == pytest.approx(found.closed_form, abs=1e-5)


@pytest.mark.parametrize("embedding", sorted(EMBEDDINGS))
def test_kernel(device, engine, embedding):
    qnode = EMBEDDINGS[embedding](4)
    x = np.random.default_rng(0).normal(size=(5, 4))
    pairs = quantum.pairwise_fidelity_kernel(
        qnode, x, device=qml.device(device, wires=4)
    )
    np.testing.assert_allclose(quantum.fidelity_kernel(qnode, x), pairs, atol=1e-5)


@pytest.mark.parametrize(
    "part", [{"upload": False}, {"read": "z"}, {"read": "xyz+zz"}], ids=str
)
def test_variants_of_the_token_head(device, engine, part):
    made = qml.device(device, wires=4)
    qnode, shapes, outputs = circuit_family(**part)(made, 4, 2)
    head = QuantumHead(qnode, shapes, "batched")
    other = QuantumHead(qnode, shapes, device)
    other.load_state_dict(head.state_dict())
    x = torch.randn(3, 4)
    assert head(x).shape == (3, outputs)
    torch.testing.assert_close(head(x), other(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("circuit", plateaus.CIRCUITS)
def test_plateaus(device, engine, circuit):
    head = plateaus.angles_as_inputs(circuit, 3, 3)
    other = QuantumHead(head.qnode, {}, device, n_inputs=head.n_inputs)
    rng = np.random.default_rng(0)
    x = torch.tensor(plateaus.draw_angles("uniform", 3, 3, 4, rng)).float()
    torch.testing.assert_close(head(x), other(x), atol=1e-5, rtol=0)


def test_energy_of_the_ising_ring(device, engine):
    """The cost of the optimiser study: many flip masks in one output."""
    n = 4
    words = [qml.Z(a) @ qml.Z(b) for a, b in circuits.ring(n)]
    energy = qml.Hamiltonian([-1.0] * 2 * n, words + [qml.X(k) for k in range(n)])

    def circuit(inputs, weights):
        for wire in range(n):
            qml.Rot(*weights[wire], wires=wire)
        for pair in circuits.ring(n):
            qml.IsingXX(weights[0, 0], wires=pair)
        return qml.expval(energy)

    qnode = qml.QNode(circuit, qml.device(device, wires=n), interface="torch")
    head = QuantumHead(qnode, {"weights": (n, 3)}, "batched", n_inputs=1)
    other = QuantumHead(qnode, {"weights": (n, 3)}, device, n_inputs=1)
    other.load_state_dict(head.state_dict())
    x = torch.zeros(2, 1)
    torch.testing.assert_close(head(x), other(x), atol=1e-5, rtol=0)
