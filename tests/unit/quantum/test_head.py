from __future__ import annotations

import copy
import math
import pickle
import warnings

import numpy as np
import pennylane as qml
import pytest
import torch

from qglib import memory as memory_module
from qglib.engines.circuits.simulate import Simulator
from qglib.quantum import QuantumHead, circuits, verify

DEVICES = ["default.qubit", "lightning.qubit"]
pytestmark = pytest.mark.usefixtures("engine")


def qnode_of(body, wires=3, device="default.qubit", measure=None, **options):
    def circuit(inputs, weights):
        body(inputs, weights)
        if measure is not None:
            return measure()
        return [qml.expval(qml.Z(k)) for k in range(wires)]

    dev = device if not isinstance(device, str) else qml.device(device, wires=wires)
    return qml.QNode(circuit, dev, interface="torch", **options)


def plain(inputs, weights):
    qml.AngleEmbedding(inputs, wires=range(3))
    qml.BasicEntanglerLayers(weights, wires=range(3))


SHAPES = {"weights": (2, 3)}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("qubits", [1, 2, 3, 5])
def test_reuploading_is_batched_and_right(device, qubits):
    qnode, shapes, n_outputs = circuits.reuploading(device, qubits, 3)
    head = QuantumHead(qnode, shapes)
    assert head.backend == "batched"
    assert "\n" not in head.reason
    assert head.reason
    assert max(verify(head).values()) < 2e-5
    assert max(verify(head.double()).values()) < 1e-10
    x = torch.randn(2, 4, qubits, dtype=torch.float64)
    assert head(x).shape == (2, 4, n_outputs)


@pytest.mark.parametrize("backend", [*DEVICES, "batched"])
def test_backends_give_the_same_numbers_and_gradients(backend):
    torch.manual_seed(0)
    qnode, shapes, _ = circuits.reuploading("lightning.qubit", 3, 2)
    reference = QuantumHead(qnode, shapes, "batched").double()
    head = QuantumHead(qnode, shapes, backend).double()
    head.load_state_dict(reference.state_dict())
    assert head.backend == backend
    results = []
    for model in (reference, head):
        x = torch.arange(12, dtype=torch.float64).reshape(4, 3).requires_grad_()
        out = model(x)
        grads = torch.autograd.grad(out.square().sum(), [x, model.weights])
        results.append([out.detach(), *grads])
    # PennyLane converts what lightning returns to torch's single precision.
    limit = 1e-6 if backend.startswith("lightning") else 1e-10
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, atol=limit, rtol=0)


def test_single_precision_agrees_between_devices():
    torch.manual_seed(0)
    x = torch.randn(5, 3)
    outputs = []
    for backend in ("batched", "lightning.qubit", "default.qubit"):
        torch.manual_seed(1)
        qnode, shapes, _ = circuits.reuploading("lightning.qubit", 3, 2)
        outputs.append(QuantumHead(qnode, shapes, backend)(x).detach())
    for other in outputs[1:]:
        torch.testing.assert_close(outputs[0], other, atol=1e-5, rtol=0)


def test_lightning_gpu_agrees_or_says_why_not():
    try:
        device = qml.device("lightning.gpu", wires=3)
    except Exception as error:
        pytest.skip(f"lightning.gpu cannot be built here: {str(error)[-80:]}")
    qnode, shapes, _ = circuits.reuploading(device, 3, 2)
    batched, gpu = (QuantumHead(qnode, shapes, b) for b in ("batched", "lightning.gpu"))
    gpu.load_state_dict(batched.state_dict())
    x = torch.randn(3, 3)
    torch.testing.assert_close(batched(x), gpu(x), atol=1e-5, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_follows_the_module():
    qnode, shapes, _ = circuits.reuploading("default.qubit", 4, 2)
    head = QuantumHead(qnode, shapes, "batched")
    x = torch.randn(6, 4)
    expected = head(x)
    got = head.cuda()(x.cuda())
    assert got.is_cuda
    torch.testing.assert_close(got.cpu(), expected, atol=1e-5, rtol=0)


def amplitude(inputs, weights):
    qml.AmplitudeEmbedding(inputs, wires=[0, 1], pad_with=0.3, normalize=True)
    qml.BasicEntanglerLayers(weights, wires=range(3))


def branching(inputs, weights):
    plain(inputs, weights)
    if float(inputs.sum()) > 0:
        qml.X(0)


def through_numpy(inputs, weights):
    qml.RX(np.clip(inputs.detach().numpy()[0], -1, 1), wires=0)
    plain(inputs, weights)


def in_place(inputs, weights):
    moved = inputs + 0
    moved += 1
    plain(moved, weights)


def random(inputs, weights):
    plain(inputs * torch.rand_like(inputs), weights)


@pytest.mark.parametrize(
    "body", [amplitude, branching, through_numpy, in_place, random]
)
def test_what_is_not_covered_falls_back_with_one_warning(body):
    qnode = qnode_of(body)
    with pytest.warns(UserWarning, match="not batched: .*times slower") as caught:
        head = QuantumHead(qnode, SHAPES, n_inputs=3).double()
    assert len(caught) == 1
    assert head.backend == "default.qubit"
    assert "\n" not in head.reason
    if body is amplitude:
        assert max(verify(head).values()) < 1e-10
    with pytest.raises(ValueError, match='backend="batched" cannot run this'):
        QuantumHead(qnode, SHAPES, "batched", n_inputs=3)


@pytest.mark.parametrize("measure", ["var", "purity", "sample"])
def test_other_measurements_fall_back(measure):
    result = {
        "var": lambda: qml.var(qml.Z(0)),
        "purity": lambda: qml.purity(wires=[0]),
        "sample": lambda: qml.expval(qml.Hermitian(np.eye(2), 0)),
    }[measure]
    head = QuantumHead(qnode_of(plain, measure=result), SHAPES)
    assert head.backend == "default.qubit"
    assert head(torch.zeros(2, 3)).shape == (2, 1)


def test_shots_run_on_their_own_device():
    qnode = qml.set_shots(qnode_of(plain), 50)
    head = QuantumHead(qnode, SHAPES)
    assert head.backend == "default.qubit"
    assert "shots" in head.reason
    values = head(torch.zeros(2, 3)) * 25 + 25
    torch.testing.assert_close(values, values.round(), atol=1e-3, rtol=0)
    with pytest.raises(ValueError, match="shots"):
        QuantumHead(qnode, SHAPES, "batched")


def test_mid_circuit_measurement_is_refused():
    def body(inputs, weights):
        plain(inputs, weights)
        outcome = qml.measure(0)
        qml.cond(outcome, qml.X)(wires=1)

    with pytest.raises(ValueError, match="mid-circuit"):
        QuantumHead(qnode_of(body), SHAPES, "batched")
    # The deferred measurement takes a fourth wire.
    spare = qnode_of(body, device=qml.device("default.qubit", wires=4))
    head = QuantumHead(spare, SHAPES, n_inputs=3)
    assert "mid-circuit" in head.reason
    assert head(torch.zeros(2, 3)).shape == (2, 3)


def test_noise_runs_on_the_mixed_device():
    def body(inputs, weights):
        plain(inputs, weights)
        qml.DepolarizingChannel(0.1, wires=0)

    head = QuantumHead(qnode_of(body, device="default.mixed"), SHAPES)
    assert head.backend == "default.mixed"
    assert head(torch.zeros(2, 3)).shape == (2, 3)


def test_fallback_from_lightning_broadcasts_on_default_qubit():
    head = QuantumHead(qnode_of(amplitude, device="lightning.qubit"), SHAPES)
    assert head.backend == "default.qubit"
    assert head(torch.zeros(2, 3)).shape == (2, 3)


def test_second_derivatives_and_vmap_are_those_of_torchlayer():
    qnode, shapes, _ = circuits.reuploading("default.qubit", 2, 1)
    head = QuantumHead(qnode, shapes, "batched").double()
    other = qml.qnn.TorchLayer(qnode, shapes).double()
    other.load_state_dict(head.state_dict())
    x = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)

    def curvature(model):
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), [x, model.weights])

    def slopes(model):
        return torch.vmap(torch.func.jacrev(model))(x.detach())

    for a, b in zip(curvature(head), curvature(other), strict=True):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=0)
    torch.testing.assert_close(slopes(head), slopes(other), atol=1e-6, rtol=0)


def test_export_and_pickle():
    head = QuantumHead(qnode_of_module(), SHAPES)
    x = torch.randn(4, 3)
    exported = torch.export.export(head, (x,)).module()
    torch.testing.assert_close(exported(x), head(x), atol=1e-5, rtol=0)
    twin = pickle.loads(pickle.dumps(head))
    torch.testing.assert_close(twin(x), head(x))


def module_circuit(inputs, weights):
    plain(math.pi * torch.tanh(inputs), weights)
    return [qml.expval(qml.Z(k)) for k in range(3)]


def qnode_of_module():
    return qml.QNode(module_circuit, qml.device("default.qubit", wires=3))


def test_weights_start_as_asked():
    fixed = torch.arange(6.0).reshape(2, 3)
    head = QuantumHead(qnode_of(plain), SHAPES, init_method={"weights": fixed})
    torch.testing.assert_close(head.weights.detach(), fixed)
    head = QuantumHead(qnode_of(plain), SHAPES, init_method=torch.nn.init.ones_)
    assert (head.weights == 1).all()
    with pytest.raises(ValueError, match=r"shape \(6,\)"):
        QuantumHead(qnode_of(plain), SHAPES, init_method={"weights": torch.zeros(6)})
    with pytest.raises(ValueError, match="no entry for the weight 'weights'"):
        QuantumHead(qnode_of(plain), SHAPES, init_method={})


def test_weights_start_as_those_of_torchlayer():
    torch.manual_seed(3)
    head = QuantumHead(qnode_of(plain), SHAPES)
    torch.manual_seed(3)
    other = qml.qnn.TorchLayer(qnode_of(plain), SHAPES)
    torch.testing.assert_close(head.weights, other.weights)


@pytest.mark.parametrize("backend", ["batched", "default.qubit"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_trains(backend, dtype):
    head = QuantumHead(qnode_of(plain), SHAPES, backend)
    x = torch.randn(4, 3)
    exact, half = head(x).detach(), head.to(dtype)(x.to(dtype))
    assert half.dtype == dtype
    torch.testing.assert_close(half.float(), exact, atol=0.1, rtol=0)
    half.sum().backward()
    assert torch.isfinite(head.weights.grad).all()


def test_dicts_parameter_shifts_and_devices_without_wires():
    def measure():
        return {"b": qml.expval(qml.Z(1)), "a": qml.expval(qml.X(0))}

    head = QuantumHead(qnode_of(plain, measure=measure), SHAPES).double()
    assert max(verify(head).values()) < 1e-10
    head = QuantumHead(qnode_of(plain, diff_method="parameter-shift"), SHAPES)
    assert max(verify(head.double()).values()) < 1e-10
    for name in DEVICES:
        free = qnode_of(plain, device=qml.device(name))
        for backend in ("batched", name):
            head = QuantumHead(free, SHAPES, backend, n_inputs=3).double()
            assert max(verify(head).values()) < 1e-6


def test_nan_is_named():
    qnode, shapes, _ = circuits.reuploading("default.qubit", 2, 1)
    for backend in ("batched", "default.qubit"):
        head = QuantumHead(qnode, shapes, backend)
        x = torch.zeros(4, 2)
        x[2, 1] = math.nan
        with pytest.raises(ValueError, match="inputs hold 1 NaN"):
            head(x)
        with torch.no_grad():
            head.weights[0, 0, 0] = math.inf
        with pytest.raises(ValueError, match="weights hold 1 NaN"):
            head(torch.zeros(4, 2))


def test_wrong_inputs_are_named():
    qnode, shapes, _ = circuits.reuploading("default.qubit", 3, 1)
    head = QuantumHead(qnode, shapes)
    with pytest.raises(ValueError, match="takes 3 numbers"):
        head(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="floating point"):
        head(torch.zeros(2, 3, dtype=torch.long))
    with pytest.raises(ValueError, match="backend='gpu'"):
        QuantumHead(qnode, shapes, "gpu")
    with pytest.raises(TypeError, match="no argument 'theta'"):
        QuantumHead(qnode, {"theta": (3,)})


def test_zero_qubits_and_layers():
    for arguments in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one"):
            circuits.reuploading("default.qubit", *arguments)

    def nothing(inputs, weights):
        pass

    with pytest.raises(ValueError, match=r"measures nothing|zero qubits|no qubit"):
        QuantumHead(qnode_of(nothing, wires=0), SHAPES, "batched")


def test_memory_is_asked_for_before_it_is_taken(monkeypatch, engine):
    qnode, shapes, _ = circuits.reuploading("default.qubit", 10, 1)
    head = QuantumHead(qnode, shapes)
    monkeypatch.setattr(memory_module, "available_bytes", lambda device: 2**28)
    monkeypatch.setattr(Simulator, "__call__", None)  # would fail if it were reached
    head._compiled = None if engine == "torch" else lambda *_: 1 / 0
    with pytest.raises(MemoryError, match=r"65536 states of 10 qubits .* GiB"):
        head(torch.zeros(65536, 10))


def test_state_dict_holds_weights_only_and_moves():
    qnode, shapes, _ = circuits.reuploading("default.qubit", 3, 2)
    head = QuantumHead(qnode, shapes)
    x = torch.randn(4, 3)
    before = head(x)
    assert list(head.state_dict()) == ["weights"]
    other = QuantumHead(qnode, shapes)
    other.load_state_dict(head.state_dict())
    torch.testing.assert_close(other(x), before)
    twin = copy.deepcopy(head)
    torch.testing.assert_close(twin(x), before)
    # Going to single precision and back must not blunt the circuit's constants.
    assert max(verify(head.float().double()).values()) < 1e-10


def test_it_can_be_built_on_the_meta_device():
    qnode, shapes, _ = circuits.reuploading("lightning.qubit", 3, 2)
    trained = QuantumHead(qnode, shapes)
    with torch.device("meta"):
        head = QuantumHead(qnode, shapes)
    assert head.backend == "batched"
    assert head.weights.is_meta
    head.load_state_dict(trained.state_dict(), assign=True)
    x = torch.rand(4, 3)
    torch.testing.assert_close(head(x), trained(x))


def test_dtype_follows_the_inputs():
    qnode, shapes, _ = circuits.reuploading("default.qubit", 3, 2)
    head = QuantumHead(qnode, shapes)
    x = torch.rand(4, 3)
    exact = head(x.double())
    for dtype, limit in (
        (torch.float64, 0),
        (torch.float32, 1e-5),
        (torch.bfloat16, 0.05),
    ):
        out = head(x.to(dtype))
        assert out.dtype == dtype
        torch.testing.assert_close(out.double(), exact, atol=limit, rtol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(head(x).double(), exact, atol=1e-5, rtol=0)


def test_wires_and_inputs_of_any_kind():
    def letters(inputs, weights):
        for k, wire in enumerate("cab"):
            qml.RY(inputs[..., 2 - k], wires=wire)
            qml.RY(0.4, wires=wire)
            qml.Rot(weights[1], weights[k], inputs[..., k], wires=wire)
        qml.CNOT(["a", "b"])
        qml.RX(weights[0], wires="b")

    device = qml.device("default.qubit", wires=["c", "a", "unused", "b"])
    qnode = qnode_of(
        letters, device=device, measure=lambda: [qml.expval(qml.Z(w)) for w in "bc"]
    )
    head = QuantumHead(qnode, {"weights": 3}, n_inputs=3).double()
    assert head.backend == "batched"
    assert max(verify(head).values()) < 1e-10


def test_fewer_inputs_than_wires_and_empty_batch():
    def body(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(2))
        qml.BasicEntanglerLayers(weights, wires=range(3))

    head = QuantumHead(qnode_of(body), SHAPES).double()
    assert head.n_inputs == 2
    assert max(verify(head).values()) < 1e-10
    empty = torch.zeros(0, 2, dtype=torch.float64, requires_grad=True)
    assert head(empty).shape == (0, 3)
    head(empty).sum().backward()
    assert empty.grad.shape == (0, 2)
    assert (head.weights.grad == 0).all()
    assert head(torch.zeros(2)).shape == (3,)


def test_it_trains():
    torch.manual_seed(0)
    qnode, shapes, _ = circuits.reuploading("default.qubit", 2, 3)
    head = QuantumHead(qnode, shapes)
    x = torch.rand(64, 2) * 6
    target = torch.sin(x[:, :1]) * torch.cos(x[:, 1:])
    optimiser = torch.optim.Adam(head.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = (head(x)[:, 2:] - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        qnode, shapes, _ = circuits.reuploading("default.qubit", 3, 2)
        head = QuantumHead(qnode, shapes)
        head(torch.rand(2, 3, requires_grad=True)).sum().backward()


def test_a_ring_joins_each_pair_once():
    rings = {1: [], 2: [(0, 1)], 3: [(0, 1), (1, 2), (2, 0)]}
    assert {n: circuits.ring(n) for n in rings} == rings
    assert circuits.ring(4)[-1] == (3, 0)
