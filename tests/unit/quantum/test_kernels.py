from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest

from qglib import quantum


def iqp(n, measure=qml.state, repeats=2):
    def circuit(inputs):
        qml.IQPEmbedding(inputs, wires=range(n), n_repeats=repeats)
        return measure()

    return qml.QNode(circuit, qml.device("default.qubit", wires=n))


def pairwise(device, x, y):
    """Pair by pair, as hardware does: a's circuit, then b's backwards."""

    @qml.qnode(device)
    def overlap(a, b):
        qml.IQPEmbedding(a, wires=range(4), n_repeats=2)
        qml.adjoint(qml.IQPEmbedding(b, wires=range(4), n_repeats=2))
        return qml.probs(wires=range(4))

    return qml.kernels.kernel_matrix(x, y, lambda a, b: overlap(a, b)[0])


def test_gram_matches_the_pairwise_circuit():
    x = np.random.default_rng(0).normal(size=(6, 4))
    y = np.random.default_rng(1).normal(size=(3, 4))
    qnode = iqp(4)
    gram = quantum.fidelity_kernel(qnode, x)
    pairs = pairwise(qml.device("default.qubit", wires=4), x, x)
    np.testing.assert_allclose(gram, pairs, atol=1e-12)
    pairs = pairwise(qml.device("lightning.qubit", wires=4), x, y)
    np.testing.assert_allclose(quantum.fidelity_kernel(qnode, x, y), pairs, atol=1e-12)


def test_gram_is_a_kernel():
    x = np.random.default_rng(0).normal(size=(40, 5))
    gram = quantum.fidelity_kernel(iqp(5), x)
    np.testing.assert_allclose(np.diag(gram), 1, atol=1e-12)
    np.testing.assert_array_equal(gram, gram.T)
    assert np.linalg.eigvalsh(gram).min() > -1e-12


def test_closed_form_of_angle_embedding():
    def circuit(inputs):
        qml.AngleEmbedding(inputs, wires=range(3), rotation="Y")
        return qml.state()

    qnode = qml.QNode(circuit, qml.device("lightning.qubit", wires=3))
    x = np.random.default_rng(0).uniform(-4, 4, (20, 3))
    want = (np.cos((x[:, None] - x[None]) / 2) ** 2).prod(-1)
    np.testing.assert_allclose(quantum.fidelity_kernel(qnode, x), want, atol=1e-12)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="table of finite"):
        quantum.fidelity_kernel(iqp(3), np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match="table of finite"):
        quantum.fidelity_kernel(iqp(3), np.zeros(3))
    expval = iqp(3, lambda: qml.expval(qml.Z(0)))
    with pytest.raises(ValueError, match=r"qml.state\(\)"):
        quantum.fidelity_kernel(expval, np.zeros((2, 3)))
