"""Speed and memory of the quantum floor against PennyLane as it is shipped."""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pennylane as qml
import torch

from bench import Row, compare, interleave
from qglib.data import load_corpus
from qglib.models import build_tagger
from qglib.models.fine_tuning import choose_precision
from qglib.models.heads import QuantumTokenHead
from qglib.models.windows import collate, kept_positions, windows
from qglib.quantum import QuantumHead, fidelity_kernel
from qglib.quantum.qaoa import energy_and_gradient


def reference_circuit(n: int, layers: int = 2, device: str = "default.qubit", **kwargs):
    """AngleEmbedding, strongly entangling layers, <Z> of every wire."""

    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(n))
        qml.StronglyEntanglingLayers(weights, wires=range(n))
        return [qml.expval(qml.Z(wire)) for wire in range(n)]

    qnode = qml.QNode(circuit, qml.device(device, wires=n), interface="torch", **kwargs)
    return qnode, {"weights": (layers, n, 3)}


def training_step(model, batch, n, dtype=torch.float32):
    model = model.to(dtype)
    inputs = torch.randn(batch, n, dtype=dtype, requires_grad=True)
    probe = torch.randn(batch, n, dtype=dtype)

    def step():
        model.zero_grad(set_to_none=True)
        inputs.grad = None
        (model(inputs) * probe).sum().backward()

    return step


def versus_torchlayer(n, batch, gate, goal, dtype=torch.float32, repeat=3):
    rival = qml.qnn.TorchLayer(*reference_circuit(n, diff_method="backprop"))
    ours = QuantumHead(*reference_circuit(n))
    assert ours.backend == "batched"
    precision = "complex128 both" if dtype == torch.float64 else "as shipped"
    return compare(
        f"head vs TorchLayer default.qubit, n={n} B={batch} L=2, {precision}",
        training_step(rival, batch, n, dtype),
        training_step(ours, batch, n, dtype),
        gate,
        goal,
        repeat=repeat,
    )


def fixed_cost():
    """A small batch against 12 empty torch calls under autograd."""
    ours = training_step(QuantumHead(*reference_circuit(4)), 16, 4)
    start = torch.randn(16, 4, requires_grad=True)

    def empty():
        value = start
        for _ in range(12):
            value = value + 1
        start.grad = None
        value.sum().backward()

    return compare(
        "fixed cost, n=4 B=16, ours / 12 empty calls",
        empty,
        ours,
        3,
        1.5,
        rounds=15,
        smaller=True,
        repeat=50,
    )


def by_hand(n: int):
    """The reference circuit for one sample in thirty lines of jax."""
    import jax.numpy as jnp

    def turned(state, gate, wire):
        return jnp.moveaxis(jnp.tensordot(gate, state, ([1], [wire])), 0, wire)

    def rx(angle):
        c, s = jnp.cos(angle / 2), -1j * jnp.sin(angle / 2)
        return jnp.array([[c, s], [s, c]])

    def rot(phi, theta, omega):
        c, s = jnp.cos(theta / 2), jnp.sin(theta / 2)
        plus, minus = jnp.exp(-0.5j * (phi + omega)), jnp.exp(0.5j * (phi - omega))
        return jnp.array([[plus * c, -minus * s], [minus.conj() * s, plus.conj() * c]])

    def cnot(state, control, target):
        state = jnp.moveaxis(state, (control, target), (0, 1))
        state = jnp.stack([state[0], state[1][::-1]])
        return jnp.moveaxis(state, (0, 1), (control, target))

    def circuit(inputs, weights):
        state = jnp.zeros((2,) * n, jnp.complex64).at[(0,) * n].set(1)
        for wire in range(n):
            state = turned(state, rx(inputs[wire]), wire)
        for number, layer in enumerate(weights):
            for wire in range(n):
                state = turned(state, rot(*layer[wire]), wire)
            for wire in range(n if n > 1 else 0):
                state = cnot(state, wire, (wire + number % (n - 1) + 1) % n)
        chance = abs(state) ** 2
        ones = [chance.sum([k for k in range(n) if k != wire]) for wire in range(n)]
        return [one[0] - one[1] for one in ones]

    return circuit


def jax_step(n: int, batch: int, hand: bool = False):
    """The reference circuit under jax.jit: value and gradients, complex64."""
    # One thread for XLA too; read once, when its backend starts.
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ["NPROC"] = "1"
    import jax
    import jax.numpy as jnp

    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(n))
        qml.StronglyEntanglingLayers(weights, wires=range(n))
        return [qml.expval(qml.Z(wire)) for wire in range(n)]

    device = qml.device("default.qubit", wires=n)
    qnode = qml.QNode(circuit, device, interface="jax", diff_method="backprop")
    rng = np.random.default_rng(0)
    made = by_hand(n) if hand else qnode
    shapes = (batch, n), (2, n, 3), (batch, n)
    x, w, probe = (jnp.asarray(rng.normal(size=s), jnp.float32) for s in shapes)

    def loss(x, w):
        return (jnp.stack(jax.vmap(made, (0, None))(x, w), -1) * probe).sum()

    step = jax.jit(jax.value_and_grad(loss, (0, 1)))
    return lambda: jax.block_until_ready(step(x, w))


def versus_jax(
    n: int, batch: int, gate: float, goal: float, repeat: int, hand: bool = False
) -> Row:
    rival = "jax by hand" if hand else "QNode"
    return compare(
        f"head vs {rival} under jax.jit (compiled before), complex64, n={n} B={batch}",
        jax_step(n, batch, hand),
        training_step(QuantumHead(*reference_circuit(n)), batch, n),
        gate,
        goal,
        rounds=11,
        repeat=repeat,
    )


def share_of_step() -> Row:
    """Head forward and backward against a whole step of fine-tuning MiniLM."""
    corpus = load_corpus("newswire")
    model, tokenizer = build_tagger(types=corpus.types, head="quantum", qubits=8)
    words = [s.words for s in corpus.train[:16]]
    batch = windows(tokenizer, words, 128)
    inputs = collate(batch, tokenizer.pad_token_id)
    row, column = kept_positions(batch)
    gold = torch.zeros(len(row), dtype=torch.long)
    bf16 = choose_precision(torch.device("cpu"), "auto")
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    model.train()

    def features():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            hidden, shapes, _ = model.hidden(**inputs)
        return model.features(hidden[row, column].float(), shapes[row, column])

    def whole():
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model.head(features()), gold).backward()
        optimiser.step()

    frozen = features().detach().requires_grad_()

    def head():
        frozen.grad = None
        model.head(frozen).sum().backward()

    times = interleave({"whole": whole, "head": head}, rounds=9)
    best, middle = (
        100 * f(times["head"]) / f(times["whole"]) for f in (min, statistics.median)
    )
    what = "share of a fine-tuning step in the head, MiniLM, 8 qubits, 16 sentences"
    note = f"{len(row)} words, step {1e3 * min(times['whole']):.3g} ms"
    return Row(what, best, middle, 15, 5, smaller=True, unit="%", note=note)


_MEMORY = """
import sys, re, torch
from pathlib import Path
def peak():  # not getrusage: its peak survives the fork from a larger parent
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
torch.set_num_threads(1)
import pennylane as qml
from bench.quantum import reference_circuit, training_step
from qglib.quantum import QuantumHead
ours = sys.argv[1] == "ours"
n, batch = 8, 4096
if ours:
    model = QuantumHead(*reference_circuit(n))
else:
    model = qml.qnn.TorchLayer(*reference_circuit(n, diff_method="backprop"))
training_step(model, 2, n)()
before = peak()
training_step(model, batch, n)()
print(peak() - before)
"""


def peak_memory():
    """Growth of the largest resident set over a warm-up, one process each."""
    grown = []
    for which in ("rival", "ours"):
        command = [sys.executable, "-c", _MEMORY, which]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        grown.append(int(done.stdout) / 1024)
    note = f"ours {grown[1]:.0f} MB, other {grown[0]:.0f} MB"
    what = "peak memory, default.qubit backprop / head, n=8 B=4096"
    return Row(what, grown[0] / grown[1], None, 5, 8, note=note)


def qaoa_gradient():
    rng = np.random.default_rng(0)
    n = 14
    pairs = [(a, b) for a in range(n) for b in range(a)]
    words = [qml.Z(a) @ qml.Z(b) for a, b in pairs]
    coupling = rng.normal(size=len(words))
    index = (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1
    spins = 1.0 - 2 * index
    values = sum(
        c * spins[:, a] * spins[:, b] for c, (a, b) in zip(coupling, pairs, strict=True)
    )

    @qml.qnode(qml.device("lightning.qubit", wires=n))
    def circuit(gamma, beta):
        for wire in range(n):
            qml.Hadamard(wire)
        for c, pair in zip(coupling, pairs, strict=True):
            qml.IsingZZ(2 * c * gamma, wires=pair)
        for wire in range(n):
            qml.RX(2 * beta, wires=wire)
        return qml.expval(qml.Hamiltonian(coupling, words))

    gradient = qml.grad(circuit)
    angles = qml.numpy.array(0.3), qml.numpy.array(0.4)

    def rival():
        circuit(*angles)
        gradient(*angles)

    def ours():
        return energy_and_gradient(values, np.array([0.3]), np.array([0.4]), (2,) * n)

    np.testing.assert_allclose(ours()[0], circuit(*angles), atol=1e-8)
    what = "QAOA energy and gradient, 14 qubits p=1, vs lightning.qubit"
    return compare(what, rival, ours, 10, 20, repeat=3)


def gram_matrix():
    n, size = 8, 1000

    def circuit(inputs):
        qml.IQPEmbedding(inputs, wires=range(n), n_repeats=2)
        return qml.state()

    qnode = qml.QNode(circuit, qml.device("default.qubit", wires=n))
    x = np.random.default_rng(0).normal(size=(size, n))

    def rival():
        states = np.asarray(qnode(x))
        return abs(states @ states.conj().T) ** 2

    what = "Gram matrix N=1000 n=8 vs broadcast states and the same product"
    return compare(what, rival, lambda: fidelity_kernel(qnode, x), 3, 5, repeat=3)


def fubini_study():
    n, layers = 8, 2
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=n), rng.uniform(0, 6, (layers, n, 3))

    def circuit(inputs, weights):
        for wire in range(n):
            qml.RX(inputs[wire], wires=wire)
        for layer in range(layers):
            for wire in range(n):
                qml.RZ(weights[layer, wire, 0], wires=wire)
                qml.RY(weights[layer, wire, 1], wires=wire)
                qml.RZ(weights[layer, wire, 2], wires=wire)
            for wire in range(n):
                qml.CNOT([wire, (wire + 1) % n])

    def measured(inputs, weights):
        circuit(inputs, weights)
        return qml.expval(qml.Z(0))

    qnode = qml.QNode(measured, qml.device("default.qubit", wires=n))
    tape = qml.workflow.construct_tape(qnode)(x, w)
    tape.trainable_params = range(n, n + w.size)

    def rival():
        return qml.adjoint_metric_tensor(tape)

    def states(inputs):
        circuit(inputs[:n], inputs[n:].reshape(w.shape))
        return qml.state()

    head = QuantumHead(
        qml.QNode(states, qnode.device), {}, "batched", n_inputs=n + w.size
    )

    def ours():
        """A shift by pi is twice the derivative; see notebook 22."""
        turned = np.vstack([w.ravel(), w.ravel() + np.pi * np.eye(w.size)])
        rows = np.hstack([np.tile(x, (len(turned), 1)), turned])
        with torch.no_grad():
            psi = head(torch.as_tensor(rows)).numpy()
        psi, tangents = psi[0], psi[1:] / 2
        along = tangents.conj() @ psi
        return (tangents.conj() @ tangents.T - np.outer(along, along.conj())).real

    np.testing.assert_allclose(rival(), ours(), atol=1e-10)
    what = "metric tensor n=8 L=2 vs adjoint_metric_tensor on a numpy tape"
    return compare(what, rival, ours, 25, 70, repeat=10)


def exported_head(batch: int, gate: float, goal: float) -> Row:
    """The head as ONNX in onnxruntime: a ratio below 1 says by how much torch leads."""
    import onnxruntime

    head = QuantumTokenHead(777, 9, 8, 3).eval()
    x = torch.randn(batch, 777)
    sizes = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.onnx.export(head, (x,), dynamo=True, dynamic_shapes=sizes)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: x.numpy()}
    with torch.inference_mode():
        np.testing.assert_allclose(
            session.run(None, feed)[0], head(x).numpy(), atol=2e-5
        )
        return compare(
            f"quantum head forward, torch / onnxruntime, n=8 B={batch} L=3",
            lambda: head(x),
            lambda: session.run(None, feed),
            gate,
            goal,
        )


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    yield versus_torchlayer(8, 1024, 15, 30)
    yield versus_torchlayer(8, 1024, 9, 15, torch.float64)
    yield versus_torchlayer(4, 1024, 6, 12, repeat=10)
    yield versus_torchlayer(10, 1024, 18, 35)
    yield versus_torchlayer(12, 256, 20, 40)
    lightning, shapes = reference_circuit(
        8, 2, "lightning.qubit", diff_method="adjoint"
    )
    yield compare(
        "head vs TorchLayer lightning.qubit adjoint, n=8 B=64",
        training_step(qml.qnn.TorchLayer(lightning, shapes), 64, 8),
        training_step(QuantumHead(lightning, shapes), 64, 8),
        60,
        150,
        repeat=10,
    )
    if importlib.util.find_spec("jax"):
        yield versus_jax(8, 1024, 5, 8, 3)
        yield versus_jax(4, 256, 1, 2, 20)
        yield versus_jax(8, 16, 1, 2, 20)
        yield versus_jax(4, 16, 0.5, 1, 50)
        # One sample on few qubits: a ratio below 1 says by how much jax.jit is ahead.
        yield versus_jax(6, 1, 0.5, 1, 50)
        yield versus_jax(4, 1, 0.4, 1, 50)
        yield versus_jax(2, 1, 0.25, 1, 50)
        yield versus_jax(4, 1, 0.4, 1, 50, hand=True)
        yield versus_jax(8, 1, 1, 2, 50, hand=True)
        yield versus_jax(8, 256, 5, 10, 5, hand=True)
    else:
        print(" skipped: rows against jax.jit, pip install -e '.[bench]' brings jax")
    if importlib.util.find_spec("onnxruntime"):
        yield exported_head(32, 0.05, 0.5)
        yield exported_head(1024, 0.01, 0.5)
    else:
        print(" skipped: exported head, pip install -e '.[export]' brings onnxruntime")
    yield fixed_cost()
    yield share_of_step()
    yield peak_memory()
    yield qaoa_gradient()
    yield gram_matrix()
    yield fubini_study()
