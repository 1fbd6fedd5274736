"""A QNode as a torch module that runs a whole batch at once."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pennylane as qml
import torch
from torch import nn

from qglib import devices
from qglib.memory import require
from qglib.quantum.backends import (
    BACKENDS,
    call_qnode,
    check_arguments,
    choose,
    make_plans,
    rebuild,
    require_state,
    trace_head,
)

# Torch devices of the compiled simulation. On one CPU thread it took 0.15 to 0.45 of
# the time of the torch passes at all sizes measured: 4 to 12 qubits, 16 to 4096
# samples, both precisions.
COMPILED = frozenset({"cpu"})


class QuantumHead(nn.Module):
    """Variational circuit as a layer: (..., n_inputs) -> (..., n_outputs).

    The QNode is the only source of the circuit. The ``"batched"`` backend traces
    it once and simulates all samples together on the inputs' own device (by compiled
    passes on the CPU, which the first call of an installation compiles once, by torch
    elsewhere) and in their precision (float32 as complex64, float64 as complex128;
    lower precisions are computed in float32); the other backends run the QNode.
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
            14 qubits (forward and backward on one thread took .11 ms a sample at 12
            and .45 ms at 14 qubits, on lightning.qubit 14 and 39 ms). For the rest
            of the analytic circuits up to 14 qubits it takes ``"default.qubit"``
            (which broadcasts a batch, while lightning runs one sample at a time),
            and the QNode's own device otherwise.
        n_inputs: Width of one sample; by default found by trying, starting with
            one input per wire.

    Raises:
        TypeError: when the QNode lacks an argument.
        ValueError: for an unknown backend, a circuit without qubits, and under
            ``"batched"`` for circuits it does not cover (with the reason).
        MemoryError: before allocating, when one state would not fit.
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
        check_arguments(qnode, shapes)
        self.qnode, self.weight_names = qnode, tuple(shapes)
        for name, shape in shapes.items():
            start = nn.Parameter(2 * math.pi * torch.rand(shape))
            self.register_parameter(name, start)
        self.n_inputs, circuit, refusal = trace_head(qnode, shapes, n_inputs)
        self._simulator, self._compiled = None, None
        if circuit is not None and backend in {"auto", "batched"}:
            self._simulator, self._compiled, refusal = make_plans(circuit, backend)
        self.backend, self.reason = choose(qnode, backend, self._simulator, refusal)
        if self.backend != "batched":
            self._simulator = self._compiled = None
            self._circuit = rebuild(qnode, self.backend)

    def extra_repr(self) -> str:
        """Backend and reason, for ``print(model)``."""
        return f"n_inputs={self.n_inputs}, backend={self.backend!r} ({self.reason})"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (..., n_outputs) of inputs (..., n_inputs), in the inputs' dtype.

        The state of ``qml.state()`` comes out complex.

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
        if self._compiled is not None and inputs.device.type in COMPILED:
            return self._run_compiled(inputs)
        dtype = inputs.dtype if inputs.dtype == torch.float64 else torch.float32
        flat = inputs.reshape(-1, self.n_inputs).to(dtype)
        compute = self._run_qnode if self._simulator is None else self._run_batched
        if len(flat):
            outputs = compute(flat)
        else:
            outputs = compute(flat.new_zeros(1, self.n_inputs))[:0]
        if not math.isfinite(float(outputs.detach().abs().sum())):
            self._explain_not_finite(flat)
        if not outputs.is_complex():
            outputs = outputs.to(inputs.dtype)
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])

    def _run_compiled(self, inputs: torch.Tensor) -> torch.Tensor:
        devices.count("batched", inputs.numel() // self.n_inputs)
        exact = inputs
        if inputs.dtype not in (torch.float32, torch.float64):
            exact = inputs.float()
        if torch.is_grad_enabled():  # the final states are kept, else 16 at a time
            n, count = self._simulator.n_wires, inputs.numel() // self.n_inputs
            self._reserve(2 * exact.element_size() * 2**n * count, inputs, n, count)
        weights = [getattr(self, name) for name in self.weight_names]
        outputs, finite = self._compiled(exact, *weights)
        if not finite:
            self._explain_not_finite(inputs)
        if exact is inputs or outputs.is_complex():
            return outputs
        return outputs.to(inputs.dtype)

    def _reserve(self, needed: int, like: torch.Tensor, n: int, count: int) -> None:
        if needed > 2**26:
            what = f"A batch of {count} states of {n} qubits"
            remedy = "use a smaller batch or fewer qubits"
            require(needed, like.device, what, remedy)

    def _run_batched(self, flat: torch.Tensor) -> torch.Tensor:
        n = self._simulator.n_wires
        needed = self._simulator.copies * 2**n * len(flat) * 2 * flat.element_size()
        self._reserve(needed, flat, n, len(flat))
        devices.count("batched", len(flat))
        with torch.autocast(flat.device.type, enabled=False):
            return self._simulator(flat, self._flat_weights(flat))

    def _flat_weights(self, like: torch.Tensor) -> torch.Tensor:
        weights = [getattr(self, name).flatten() for name in self.weight_names]
        flat = torch.cat(weights) if weights else like.new_zeros(0)
        return flat.to(like.dtype)

    def named_weights(self) -> dict[str, nn.Parameter]:
        """The weights by name."""
        return {name: getattr(self, name) for name in self.weight_names}

    def _run_qnode(self, flat: torch.Tensor) -> torch.Tensor:
        wires = self._circuit.device.wires
        if wires is not None:
            broadcast = self.backend == "default.qubit"
            require_state(len(wires), "cpu", len(flat) if broadcast else 1)
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
