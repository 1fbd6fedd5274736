"""The decision graph of a small head: parts, then units or wires, then the label.

Each stage of the chain is replaced by its mean Jacobian along the straight line of its
own inputs (Gauss-Legendre), so what flows along all paths together is the whole
difference of the label's value: integrated gradients (Sundararajan et al. 2017) stage
by stage. A circuit is one stage, from wires to outputs.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from qglib.explain.decision import evaluation_mode
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.games import class_of, kind_of


def head_graph(
    head: nn.Module,
    clean: Any,
    corrupt: Any,
    target: int,
    *,
    parts: Mapping[str, Sequence[int]] | None = None,
    steps: int = 16,
) -> DecisionGraph:
    """Which part acts through which unit or wire on the label.

    Args:
        head: a ``torch.nn.Sequential`` (else a ValueError), cut behind every module
            with parameters.
        clean, corrupt: features of the two inputs, (features,).
        target: number of the label.
        parts: name -> numbers of its features; by default each feature is a part.
        steps: quadrature points of a stage that is not linear.
    """
    like = next(head.parameters())
    sides = [torch.as_tensor(v).detach().to(like) for v in (clean, corrupt)]
    one, two = (tuple(side.shape) for side in sides)
    if len(one) != 1 or one != two:
        raise ValueError(
            f"clean {one} and corrupt {two}: give two vectors of features, equally long"
        )
    width = len(sides[0])
    if parts is None:
        parts = {f"feature {i}": [i] for i in range(width)}
    if sorted(i for group in parts.values() for i in group) != list(range(width)):
        raise ValueError(f"parts must hold every feature 0 to {width - 1} exactly once")
    member = np.array([np.isin(range(width), list(g)) for g in parts.values()])
    return _graph(head, sides, target, member, tuple(map(str, parts)), steps)


def model_graph(
    model: Any, clean: Any, corrupt: Any, target: str | int | None
) -> DecisionGraph:
    """`head_graph` of a model of `qglib.models.train`; its parts are those of the kind.

    The change of a feature is shared out in proportion to what each part changes when
    it alone is clean. ``corrupt=None`` blanks all parts.
    """
    kind = kind_of(None, model)
    names = tuple(kind.parts(clean))
    n = len(names)
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
    alone = _numpy((features[2:-1] - features[1]).abs())
    total = alone.sum(0)
    share = np.where(total > 0, alone / np.where(total > 0, total, 1.0), 1.0 / n)
    return _graph(model.head, features[:2], class_of(model, target), share, names)


def _graph(
    head, sides, target: int | None, member, names, steps: int = 16
) -> DecisionGraph:
    """The graph between two vectors of features; `member` is (parts, features)."""
    if steps < 1:
        raise ValueError(f"steps={steps}: at least one quadrature point")
    stages = _stages(head)
    with evaluation_mode(head):
        states = [torch.stack(list(sides))]
        with torch.no_grad():
            for stage in stages:
                states.append(stage(states[-1]))
        labels = states[-1].shape[1]
        if target is None:
            target = int(states[-1][0].argmax())
        if not isinstance(target, int | np.integer) or not 0 <= target < labels:
            raise ValueError(f"target={target}: the head has labels 0 to {labels - 1}")
        slopes = [
            _mean_jacobian(stage, ends[0], ends[1], steps)
            for stage, ends in zip(stages, states[:-1], strict=True)
        ]
    change = [_numpy(clean - corrupt) for clean, corrupt in states]
    levels = [names] + [
        tuple(f"{_title(pair)} {i}" for i in range(len(part)))
        for pair, part in zip(pairwise(stages), change[1:-1], strict=True)
    ]
    widest = max(map(len, levels))
    edges = np.zeros((len(levels) - 1, widest, widest))
    readout = np.zeros((len(levels), widest))
    joint = [member.T, *(np.eye(len(c)) for c in change[1:])]
    gain = slopes[-1][target]  # of the label, by each node of a level
    last = len(levels) - 1
    readout[-1, : len(levels[-1])] = (gain * change[last]) @ joint[last]
    for n in reversed(range(last)):
        flow = (gain[:, None] * slopes[n] * change[n]) @ joint[n]
        edges[n, : flow.shape[0], : flow.shape[1]] = flow
        gain = gain @ slopes[n]
    return DecisionGraph(
        names=tuple(levels), edges=edges, readout=readout, target=int(target),
        clean_logit=float(states[-1][0, target]),
        corrupt_logit=float(states[-1][1, target]),
    )  # fmt: skip


def _stages(head: nn.Module) -> list[nn.Sequential]:
    """The head as a chain; each link ends with a module that has parameters."""
    if not isinstance(head, nn.Sequential):
        raise ValueError(
            f"{type(head).__name__} shows no layers: give a torch.nn.Sequential or a "
            "(transformers model, tokenizer); attribute() and faithfulness() need no "
            "layers"
        )
    links = list(head)
    ends = [i for i, link in enumerate(links, 1) if list(link.parameters())]
    cuts = pairwise([0, *ends[:-1], len(links)])
    return [nn.Sequential(*links[a:b]) for a, b in cuts]


def _title(stages: Sequence[nn.Module]) -> str:
    """What the outputs of the first stage are, by what it and the next one hold."""
    circuits = [any(hasattr(m, "qnode") for m in s.modules()) for s in stages]
    return "output" if circuits[0] else "wire" if circuits[1] else "unit"


def _mean_jacobian(
    stage: nn.Sequential, clean: torch.Tensor, corrupt: torch.Tensor, steps: int
) -> np.ndarray:
    """Mean of d outputs / d inputs on the line from corrupt to clean, (out, in)."""
    if len(stage) == 1 and isinstance(only := stage[0], nn.Linear):
        return _numpy(only.weight)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    along = torch.as_tensor((nodes + 1) / 2).to(clean)[:, None]
    points = corrupt + along * (clean - corrupt)
    slopes = torch.autograd.functional.jacobian(lambda x: stage(x).sum(0), points)
    return _numpy(torch.as_tensor(weights / 2).to(clean) @ slopes)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()
