"""A QNode as a torch module that runs a whole batch at once."""

import warnings
from collections.abc import Callable, Mapping

import pennylane as qml
import torch
from torch import nn

from qglib import devices
from qglib.engines.circuits.simulate import Compiled, Simulator
from qglib.memory import require
from qglib.quantum import backends

# Torch devices of the compiled simulation.
COMPILED = frozenset({"cpu"})
COST = "15 to 40 times slower for hundreds of samples"


def symbolic() -> bool:
    """Whether torch.func or torch.export runs, so that tensors hide their numbers."""
    inside = torch._C._functorch.peek_interpreter_stack() is not None  # pyright: ignore[reportAttributeAccessIssue]
    return inside or torch.compiler.is_compiling()


class QuantumHead(nn.Module):
    """Variational circuit as a layer: (..., n_inputs) -> (..., n_outputs).

    The ``"batched"`` backend traces the QNode once and simulates all samples together
    on the inputs' own device (by compiled passes on the CPU, which the first call of
    an installation compiles once, by torch elsewhere) and in their precision (float32
    as complex64, float64 as complex128; lower ones in float32); the other backends run
    the QNode. Angles may be any torch functions of inputs and weights. Second
    derivatives, ``torch.func`` and ``torch.export`` take the torch passes. ``backend``
    and ``reason`` hold what was chosen, and one line that says why.

    Args:
        qnode: QNode with an argument ``inputs`` and one argument for every entry
            of ``weight_shapes``; it returns expectation values of Pauli words (or
            sums of them), probabilities, or the state.
        weight_shapes: Shape of every weight, as for ``qml.qnn.TorchLayer``.
        backend: ``"auto"``, ``"batched"``, or a PennyLane device name. ``"auto"``
            takes ``"batched"`` for every circuit it covers up to 14 qubits, for other
            analytic ones ``"default.qubit"`` (which broadcasts a batch), else the
            QNode's own device.
        n_inputs: Width of one sample; by default found by trying.
        init_method: How weights start, as for ``TorchLayer``: a function that fills a
            tensor, or one function or tensor for every weight; by default uniform
            in [0, 2 pi) from torch's generator.

    Raises:
        TypeError: when the QNode lacks an argument.
        ValueError: under ``"batched"`` for circuits it does not cover (the reason).
        MemoryError: before allocating, when one state would not fit.
    """

    def __init__(
        self,
        qnode: qml.QNode,
        weight_shapes: Mapping[str, int | tuple[int, ...]],
        backend: str = "auto",
        *,
        n_inputs: int | None = None,
        init_method: Callable | Mapping[str, Callable | torch.Tensor] | None = None,
    ) -> None:
        """Trace the QNode and choose a backend."""
        super().__init__()
        if backend not in backends.BACKENDS:
            raise ValueError(
                f"backend={backend!r}: choose one of {', '.join(backends.BACKENDS)}"
            )
        shapes = {
            name: (shape,) if isinstance(shape, int) else tuple(shape)
            for name, shape in weight_shapes.items()
        }
        backends.check_arguments(qnode, shapes)
        self.qnode, self.weight_names = qnode, tuple(shapes)
        for name, shape in shapes.items():
            start = nn.Parameter(backends.start_weight(name, shape, init_method))
            self.register_parameter(name, start)
        self.n_inputs, circuit, refusal = backends.trace_head(qnode, shapes, n_inputs)
        plan = None
        if circuit is not None and backend in {"auto", "batched"}:
            plan, refusal = backends.make_plan(circuit, backend)
        self.backend, self.reason = backends.choose(qnode, backend, plan, refusal)
        if circuit is not None and plan is not None:
            self._program, self._simulator = circuit.program, Simulator(plan)
            self._compiled = Compiled(self._simulator)
        else:
            self._circuit = backends.rebuild(qnode, self.backend)
            if backend == "auto" and "shots" not in refusal:
                warnings.warn(f"{self.reason} ({COST})", stacklevel=2)

    def extra_repr(self) -> str:
        """Backend and reason, for ``print(model)``."""
        return f"n_inputs={self.n_inputs}, backend={self.backend!r} ({self.reason})"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (..., n_outputs) of inputs (..., n_inputs), in the inputs' dtype.

        The state of ``qml.state()`` comes out complex. NaN or infinite numbers in
        inputs or weights are a ValueError.
        """
        if inputs.dim() == 0 or inputs.shape[-1] != self.n_inputs:
            raise ValueError(
                f"inputs of shape {tuple(inputs.shape)}: the circuit takes "
                f"{self.n_inputs} numbers a sample in the last axis (if it can take "
                "another width, pass n_inputs= when building the head)"
            )
        if not inputs.is_floating_point():
            raise ValueError(f"inputs of dtype {inputs.dtype}: pass floating point")
        flat = inputs if inputs.dim() == 2 else inputs.reshape(-1, self.n_inputs)
        if not len(flat):  # one sample is run for the shape, and keeps its gradient
            outputs = self(torch.cat([flat, flat.new_zeros(1, self.n_inputs)]))[:0]
            return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])
        if flat.dtype not in (torch.float32, torch.float64):
            flat = flat.float()
        run = self._run if self.backend == "batched" else self._run_qnode
        outputs = run(flat)
        if not outputs.is_complex():
            outputs = outputs.to(inputs.dtype)
        if inputs.dim() == 2:
            return outputs
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])

    def _run(self, flat: torch.Tensor) -> torch.Tensor:
        """Batched outputs: compiled where numbers are at hand, else by torch."""
        n, size = self._simulator.n_wires, 2 * len(flat) * flat.element_size()
        devices.count("batched", len(flat))
        columns, shared = flat, [getattr(self, name) for name in self.weight_names]
        hidden = symbolic()
        if not self._program.trivial:
            with torch.autocast(flat.device.type, enabled=False):
                columns, shared = self._program(flat, shared)
        if hidden or flat.device.type not in COMPILED:
            self._reserve(self._simulator.copies * 2**n * size, flat, n)
            with torch.autocast(flat.device.type, enabled=False):
                outputs = self._simulator(columns, shared)
            finite = hidden or bool(torch.isfinite(outputs.sum()))
        else:
            if torch.is_grad_enabled():  # the final states are kept, else 16 at a time
                self._reserve(2**n * size, flat, n)
            outputs, finite = self._compiled(columns, *shared)
        if not finite:
            self._explain_not_finite(flat)
        return outputs

    def _reserve(self, needed: int, like: torch.Tensor, n: int) -> None:
        if needed > 2**26:
            what = f"A batch of {len(like)} states of {n} qubits"
            remedy = "use a smaller batch or fewer qubits"
            require(needed, like.device, what, remedy)

    def named_weights(self) -> dict[str, nn.Parameter]:
        """The weights by name."""
        return {name: getattr(self, name) for name in self.weight_names}

    def _run_qnode(self, flat: torch.Tensor) -> torch.Tensor:
        together = len(flat) if self.backend == "default.qubit" else 1
        backends.require_state(len(self._circuit.device.wires or ()), together)
        weights = {
            name: w.float() if w.dtype in (torch.half, torch.bfloat16) else w
            for name, w in self.named_weights().items()
        }
        outputs = backends.call_qnode(self._circuit, flat, weights)
        if not symbolic() and not bool(torch.isfinite(outputs.sum())):
            self._explain_not_finite(flat)
        return outputs

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
