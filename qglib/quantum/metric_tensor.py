"""Fubini-Study metric of a circuit's weights, by tangent vectors.

The state and its derivative by every weight travel through the circuit together:
a gate acts on all of them at once, and a gate with a trainable angle adds one
tangent, (dU/dtheta) psi. With J the tangents, the metric is
Re(J^H J - (J^H psi)(psi^H J)) (Provost, Vallee 1980; Stokes et al., Quantum 4, 269,
2020).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping

import numpy as np
import pennylane as qml
import torch

from qglib.quantum.gates import Angle, Fixed, Permute, Phase, lower
from qglib.quantum.head import QuantumHead
from qglib.quantum.memory import require
from qglib.quantum.schedule import local_index, permutation
from qglib.quantum.trace import trace

_TRACED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def metric_tensor(
    qnode: qml.QNode,
    inputs: np.ndarray | None,
    weights: np.ndarray | Mapping[str, np.ndarray],
) -> np.ndarray:
    """Metric tensor (P, P) of the flattened weights at one sample.

    Args:
        qnode: QNode of ``inputs`` (if any) and the weights; what it measures is
            ignored, and so is its device. It is traced at the first call.
        inputs: One sample (n_inputs,), several (B, n_inputs), or None.
        weights: Values by argument name, or one array for an argument "weights".

    Returns:
        (P, P) float64, or (B, P, P) for several samples; symmetric and positive
        semi-definite, in units of 1 / radian^2.

    Raises:
        UnsupportedCircuit: for circuits that batched simulation does not cover.
        ValueError: for numbers that are not finite.
        MemoryError: before allocating, when the tangents would not fit.
    """
    return geometric_tensor(qnode, inputs, weights).real.copy()


def geometric_tensor(
    qnode: qml.QNode,
    inputs: np.ndarray | None,
    weights: np.ndarray | Mapping[str, np.ndarray],
) -> np.ndarray:
    """Quantum geometric tensor Q of the flattened weights (Provost, Vallee 1980).

    Its real part is the metric tensor; -2 Im Q is the Berry curvature, which is
    antisymmetric and changes sign with the orientation of the parameters.

    Args:
        qnode: see `metric_tensor`.
        inputs: see `metric_tensor`.
        weights: see `metric_tensor`.

    Returns:
        (P, P) complex128, Hermitian, or (B, P, P) for several samples.

    Raises:
        UnsupportedCircuit, ValueError, MemoryError: as `metric_tensor`.
    """
    if not isinstance(weights, Mapping):
        weights = {"weights": weights}
    arrays = {k: np.asarray(w, float) for k, w in weights.items()}
    sample = np.zeros(0) if inputs is None else np.asarray(inputs, float)
    flat = np.concatenate([np.zeros(0), *(w.ravel() for w in arrays.values())])
    if not (np.isfinite(sample).all() and np.isfinite(flat).all()):
        raise ValueError("inputs or weights hold NaN or infinite numbers")
    shapes = {k: w.shape for k, w in arrays.items()}
    tangents = _tangents_of(qnode, shapes, sample.shape[-1])
    rows = [tangents.geometry(row, flat) for row in np.atleast_2d(sample)]
    return rows[0] if sample.ndim == 1 else np.stack(rows)


def _tangents_of(qnode, shapes, n_inputs: int) -> _Tangents:
    key = (tuple(shapes.items()), n_inputs)
    known = _TRACED.setdefault(qnode, {})
    if key not in known:
        known[key] = _Tangents(trace(qnode, shapes, n_inputs))
    return known[key]


class _Tangents:
    """The parts of a traced circuit, acting on rows (columns of the circuit)."""

    def __init__(self, circuit) -> None:
        self.n, self.n_inputs = circuit.n_wires, circuit.n_inputs
        self.n_weights = circuit.n_weights
        vectors = 1 + circuit.n_weights
        what = f"{vectors} vectors of {self.n} qubits"
        require(32 * vectors * 2**self.n, "cpu", what, "use fewer qubits or weights")
        self.parts = []
        for part in lower(circuit.gates, circuit.n_inputs):
            if isinstance(part, Permute):
                self.parts.append((part, permutation(part, self.n)))
            elif isinstance(part, Phase):
                table = part.table[local_index(part.wires, self.n)]
                self.parts.append((part, table))
            else:
                self.parts.append((part, None))

    def geometry(self, inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
        psi, rows = self.run(np.concatenate([inputs, weights]))
        along = rows.conj() @ psi
        gram = rows.conj() @ rows.T
        return gram - np.outer(along, along.conj())

    def run(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Final state (2**n,) and tangents (P, 2**n)."""
        self.values = values
        stack = np.zeros((1 + self.n_weights, 2**self.n), complex)
        stack[0, 0] = 1
        self.row: dict[int, int] = {}
        for part, table in self.parts:
            live = stack[: 1 + len(self.row)]
            if isinstance(part, Permute):
                live[:] = live[:, table]
            elif isinstance(part, Fixed):
                live[:] = self._apply(part.matrix, live, part.wire)
            elif isinstance(part, Phase):
                live *= np.exp(1j * self._value(part.angle) * table)
                for weight, slope in self._slopes(part.angle):
                    self._add(stack, weight, 1j * slope * table * stack[0])
            else:
                self._turn(stack, live, part)
        tangents = np.zeros((self.n_weights, 2**self.n), complex)
        for weight, row in self.row.items():
            tangents[weight] = stack[row]
        return stack[0], tangents

    def _turn(self, stack, live, part) -> None:
        angles = [0.0 if a is None else self._value(a) for a in part.angles]
        before = stack[:1].copy()
        live[:] = self._apply(_rot(*angles), live, part.wire)
        for place, angle in enumerate(part.angles):
            slopes = self._slopes(angle) if angle is not None else []
            for weight, slope in slopes:
                # The entries are half-angle functions: a shift by pi is twice
                # the derivative.
                shifted = list(angles)
                shifted[place] += np.pi
                change = self._apply(_rot(*shifted), before, part.wire)[0]
                self._add(stack, weight, 0.5 * slope * change)

    def _add(self, stack, weight: int, tangent: np.ndarray) -> None:
        row = self.row.setdefault(weight, 1 + len(self.row))
        stack[row] += tangent

    def _apply(self, matrix, rows, wire: int) -> np.ndarray:
        blocks = rows.reshape(-1, 2, 2 ** (self.n - 1 - wire))
        zero, one = blocks[:, 0], blocks[:, 1]
        out = np.empty_like(blocks)
        out[:, 0] = matrix[0, 0] * zero + matrix[0, 1] * one
        out[:, 1] = matrix[1, 0] * zero + matrix[1, 1] * one
        return out.reshape(rows.shape)

    def _value(self, angle: Angle) -> float:
        return angle.scale * float(np.prod([self.values[k] for k in angle.factors]))

    def _slopes(self, angle: Angle) -> list[tuple[int, float]]:
        """(weight, d angle / d weight) of every weight in the angle."""
        found = []
        for k, factor in enumerate(angle.factors):
            if factor >= self.n_inputs:
                rest = angle.factors[:k] + angle.factors[k + 1 :]
                slope = angle.scale * float(np.prod([self.values[j] for j in rest]))
                found.append((factor - self.n_inputs, slope))
        return found


def _rot(phi: float, theta: float, omega: float) -> np.ndarray:
    cos, sin = np.cos(theta / 2), np.sin(theta / 2)
    total, gap = np.exp(0.5j * (phi + omega)), np.exp(0.5j * (phi - omega))
    return np.array([[cos / total, -sin * gap], [sin / gap, cos * total]])


class NaturalGradient(torch.optim.Optimizer):
    """Gradient descent in the Fubini-Study metric of a head's weights.

    Every step solves (g + damping) d = gradient, with g the metric averaged over
    the samples given to `step` (Stokes et al., Quantum 4, 269, 2020). Only for
    circuits that batched simulation covers; simulated exactly, on the CPU.

    Args:
        head: The head whose weights are trained.
        lr: Step length.
        damping: Added to the metric's diagonal; the metric is often singular.
        mode: ``"full"`` metric, or ``"block"``: one block per entry of the leading
            axis of every weight (a layer, by PennyLane's convention).
    """

    def __init__(
        self,
        head: QuantumHead,
        lr: float = 0.1,
        damping: float = 1e-3,
        mode: str = "full",
    ) -> None:
        """Check the settings."""
        if mode not in {"full", "block"}:
            raise ValueError(f"mode={mode!r}: choose 'full' or 'block'")
        if lr <= 0 or damping < 0:
            raise ValueError(
                f"lr={lr} must be positive, damping={damping} not negative"
            )
        super().__init__(list(head.named_weights().values()), {"lr": lr})
        self.head, self.damping, self.mode = head, damping, mode

    @torch.no_grad()
    def step(self, inputs: torch.Tensor) -> None:
        """Move the weights; gradients must be there from ``backward()``.

        Args:
            inputs: Samples (B, n_inputs) the metric is averaged over; a few dozen
                are usually enough.
        """
        named = self.head.named_weights()
        arrays = {k: w.detach().cpu().double().numpy() for k, w in named.items()}
        samples = inputs.detach().cpu().double().numpy()
        samples = samples.reshape(-1, self.head.n_inputs)
        metric = metric_tensor(self.head.qnode, samples, arrays).mean(0)
        if self.mode == "block":
            metric = metric * _blocks(arrays)
        gradient = torch.cat(
            [
                torch.zeros_like(w).flatten() if w.grad is None else w.grad.flatten()
                for w in named.values()
            ]
        )
        damped = metric + self.damping * np.eye(len(metric))
        move = np.linalg.solve(damped, gradient.cpu().double().numpy())
        start = 0
        for weight in named.values():
            part = torch.as_tensor(move[start : start + weight.numel()])
            change = part.to(weight.device, weight.dtype).view_as(weight)
            weight.sub_(self.param_groups[0]["lr"] * change)
            start += weight.numel()


def _blocks(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    label, labels = 0, []
    for array in arrays.values():
        rows = array.shape[0] if array.ndim > 1 else 1
        labels.append(label + np.repeat(np.arange(rows), array.size // rows))
        label += rows
    joined = np.concatenate(labels)
    return joined[:, None] == joined[None]
