"""The wires of a quantum head as nodes between the encoder and the label.

A quantum head is a linear map of the encoder's features to one number for each
qubit, a circuit, and a linear map of its outputs to the labels. The graph gets two
more rows of nodes: the wires as they enter the circuit and its outputs. The linear
parts are exact; inside the circuit the difference is shared out by integrated
gradients along the straight line from corrupt to clean (Sundararajan et al. 2017),
so that the sum over all paths from the encoder to the label is the whole logit
difference: completeness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qglib.explain.decision import Decision, aligned_decisions, evaluation_mode
from qglib.explain.decision_graph import DecisionGraph, decision_graph
from qglib.explain.decision_path import best_paths
from qglib.explain.encoder import layer_inputs_changed


@dataclass(frozen=True)
class WireGraph:
    """A decision graph whose read-out goes through the wires of a circuit.

    Shapes: layers L, sub-words T, wires Q, circuit outputs P; logit units.

    Attributes:
        graph: the decision graph; its read-out is replaced by what follows.
        entry: (L+1, T, Q), from a node of a layer that the head reads to a wire.
        circuit: (P, Q), from a wire that enters to an output that leaves.
        inputs: what the head reads beside the hidden states (word shapes), (Q,).
    """

    graph: DecisionGraph
    entry: np.ndarray
    circuit: np.ndarray
    inputs: np.ndarray

    @property
    def completeness_gap(self) -> float:
        """Sum over all paths to the label minus (clean - corrupt logit)."""
        total = self.entry.sum() + self.inputs.sum()
        return float(total - (self.graph.clean_logit - self.graph.corrupt_logit))

    @property
    def shares(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Steps of the backward walk: label to outputs (P,), outputs to wires
        (P, Q), wires to encoder nodes (Q, L+1, T).

        Only what pushes from corrupt to clean counts; a row without such a part is
        shared by size. A wire that does not move sends the walk to no node.
        """
        sign = self.graph.sign
        leave = _share(sign * self.circuit.sum(1)[None])[0]
        inside = _share(sign * self.circuit)
        entry = np.moveaxis(self.entry, -1, 0)
        flat = _share(sign * entry.reshape(len(entry), -1))
        return leave, inside, flat.reshape(entry.shape)

    @property
    def wire_visits(self) -> tuple[np.ndarray, np.ndarray]:
        """Probability that the backward walk passes a wire (Q,) and an output (P,)."""
        leave, inside, _ = self.shares
        return leave @ inside, leave

    @property
    def readout_shares(self) -> np.ndarray:
        """(L+1, T): where the walk enters the encoder, summed over the wires."""
        wires, _ = self.wire_visits
        return np.einsum("q,qlt->lt", wires, self.shares[2])


@dataclass(frozen=True)
class WirePath:
    """The most probable history of a decision through encoder and circuit.

    `positions` are the sub-words at layer 0, 1, ..., `tokens` their text; it enters
    the circuit at qubit `wire` and leaves at `output`; `score` is its probability.
    """

    positions: tuple[int, ...]
    tokens: tuple[str, ...]
    wire: int
    output: int
    score: float


def quantum_head(model: torch.nn.Module) -> torch.nn.Module:
    """The first sub-module with ``reduce``, ``circuit`` and ``read_out``.

    Raises:
        ValueError: the model has no quantum head.
    """
    for module in model.modules():
        if all(hasattr(module, name) for name in ("reduce", "circuit", "read_out")):
            return module
    raise ValueError(
        f"{type(model).__name__} has no quantum head (sub-modules reduce, circuit and "
        "read_out): use decision_graph(), or build the model with head='quantum'"
    )


def wire_graph(
    model: torch.nn.Module,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str],
    target: tuple[int | None, str | int],
    *,
    steps: int = 16,
) -> WireGraph:
    """Decision graph of one pair of texts, with the wires of the quantum head.

    Works on a tagger (target word index) and on a text classifier (word index
    ``None``). `steps` are quadrature points inside the circuit.

    Raises:
        ValueError, IndexError: as `decision_graph`; no quantum head; no step.
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: at least one quadrature point")
    head = quantum_head(model)
    graph = decision_graph(model, tokenizer, clean, corrupt, target)
    sides = aligned_decisions(model, tokenizer, clean, corrupt, target)
    width = head.reduce.out_features
    wires, hidden, slopes = [], [], []
    for side in sides:
        z, states, slope = _entering(model, head, side, width)
        wires.append(z)
        hidden.append(states)
        slopes.append(slope)
    change = hidden[0] - hidden[1]
    moved = torch.einsum("ltd,qltd->ltq", change, (slopes[0] + slopes[1]) / 2)
    step = wires[0] - wires[1]
    slope = _circuit_slopes(head, *wires, sides[0].label, steps)  # (P, Q)
    circuit = slope * step[None]
    gain = slope.sum(0)
    beside = (step - moved.sum((0, 1))) * gain
    return WireGraph(
        graph=graph,
        entry=(moved * gain).double().cpu().numpy(),
        circuit=circuit.double().cpu().numpy(),
        inputs=beside.double().cpu().numpy(),
    )


def wire_path(wires: WireGraph) -> WirePath:
    """The most probable path from a word through a wire to the label (Viterbi)."""
    leave, inside, entry = wires.shares
    through = leave[:, None] * inside  # (P, Q)
    output, best = through.argmax(0), through.max(0)
    reach = best[:, None, None] * entry  # (Q, L+1, T)
    value, positions = best_paths(wires.graph.shares[0], reach.max(0), 1)[0]
    wire = int(reach[:, len(positions) - 1, positions[-1]].argmax())
    return WirePath(
        positions=positions,
        tokens=tuple(wires.graph.tokens[p] for p in positions),
        wire=wire,
        output=int(output[wire]),
        score=float(np.exp(value)),
    )


def _share(values: np.ndarray) -> np.ndarray:
    """Helpful parts of each row as shares; by size where nothing helps."""
    helpful = np.maximum(values, 0.0)
    helpful = np.where(helpful.sum(1, keepdims=True) > 0, helpful, np.abs(values))
    total = helpful.sum(1, keepdims=True)
    return helpful / np.where(total > 0, total, 1.0)


def _entering(
    model: torch.nn.Module, head: torch.nn.Module, side: Decision, width: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Wires (Q,), hidden states (L+1, T, D), and d wire / d hidden (Q, L+1, T, D).

    Every layer starts from a copy of its input, so only what the head reads
    directly from a layer has a gradient there.
    """
    states: dict[int, torch.Tensor] = {}
    caught: list[torch.Tensor] = []

    def cut(number: int, hidden: torch.Tensor) -> torch.Tensor:
        states[number] = hidden.detach().requires_grad_()
        return states[number]

    handle = head.reduce.register_forward_hook(lambda m, a, out: caught.append(out))
    try:
        with (
            evaluation_mode(model),
            torch.enable_grad(),
            layer_inputs_changed(model, cut),
        ):
            model(**side.inputs)
    finally:
        handle.remove()
    z = caught[-1].reshape(-1, width)
    z = z[side.position if side.position is not None else 0]
    leaves = [states[i] for i in range(len(states))]
    rows = []  # one backward pass for each wire
    for wire in range(width):
        found = torch.autograd.grad(
            z[wire], leaves, retain_graph=True, allow_unused=True
        )
        both = zip(leaves, found, strict=True)
        parts = [torch.zeros_like(h[0]) if g is None else g[0] for h, g in both]
        rows.append(torch.stack(parts))
    hidden = torch.stack([leaf.detach()[0] for leaf in leaves])
    return z.detach(), hidden, torch.stack(rows)


def _circuit_slopes(
    head: torch.nn.Module,
    clean: torch.Tensor,
    corrupt: torch.Tensor,
    label: int,
    steps: int,
) -> torch.Tensor:
    """Mean over the way of d (logit part of output p) / d (wire q), (P, Q)."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    alpha = torch.as_tensor((nodes + 1) / 2).to(clean)[:, None]
    points = (corrupt + alpha * (clean - corrupt)).requires_grad_()
    caught: list[torch.Tensor] = []
    features = torch.zeros(steps, head.reduce.in_features).to(clean)
    handles = [
        head.reduce.register_forward_hook(lambda m, a, out: points),
        head.circuit.register_forward_hook(lambda m, a, out: caught.append(out)),
    ]
    try:
        with evaluation_mode(head), torch.enable_grad():
            head(features)
    finally:
        for handle in handles:
            handle.remove()
    parts = caught[-1] * head.read_out.weight[label].detach().to(caught[-1])
    weight = torch.as_tensor(weights / 2).to(clean)
    rows = []
    for output in range(parts.shape[-1]):
        (g,) = torch.autograd.grad(parts[:, output].sum(), points, retain_graph=True)
        rows.append(weight @ g)
    return torch.stack(rows)
