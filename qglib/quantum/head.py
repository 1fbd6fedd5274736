"""A QNode as a torch module that runs a whole batch at once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping

import pennylane as qml
import torch
from torch import nn

from qglib.quantum.memory import require
from qglib.quantum.plan import make_plan
from qglib.quantum.program import Program, load
from qglib.quantum.qnode_backend import call_qnode, rebuild
from qglib.quantum.simulate import run
from qglib.quantum.trace import TracedCircuit, UnsupportedCircuit, trace

BACKENDS = ("auto", "batched", "lightning.gpu", "lightning.qubit", "default.qubit")
# Batched simulation was measured up to 12 qubits; above, one state fills the cores.
MOST_BATCHED_QUBITS = 14
_COPIES = 7  # states alive at once in a step: final, pair, its successor, one factor


class QuantumHead(nn.Module):
    """Variational circuit as a layer: (..., n_inputs) -> (..., n_outputs).

    The QNode is the only source of the circuit. The ``"batched"`` backend traces
    it once and simulates all samples together in torch, on the inputs' own device
    and in their precision (float32 as complex64, float64 as complex128; lower
    precisions are computed in float32); the other backends run the QNode itself.
    Simulated: exact expectation values, no shots.

    Attributes:
        backend: The backend in use.
        reason: One line that says why.
        n_inputs: Width of one sample.

    Args:
        qnode: QNode with an argument ``inputs`` and one argument for every entry
            of ``weight_shapes``; it returns expectation values of Pauli words (or
            sums of them), probabilities, or the state.
        weight_shapes: Shape of every weight, as for ``qml.qnn.TorchLayer``; the
            weights start uniform in [0, 2 pi) from torch's generator.
        backend: ``"auto"``, ``"batched"``, or a PennyLane device name:
            ``"default.qubit"``, ``"lightning.qubit"``, ``"lightning.gpu"``.
            ``"auto"`` takes ``"batched"`` for every circuit it covers up to
            14 qubits; for the rest of the analytic circuits up to 14 qubits
            ``"default.qubit"`` (which broadcasts a batch, while lightning runs one
            sample at a time), and the QNode's own device otherwise.
        n_inputs: Width of one sample; by default found by trying, starting with
            one input per wire.

    Raises:
        TypeError: when the QNode lacks an argument.
        ValueError: for an unknown backend, a circuit without qubits, and under
            ``"batched"`` for circuits it does not cover (with the reason).
    """

    def __init__(
        self,
        qnode: qml.QNode,
        weight_shapes: Mapping[str, int | tuple[int, ...]],
        backend: str = "auto",
        *,
        n_inputs: int | None = None,
    ) -> None:
        """Trace the QNode and choose a backend."""
        super().__init__()
        if backend not in BACKENDS:
            raise ValueError(
                f"backend={backend!r}: choose one of {', '.join(BACKENDS)}"
            )
        shapes = {
            name: (shape,) if isinstance(shape, int) else tuple(shape)
            for name, shape in weight_shapes.items()
        }
        _check_arguments(qnode, shapes)
        self.qnode, self.weight_names = qnode, tuple(shapes)
        for name, shape in shapes.items():
            start = nn.Parameter(2 * math.pi * torch.rand(shape))
            self.register_parameter(name, start)
        self.n_inputs, circuit, refusal = _trace(qnode, shapes, n_inputs)
        self._plan, self._programs = None, {}
        if circuit is not None and backend in {"auto", "batched"}:
            try:
                self._plan = make_plan(circuit)
            except UnsupportedCircuit as error:
                refusal = str(error)
        self.backend, self.reason = _choose(qnode, backend, self._plan, refusal)
        if self.backend != "batched":
            self._plan, self._circuit = None, rebuild(qnode, self.backend)

    def extra_repr(self) -> str:
        """Backend and reason, for ``print(model)``."""
        return f"n_inputs={self.n_inputs}, backend={self.backend!r} ({self.reason})"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (..., n_outputs) of inputs (..., n_inputs), in the inputs' dtype.

        The state of ``qml.state()`` comes out complex. PennyLane hands the numbers
        of lightning devices to torch in single precision, so the lightning backends
        are good to about 1e-7 in float64 too.

        Raises:
            ValueError: for inputs of the wrong width and for NaN or infinite
                numbers in inputs or weights.
            MemoryError: before allocating, when the states would not fit.
        """
        if inputs.dim() == 0 or inputs.shape[-1] != self.n_inputs:
            raise ValueError(
                f"inputs of shape {tuple(inputs.shape)}: the circuit takes "
                f"{self.n_inputs} numbers a sample in the last axis (if it can take "
                "another width, pass n_inputs= when building the head)"
            )
        if not inputs.is_floating_point():
            raise ValueError(f"inputs of dtype {inputs.dtype}: pass floating point")
        dtype = inputs.dtype if inputs.dtype == torch.float64 else torch.float32
        flat = inputs.reshape(-1, self.n_inputs).to(dtype)
        compute = self._run_qnode if self._plan is None else self._run_batched
        if len(flat):
            outputs = compute(flat)
        else:
            outputs = compute(flat.new_zeros(1, self.n_inputs))[:0]
        if not math.isfinite(float(outputs.detach().abs().sum())):
            self._explain_not_finite(flat)
        if not outputs.is_complex():
            outputs = outputs.to(inputs.dtype)
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])

    def _run_batched(self, flat: torch.Tensor) -> torch.Tensor:
        n = self._plan.n_wires
        needed = _COPIES * 2**n * len(flat) * 2 * flat.element_size()
        if needed > 2**26:
            what = f"A batch of {len(flat)} states of {n} qubits"
            require(needed, flat.device, what, "use a smaller batch or fewer qubits")
        with torch.autocast(flat.device.type, enabled=False):
            return run(self._program(flat), flat, self._flat_weights(flat))

    def _program(self, like: torch.Tensor) -> Program:
        key = (like.device, like.dtype)
        if key not in self._programs:
            self._programs[key] = load(self._plan, *key)
        return self._programs[key]

    def _flat_weights(self, like: torch.Tensor) -> torch.Tensor:
        weights = [getattr(self, name).flatten() for name in self.weight_names]
        flat = torch.cat(weights) if weights else like.new_zeros(0)
        return flat.to(like.dtype)

    def named_weights(self) -> dict[str, nn.Parameter]:
        """The weights by name."""
        return {name: getattr(self, name) for name in self.weight_names}

    def _run_qnode(self, flat: torch.Tensor) -> torch.Tensor:
        return call_qnode(self._circuit, flat, self.named_weights())

    def _explain_not_finite(self, flat: torch.Tensor) -> None:
        named = {"inputs": flat, **self.named_weights()}
        for name, values in named.items():
            bad = int((~torch.isfinite(values)).sum())
            if bad:
                raise ValueError(
                    f"{name} hold {bad} NaN or infinite numbers of {values.numel()}: "
                    "clean the features, or lower the learning rate"
                )
        raise ValueError("the circuit gave NaN for finite inputs and weights")

    def __getstate__(self) -> dict:
        """Leave tensors that can be made again out of copies."""
        return {**self.__dict__, "_programs": {}}


def _check_arguments(qnode: qml.QNode, shapes: Mapping[str, tuple[int, ...]]) -> None:
    arguments = inspect.signature(qnode.func).parameters
    if any(a.kind is a.VAR_KEYWORD for a in arguments.values()):
        return
    for name in ("inputs", *shapes):
        if name not in arguments:
            raise TypeError(
                f"the QNode has no argument {name!r} (it has {', '.join(arguments)}): "
                "name the data argument inputs and list the others in weight_shapes"
            )


def _trace(
    qnode: qml.QNode, shapes: Mapping[str, tuple[int, ...]], n_inputs: int | None
) -> tuple[int, TracedCircuit | None, str]:
    """Width of a sample, the traced circuit or None, and why None."""
    wires = len(qnode.device.wires) if qnode.device.wires is not None else 0
    if qnode.device.wires is not None and wires == 0:
        raise ValueError("the QNode's device has zero qubits: it needs at least one")
    if n_inputs is not None:
        widths = [n_inputs]
    else:
        first = max(1, wires)
        more = (*range(first + 1, 4 * first + 1), *range(first - 1, 0, -1))
        widths = [first, *more]
    failure = None
    for width in widths:
        try:
            return width, trace(qnode, shapes, width), ""
        except UnsupportedCircuit as error:
            return width, None, str(error)
        except Exception as error:
            failure = failure or error
    raise ValueError(
        f"the QNode could not be run on {widths[0]} inputs with weights "
        f"{dict(shapes)}: {type(failure).__name__}: {failure}"
    ) from failure


def _choose(qnode, backend: str, plan, refusal: str) -> tuple[str, str]:
    device = qnode.device
    if backend == "batched":
        if plan is None:
            raise ValueError(
                f'backend="batched" cannot run this circuit: {refusal}; '
                'use backend="auto" to run the QNode instead'
            )
        return "batched", "asked for"
    if backend != "auto":
        return backend, "asked for"
    wires = len(device.wires) if device.wires is not None else 0
    if plan is not None and plan.n_wires <= MOST_BATCHED_QUBITS:
        steps = len(plan.steps)
        return "batched", f"traced to {plan.n_wires} qubits in {steps} passes"
    if plan is not None:
        refusal = f"{plan.n_wires} qubits, batched up to {MOST_BATCHED_QUBITS}"
    lightning = device.name.startswith("lightning") and "shots" not in refusal
    if lightning and wires <= MOST_BATCHED_QUBITS:
        return "default.qubit", f"not batched: {refusal}; default.qubit broadcasts"
    return device.name, f"not batched: {refusal}"
