"""Circuit families used as trainable heads, written once as PennyLane QNodes."""

import pennylane as qml

from qglib import devices


def reuploading(
    device: qml.devices.Device | str, qubits: int, layers: int
) -> tuple[qml.QNode, dict[str, tuple[int, ...]], int]:
    """Data re-uploading circuit with one- and two-qubit Z read-out.

    Each layer embeds input ``i`` as RY(x_i) on qubit ``i``, applies a trainable Rot to
    every qubit and closes with a ring of CZ gates. The outputs are Fourier series whose
    degree grows with the number of layers (Schuld, Sweke, Meyer, Phys. Rev. A 103,
    032430, 2021; Perez-Salinas et al., Quantum 4, 226, 2020).

    Args:
        device: A PennyLane device with wires 0..qubits-1 (`qglib.devices.pick` gives
            one), or the name of a device to build.
        qubits, layers: Number of qubits, which is that of the inputs, and of layers.

    Returns:
        ``(qnode, weight_shapes, n_outputs)``: the QNode takes ``inputs`` (..., qubits)
        and ``weights`` (layers, qubits, 3) in radians; the outputs are <Z_i> for every
        qubit, then <Z_i Z_(i+1)> around the ring (one for two qubits, none for one).
    """
    if qubits < 1 or layers < 1:
        raise ValueError(f"qubits={qubits}, layers={layers}: at least one of each")
    if isinstance(device, str):
        device = devices.build(device, qubits)
    pairs = ring(qubits)

    def circuit(inputs, weights):
        for layer in range(layers):
            qml.AngleEmbedding(inputs, wires=range(qubits), rotation="Y")
            for wire in range(qubits):
                qml.Rot(*weights[layer, wire], wires=wire)
            for pair in pairs:
                qml.CZ(wires=pair)
        singles = [qml.expval(qml.Z(wire)) for wire in range(qubits)]
        doubles = [qml.expval(qml.Z(a) @ qml.Z(b)) for a, b in pairs]
        return singles + doubles

    qnode = qml.QNode(circuit, device, interface="torch", diff_method="best")
    return qnode, {"weights": (layers, qubits, 3)}, qubits + len(pairs)


def ring(qubits: int) -> list[tuple[int, int]]:
    """Neighbouring pairs around a ring: none for 1 qubit, one for 2."""
    if qubits < 3:
        return [(0, 1)][: max(0, qubits - 1)]
    return [(wire, (wire + 1) % qubits) for wire in range(qubits)]
