"""Which way a head runs its circuit, and why."""

import inspect
import math
from collections.abc import Mapping

import pennylane as qml
import torch

from qglib import devices
from qglib.engines.circuits.angles import UnsupportedCircuit
from qglib.engines.circuits.lanes import LanePlan, make_lane_plan
from qglib.engines.circuits.trace import TracedCircuit, trace
from qglib.memory import require

BACKENDS = ("auto", "batched", "lightning.gpu", "lightning.qubit", "default.qubit")
# One thread, 64 samples, ms a sample at 2 layers: 12 qubits .11, 14 qubits .45;
# lightning.qubit took 14 and 39, default.qubit (16 samples) 4.5 and 14.
MOST_BATCHED_QUBITS = 14


def check_arguments(qnode: qml.QNode, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise TypeError when the QNode lacks ``inputs`` or a weight."""
    arguments = inspect.signature(qnode.func).parameters
    if any(a.kind is a.VAR_KEYWORD for a in arguments.values()):
        return
    for name in ("inputs", *shapes):
        if name not in arguments:
            raise TypeError(
                f"the QNode has no argument {name!r} (it has {', '.join(arguments)}): "
                "name the data argument inputs and list the others in weight_shapes"
            )


def trace_head(
    qnode: qml.QNode, shapes: Mapping[str, tuple[int, ...]], n_inputs: int | None
) -> tuple[int, TracedCircuit | None, str]:
    """Width of a sample, the traced circuit or None, and why None."""
    wires = qnode.device.wires
    if wires is not None and not len(wires):
        raise ValueError("the QNode's device has zero qubits: it needs at least one")
    first = len(wires or [0])  # one input a wire, then more, then fewer
    widths = [*range(first, 4 * first + 1), *range(first - 1, 0, -1)]
    if n_inputs is not None:
        widths = [n_inputs]
    failure = None
    for width in widths:
        try:
            # Loaders build models on the meta device, where a probe has no numbers.
            with torch.device("cpu"):
                return width, trace(qnode, shapes, width), ""
        except UnsupportedCircuit as error:
            return width, None, str(error)
        except Exception as error:
            if "norm" in str(error):
                return width, None, f"random inputs do not fit ({error})"
            failure = failure or error
    raise ValueError(
        f"the QNode could not be run on {widths[0]} inputs with weights "
        f"{dict(shapes)}: {type(failure).__name__}: {failure}"
    ) from failure


def make_plan(circuit: TracedCircuit, backend: str) -> tuple[LanePlan | None, str]:
    """Tables of the batched passes, or why there are none."""
    n = circuit.n_wires
    if backend == "auto" and n > MOST_BATCHED_QUBITS:
        return None, f"{n} qubits, batched up to {MOST_BATCHED_QUBITS}"
    require_state(n)
    try:
        return make_lane_plan(circuit), ""
    except UnsupportedCircuit as error:
        return None, str(error)


def start_weight(name: str, shape: tuple[int, ...], method) -> torch.Tensor:
    """First value of a weight, as ``qml.qnn.TorchLayer`` makes it."""
    if isinstance(method, Mapping):
        if name not in method:
            raise ValueError(f"init_method has no entry for the weight {name!r}")
        method = method[name]
    if isinstance(method, torch.Tensor):
        if tuple(method.shape) != shape:
            raise ValueError(
                f"init_method[{name!r}] has shape {tuple(method.shape)}, "
                f"weight_shapes says {shape}"
            )
        return method.detach().clone()
    if method is None:
        return 2 * math.pi * torch.rand(shape)
    return method(torch.empty(shape)) if shape else method(torch.empty(1))[0]


def require_state(n: int, count: int = 1) -> None:
    """Raise MemoryError when ``count`` states of n qubits in complex128 do not fit."""
    if n > 20:
        what = f"{count} state(s) of {n} qubits"
        require(16 * count * 2**n, "cpu", what, "use fewer qubits")


def choose(
    qnode: qml.QNode, backend: str, plan: LanePlan | None, refusal: str
) -> tuple[str, str]:
    """The backend in use and one line that says why."""
    if backend == "batched" and plan is None:
        raise ValueError(
            f'backend="batched" cannot run this circuit: {refusal}; '
            'use backend="auto" to run the QNode instead'
        )
    if backend != "auto":
        return backend, "asked for"
    if plan is not None:
        how = "compiled passes on the CPU, torch elsewhere"
        return "batched", f"traced to {plan.n_wires} qubits: {how}"
    name, few = qnode.device.name, len(qnode.device.wires or ()) <= MOST_BATCHED_QUBITS
    if name.startswith("lightning") and few and "shots" not in refusal:
        return "default.qubit", f"not batched: {refusal}; default.qubit broadcasts"
    return name, f"not batched: {refusal}"


def call_qnode(
    qnode: qml.QNode, inputs: torch.Tensor, weights: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Outputs (B, n_outputs) of a QNode for inputs (B, n_inputs) or (n_inputs,)."""
    # PennyLane gives lightning's Python floats torch's default precision
    usual = torch.get_default_dtype()
    try:
        if inputs.dtype == torch.float64:
            torch.set_default_dtype(torch.float64)
        result = qnode(inputs=inputs, **weights)
    finally:
        torch.set_default_dtype(usual)
    if isinstance(result, Mapping):
        result = list(result.values())
    parts = list(result) if isinstance(result, tuple | list) else [result]
    count, columns = len(inputs) if inputs.dim() > 1 else 1, []
    for part in map(torch.as_tensor, parts):
        matched = part.dim() > 0 and part.shape[0] == count
        column = part.reshape(count if matched else 1, -1)
        columns.append(column.expand(count, -1))
    return torch.cat(columns, 1)


def rebuild(qnode: qml.QNode, backend: str) -> qml.QNode:
    """The same circuit on the backend's device, differentiable by torch."""
    if qnode.device.name == backend:
        return qnode.update(interface="torch") if qnode.interface != "torch" else qnode
    device = devices.build(backend, qnode.device.wires)
    return qml.QNode(qnode.func, device, interface="torch", diff_method="best")
