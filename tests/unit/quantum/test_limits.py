"""What is refused, and that it is refused before memory is taken."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
import torch

from qglib import memory as memory_module
from qglib import quantum
from qglib.quantum import QuantumHead, circuits

TOO_LARGE = r"qubits needs about .* GiB, and .* GiB are free"


@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit"])
def test_a_state_that_cannot_fit_is_named_with_its_size(device):
    qnode, shapes, _ = circuits.reuploading(device, 48, 1)
    with pytest.raises(MemoryError, match=f"48 {TOO_LARGE}"):
        QuantumHead(qnode, shapes, "batched")
    head = QuantumHead(qnode, shapes)
    assert "batched up to 14" in head.reason
    with pytest.raises(MemoryError, match=f"48 {TOO_LARGE}"):
        head(torch.zeros(1, 48))


def test_kernels_ask_first(monkeypatch):
    def circuit(inputs):
        qml.IQPEmbedding(inputs, wires=range(48))
        return qml.state()

    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=48))
    with pytest.raises(MemoryError, match=f"48 {TOO_LARGE}"):
        quantum.fidelity_kernel(qnode, np.zeros((2, 48)))
    small = qml.QNode(
        lambda inputs: (qml.AngleEmbedding(inputs, range(2)), qml.state())[1],
        qml.device("default.qubit", wires=2),
    )
    monkeypatch.setattr(memory_module, "available_bytes", lambda device: 1000)
    with pytest.raises(MemoryError, match="Gram matrix of 40 x 40"):
        quantum.fidelity_kernel(small, np.zeros((40, 2)))


def test_without_gradients_only_one_block_is_kept(monkeypatch):
    qnode, shapes, _ = circuits.reuploading("default.qubit", 10, 1)
    head = QuantumHead(qnode, shapes)
    monkeypatch.setattr(memory_module, "available_bytes", lambda device: 2**26)
    with torch.no_grad():
        assert head(torch.zeros(16384, 10)).shape == (16384, 20)
    with pytest.raises(MemoryError, match="16384 states of 10 qubits"):
        head(torch.zeros(16384, 10))


@pytest.mark.parametrize("samples", [1, 15, 16, 17, 40])
def test_batches_that_do_not_fill_the_lanes(samples, engine):
    qnode, shapes, _ = circuits.reuploading("default.qubit", 3, 2)
    head = QuantumHead(qnode, shapes).double()
    x = torch.randn(samples, 3, dtype=torch.float64, requires_grad=True)
    out = head(x)
    single = torch.cat([head(row[None]) for row in x])
    torch.testing.assert_close(out, single, atol=1e-14, rtol=0)
    weight = torch.randn_like(out)
    ours = torch.autograd.grad((out * weight).sum(), [x, head.weights])
    theirs = torch.autograd.grad((single * weight).sum(), [x, head.weights])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=0)


def test_strided_inputs_and_gradients(engine):
    qnode, shapes, _ = circuits.reuploading("default.qubit", 3, 2)
    head = QuantumHead(qnode, shapes).double()
    wide = torch.randn(3, 2, 5, dtype=torch.float64)
    x = wide.permute(1, 2, 0).requires_grad_()
    flat = x.detach().clone().contiguous().requires_grad_()
    head(x).sum().backward()  # an expanded gradient
    head.zero_grad()
    head(flat).sum().backward()
    torch.testing.assert_close(x.grad, flat.grad, atol=1e-14, rtol=0)


def test_changed_inputs_are_noticed():
    qnode, shapes, _ = circuits.reuploading("default.qubit", 2, 1)
    head = QuantumHead(qnode, shapes)
    x = torch.zeros(4, 2)
    out = head(x)
    x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_fixed_seed_gives_the_same_bits(engine):
    def once():
        torch.manual_seed(3)
        qnode, shapes, _ = circuits.reuploading("default.qubit", 4, 2)
        head = QuantumHead(qnode, shapes)
        x = torch.randn(70, 4, requires_grad=True)
        out = head(x)
        return [out, *torch.autograd.grad(out.cos().sum(), [x, head.weights])]

    for a, b in zip(once(), once(), strict=True):
        assert torch.equal(a, b)


def test_weights_travel_by_safetensors(tmp_path, engine):
    from safetensors.torch import load_model, save_model

    qnode, shapes, _ = circuits.reuploading("default.qubit", 3, 2)
    head, other = QuantumHead(qnode, shapes), QuantumHead(qnode, shapes)
    save_model(head, tmp_path / "head.safetensors")
    load_model(other, tmp_path / "head.safetensors")
    x = torch.randn(4, 3)
    assert torch.equal(head(x), other(x))


def test_lazily_negated_tensors(engine):
    qnode, shapes, _ = circuits.reuploading("default.qubit", 2, 1)
    head = QuantumHead(qnode, shapes).double()
    lazy = torch.randn(5, 2, dtype=torch.complex128).conj().imag
    assert lazy.is_neg()
    torch.testing.assert_close(head(lazy), head(lazy.clone()))
