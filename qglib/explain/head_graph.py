"""The decision graph of a small head: parts, then units or wires, then the label.

A head is a chain of stages. Between a clean and a corrupt input each stage is
replaced by its mean Jacobian along the straight line of its own inputs
(Gauss-Legendre). The change of its outputs is then exactly that matrix times the
change of its inputs, so what flows along all paths together is the whole difference
of the label's value: integrated gradients (Sundararajan et al. 2017) stage by stage.
A linear stage needs no quadrature, a circuit is one stage, from wires to outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from qglib.explain.games import class_of, kind_of

Stage = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class HeadGraph:
    """Flows between the levels of a head; level 0 holds the parts of the input.

    Attributes:
        names: names of the nodes of each level below the label.
        flows: for each level but the last the matrix (nodes above, nodes below).
        readout: flow from the last level to the label, (nodes,).
        target: number of the label.
        clean_logit: value of the label for the clean input.
        corrupt_logit: the same for the corrupt input.
    """

    names: tuple[tuple[str, ...], ...]
    flows: tuple[np.ndarray, ...]
    readout: np.ndarray
    target: int
    clean_logit: float
    corrupt_logit: float

    @property
    def completeness_gap(self) -> float:
        """Sum over all paths minus (clean - corrupt): zero but for quadrature."""
        return float(self.readout.sum() - (self.clean_logit - self.corrupt_logit))

    @property
    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps of the backward walk, padded: (L, T, T) and (L+1, T).

        As `DecisionGraph.shares`; only what pushes from corrupt to clean counts, and
        a node into which nothing helpful flows shares by size.
        """
        sign = 1.0 if self.clean_logit >= self.corrupt_logit else -1.0
        depth, widest = len(self.names), max(map(len, self.names))
        edges = np.zeros((depth - 1, widest, widest))
        for level, flow in enumerate(self.flows):
            above, below = flow.shape
            edges[level, :above, :below] = _shares(sign * flow)
        readout = np.zeros((depth, widest))
        readout[-1, : len(self.readout)] = _shares(sign * self.readout[None])[0]
        if not readout.sum() > 0:
            raise ValueError(
                "clean and corrupt input give the same value: there is no difference "
                "to explain. Take a corrupt input that changes it"
            )
        return edges, readout


def head_graph(
    head: nn.Module,
    clean: Any,
    corrupt: Any,
    target: int,
    *,
    parts: Mapping[str, Sequence[int]] | None = None,
    steps: int = 16,
) -> HeadGraph:
    """Which part acts through which unit or wire on the label.

    Args:
        head: a ``torch.nn.Sequential``, cut behind every module with parameters, or a
            module with ``reduce``, ``circuit`` and ``read_out``.
        clean: features of the clean input, (features,).
        corrupt: those of the corrupt input.
        target: number of the label.
        parts: name -> numbers of its features; by default each feature is a part.
        steps: quadrature points of a stage that is not linear.

    Raises:
        ValueError: a head without known stages, features of other shapes, parts that
            do not hold every feature once, an unknown label, no step.
    """
    like = next(head.parameters())
    sides = [torch.as_tensor(v).detach().to(like) for v in (clean, corrupt)]
    if sides[0].ndim != 1 or sides[0].shape != sides[1].shape:
        raise ValueError(
            f"clean {tuple(sides[0].shape)} and corrupt {tuple(sides[1].shape)}: give "
            "two vectors of features, equally long"
        )
    member, names = _grouping(parts, len(sides[0]))
    return _graph(head, sides, target, member, names, steps)


def model_graph(
    model: Any,
    clean: Any,
    corrupt: Any,
    target: str | int,
    *,
    kind: Any = None,
    steps: int = 16,
) -> HeadGraph:
    """`head_graph` of a model of `qglib.models.train`; its parts are those of the kind.

    A feature may hang on several parts: its change is shared out in proportion to what
    each part changes when it alone is clean.

    Args:
        model: with ``read`` (inputs to features), ``scaled`` and ``head``.
        clean: the input that is explained.
        corrupt: an input with the same parts; ``None``: `clean` with all of them blank.
        target: a label or its number.
        kind: the model's kind by default.
        steps: quadrature points.

    Raises:
        ValueError: a kind whose parts cannot be taken from `corrupt`; see `head_graph`.
    """
    kind, n = kind_of(kind, model), len(kind_of(kind, model).parts(clean))
    keep = np.concatenate([np.ones((1, n)), np.zeros((1, n)), np.eye(n)]) > 0
    rows = [kind.blank(clean, row, corrupt) for row in keep]
    rows.append(rows[1] if corrupt is None else corrupt)
    read = np.asarray(model.read(rows), dtype=np.float32)
    features = model.scaled(torch.as_tensor(read).to(next(model.parameters())))
    if not torch.allclose(features[1], features[-1], atol=1e-5):
        raise ValueError(
            "corrupt: this kind cannot put the parts of one input into another; give "
            "corrupt=None, the blank input, or features to head_graph()"
        )
    alone = (features[2:-1] - features[1]).abs().double().cpu().numpy()
    total = alone.sum(0)
    share = np.where(total > 0, alone / np.where(total > 0, total, 1.0), 1.0 / n)
    sides, names = [features[0], features[1]], tuple(kind.parts(clean))
    return _graph(model.head, sides, class_of(model, target), share, names, steps)


def _graph(head, sides, target: int, member, names, steps: int) -> HeadGraph:
    if steps < 1:
        raise ValueError(f"steps={steps}: at least one quadrature point")
    training = head.training
    head.eval()
    try:
        stages = _stages(head)
        states = [_run(stages, side) for side in sides]
        labels = len(states[0][-1])
        if not 0 <= target < labels:
            raise ValueError(f"target={target}: the head has labels 0 to {labels - 1}")
        slopes = [
            _mean_jacobian(stage, one, two, steps)
            for stage, one, two in zip(stages, *(s[:-1] for s in states), strict=True)
        ]
    finally:
        head.train(training)
    change = [(a - b).double().cpu().numpy() for a, b in zip(*states, strict=True)]
    gain, flows = slopes[-1][target], []
    readout = gain * change[-2]
    for level in range(len(stages) - 2, -1, -1):
        flows.insert(0, gain[:, None] * slopes[level] * change[level])
        gain = gain @ slopes[level]
    levels = [names] + [
        tuple(f"{_title(stages, n)} {i}" for i in range(len(change[n + 1])))
        for n in range(len(stages) - 1)
    ]
    if flows:
        flows[0] = flows[0] @ member.T
    else:
        readout = member @ readout
    return HeadGraph(
        names=tuple(levels), flows=tuple(flows), readout=readout, target=int(target),
        clean_logit=float(states[0][-1][target]),
        corrupt_logit=float(states[1][-1][target]),
    )  # fmt: skip


def _stages(head: nn.Module) -> list[nn.Module]:
    """The head as a chain; each link ends with a module that has parameters."""
    if all(hasattr(head, name) for name in ("reduce", "circuit", "read_out")):
        squash = nn.Tanh() if getattr(head, "squash", True) else nn.Identity()
        return [
            head.reduce,
            nn.Sequential(squash, _Times(head.reach), head.circuit),
            head.read_out,
        ]
    if not isinstance(head, nn.Sequential):
        raise ValueError(
            f"{type(head).__name__} shows no layers: give a torch.nn.Sequential, a "
            "module with reduce, circuit and read_out, or a (transformers model, "
            "tokenizer); attribute() and faithfulness() need no layers"
        )
    stages: list[list[nn.Module]] = [[]]
    for module in head:
        stages[-1].append(module)
        if any(True for _ in module.parameters()):
            stages.append([])
    if stages[-1] and len(stages) > 1:  # what follows the last one belongs to it
        stages[-2] += stages.pop()
    return [s[0] if len(s) == 1 else nn.Sequential(*s) for s in stages if s]


class _Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * x


def _title(stages: Sequence[nn.Module], n: int) -> str:
    """What the outputs of stage n are: a circuit's, the wires into one, or units."""
    circuits = [
        any(hasattr(m, "qnode") for m in stage.modules()) for stage in stages[n : n + 2]
    ]
    if circuits[0]:
        return "output"
    return "wire" if circuits[1] else "unit"


def _run(stages: Sequence[Stage], x: torch.Tensor) -> list[torch.Tensor]:
    states = [x]
    with torch.no_grad():
        for stage in stages:
            states.append(stage(states[-1][None])[0])
    return states


def _mean_jacobian(
    stage: nn.Module, clean: torch.Tensor, corrupt: torch.Tensor, steps: int
) -> np.ndarray:
    """Mean of d outputs / d inputs on the line from corrupt to clean, (out, in)."""
    if isinstance(stage, nn.Linear):
        return stage.weight.detach().double().cpu().numpy()
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    along = torch.as_tensor((nodes + 1) / 2).to(clean)[:, None]
    points = (corrupt + along * (clean - corrupt)).requires_grad_()
    weight = torch.as_tensor(weights / 2).to(clean)
    with torch.enable_grad():
        out = stage(points)
        rows = [
            weight @ torch.autograd.grad(column.sum(), points, retain_graph=True)[0]
            for column in out.unbind(1)
        ]
    return torch.stack(rows).double().cpu().numpy()


def _grouping(parts, width: int) -> tuple[np.ndarray, tuple[str, ...]]:
    if parts is None:
        parts = {f"feature {i}": [i] for i in range(width)}
    if sorted(i for group in parts.values() for i in group) != list(range(width)):
        raise ValueError(f"parts must hold every feature 0 to {width - 1} exactly once")
    member = np.zeros((len(parts), width))
    for row, group in enumerate(parts.values()):
        member[row, list(group)] = 1
    return member, tuple(map(str, parts))


def _shares(values: np.ndarray) -> np.ndarray:
    """Helpful parts of each row as shares; by size where nothing helps."""
    helpful = np.maximum(values, 0.0)
    helpful = np.where(helpful.sum(1, keepdims=True) > 0, helpful, np.abs(values))
    total = helpful.sum(1, keepdims=True)
    return helpful / np.where(total > 0, total, 1.0)
