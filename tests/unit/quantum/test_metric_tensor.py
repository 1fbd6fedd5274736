from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest

from qglib import quantum


def ring(n, layers):
    def circuit(inputs, weights):
        for wire in range(n):
            qml.RX(inputs[..., wire], wires=wire)
        for layer in range(layers):
            for wire in range(n):
                qml.RZ(weights[layer, wire, 0], wires=wire)
                qml.RY(weights[layer, wire, 1], wires=wire)
                qml.RZ(weights[layer, wire, 2], wires=wire)
            for wire in range(n):
                qml.CNOT([wire, (wire + 1) % n])
        return qml.expval(qml.Z(0))

    return qml.QNode(circuit, qml.device("default.qubit", wires=n))


def bloch_sphere():
    """One qubit at the polar angle weights[0] and the azimuth weights[1]."""

    def circuit(weights):
        qml.RY(weights[0], wires=0)
        qml.RZ(weights[1], wires=0)
        return qml.state()

    return qml.QNode(circuit, qml.device("default.qubit", wires=1))


def test_closed_form_of_one_qubit():
    qnode = bloch_sphere()
    for theta in (0.0, 0.7, 2.9):
        got = quantum.metric_tensor(qnode, None, np.array([theta, 1.3]))
        want = np.diag([0.25, np.sin(theta) ** 2 / 4])
        np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.parametrize(("n", "layers"), [(2, 2), (4, 1), (4, 2)])
def test_matches_adjoint_metric_tensor(n, layers):
    rng = np.random.default_rng(n)
    x, w = rng.normal(size=n), rng.uniform(0, 6, (layers, n, 3))
    qnode = ring(n, layers)
    got = quantum.metric_tensor(qnode, x, w)
    parameters = qml.numpy.array(w, requires_grad=True)
    fixed = qml.numpy.array(x, requires_grad=False)
    want = qml.adjoint_metric_tensor(qnode)(fixed, parameters)
    np.testing.assert_allclose(got, np.reshape(want, got.shape), atol=1e-12)
    np.testing.assert_allclose(got, got.T, atol=1e-14)
    assert np.linalg.eigvalsh(got).min() > -1e-12


def test_shared_weights_products_and_many_wire_gates():
    """Against central differences of the state, which share no formula."""

    def circuit(inputs, weights):
        qml.RX(weights[0], wires=0)
        qml.RY(weights[0], wires=1)
        qml.Rot(weights[1], inputs[..., 0], weights[2], wires=0)
        qml.CRY(weights[1], wires=[0, 1])
        qml.IsingXX(-weights[2], wires=[1, 2])
        qml.PhaseShift(weights[3] * inputs[..., 1], wires=2)
        qml.RX(inputs[..., 1] * weights[3], wires=2)
        return qml.state()

    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=3))
    x, w, h = np.array([0.4, -1.1]), np.array([0.3, 1.2, 2.1, -0.7]), 1e-5
    psi = qnode(x, w)
    tangents = np.stack(
        [(qnode(x, w + h * e) - qnode(x, w - h * e)) / (2 * h) for e in np.eye(4)]
    )
    along = tangents.conj() @ psi
    want = (tangents.conj() @ tangents.T - np.outer(along, along.conj())).real
    np.testing.assert_allclose(quantum.metric_tensor(qnode, x, w), want, atol=1e-8)


def test_several_samples():
    qnode, rng = ring(3, 1), np.random.default_rng(0)
    x, w = rng.normal(size=(4, 3)), rng.normal(size=(1, 3, 3))
    stacked = quantum.metric_tensor(qnode, x, w)
    assert stacked.shape == (4, 9, 9)
    single = quantum.metric_tensor(qnode, x[2], {"weights": w})
    np.testing.assert_allclose(stacked[2], single, atol=1e-15)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="NaN"):
        quantum.metric_tensor(ring(2, 1), np.array([np.nan, 0]), np.zeros((1, 2, 3)))
