"""The decision graph: which node passed which difference on, level by level.

An edge carries the part of the difference of the label's logit that flows along it. Of
a small head see ``head_graph``. In a text nodes are (layer, sub-word), and flows are to
first order (attribution patching, Syed et al. 2023, arXiv:2310.10348): two forward and
backward passes give all edges.

A head may read several layers (the tagger reads 3 and 6 side by side): the edges from
each to the label use the gradient that reaches the head *directly* from it, so that
nothing is counted twice. The change of an attention weight is booked on the source,
also where the query at the destination caused it: a cut through the graph adds up to
the logit difference to first order, a single node need not. The gradient halfway
between the texts is that of EAP-IG with one point (Hanna, Pezzelle, Belinkov 2024,
arXiv:2403.17806).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qglib.explain.decision import Decision, aligned_decisions
from qglib.explain.encoder import encoder_blocks, trace

BATCH = 32  # pairs in one pass


@dataclass(frozen=True)
class DecisionGraph:
    """Edges between neighbouring levels, in units of the label's value.

    Shapes: L steps between L+1 levels, W nodes in the widest level (all T sub-words
    of a text); narrower levels are padded with zeros. Destination before source.
    """

    names: tuple[tuple[str, ...], ...]  # of the nodes of each level
    edges: np.ndarray  # (L, W, W), part of the difference from source to destination
    readout: np.ndarray  # (L+1, W), the part that the label reads directly at a level
    target: Any  # (word index, label name) of a text, or the number of a label
    clean_logit: float  # value of the label for the clean input
    corrupt_logit: float
    corrupt_tokens: tuple[str, ...] = ()  # sub-words of the corrupt text
    position: int | None = None  # sub-word where the label is read; None: whole text
    attention: np.ndarray | None = None  # (L, T, T), of the clean text, mean of heads

    @property
    def tokens(self) -> tuple[str, ...]:
        """Parts of the input; for a text its sub-words."""
        return self.names[0]

    @property
    def sign(self) -> float:
        """+1 if the clean input raises the logit, else -1."""
        return 1.0 if self.clean_logit >= self.corrupt_logit else -1.0

    @property
    def layers(self) -> int:
        """Number of steps L."""
        return len(self.edges)

    @property
    def read_layers(self) -> tuple[int, ...]:
        """Levels that the label reads (0: the input, L: the last one)."""
        return tuple(np.flatnonzero(np.abs(self.readout).sum(1)).tolist())

    @property
    def node_scores(self) -> np.ndarray:
        """(L+1, W), first-order effect of patching one node; see `patched_logits`."""
        scores = self.readout.copy()
        scores[:-1] += self.edges.sum(1)
        return scores

    @property
    def completeness_gap(self) -> float:
        """What the label reads in all minus (clean - corrupt)."""
        return float(self.readout.sum() - (self.clean_logit - self.corrupt_logit))

    @property
    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Edge shares (L, W, W) and read-out shares (L+1, W), steps of a backward walk.

        Only edges that push the logit from corrupt to clean count, or all by size
        where none does. Those into one destination add up to 1; one into which nothing
        flows sends the walk straight down.
        """
        readout = _shares(self.sign * self.readout.ravel())
        if not readout.sum() > 0:
            raise ValueError(
                "clean and corrupt input give the same read-out everywhere: there is "
                "no difference to explain. Take a corrupt input that changes the logit"
            )
        edges = _shares(self.sign * self.edges)
        still = edges.sum(-1, keepdims=True) == 0
        edges = np.where(still, np.eye(edges.shape[-1]), edges)
        return edges, readout.reshape(self.readout.shape)

    @property
    def visits(self) -> np.ndarray:
        """Probability that the backward walk visits a node, shape (L+1, W)."""
        edges, visits = self.shares
        for layer in reversed(range(len(edges))):
            visits[layer] += visits[layer + 1] @ edges[layer]
        return visits


def _shares(values: np.ndarray) -> np.ndarray:
    """Helpful values along the last axis as shares; by size where none helps."""
    helpful = np.maximum(values, 0.0)
    helpful = np.where(helpful.sum(-1, keepdims=True) > 0, helpful, np.abs(values))
    total = helpful.sum(-1, keepdims=True)
    return helpful / np.where(total > 0, total, 1.0)


def decision_graphs(
    model: torch.nn.Module,
    tokenizer: Any,
    pairs: Sequence[tuple[Sequence[str], Sequence[str] | None]],
    targets: Sequence[tuple[int | None, str | int]],
    *,
    slopes: str = "ends",
) -> list[DecisionGraph]:
    """Decision graphs of many pairs (clean words, corrupt words), in batches.

    Args:
        model, tokenizer: a transformers model with a BERT-type or DistilBERT encoder.
        pairs: clean and corrupt words of each pair, ``None`` for a corrupt text of
            blanks; texts that do not align in sub-words are a ValueError.
        targets: (word index, label) of each pair.
        slopes: where the gradients are taken: ``ends``, mean of both texts, or
            ``midpoint``, halfway between their embeddings, in one backward pass. A
            head that reads the sub-words gets the corrupt ones at the midpoint.
    """
    if len(pairs) != len(targets):
        raise ValueError(f"{len(pairs)} pairs but {len(targets)} targets: one each")
    if slopes not in ("ends", "midpoint"):
        raise ValueError(f"slopes={slopes!r} is unknown: use 'ends' or 'midpoint'")
    cases = [
        aligned_decisions(model, tokenizer, clean, corrupt, target)
        for (clean, corrupt), target in zip(pairs, targets, strict=True)
    ]
    by_length = defaultdict(list)
    for number, (clean, _) in enumerate(cases):
        by_length[len(clean.tokens)].append(number)
    graphs = dict[int, DecisionGraph]()
    for members in by_length.values():
        for part in np.split(members, range(BATCH, len(members), BATCH)):
            built = _batch(model, [cases[i] for i in part], slopes)
            graphs.update(zip(part, built, strict=True))
    return [graphs[i] for i in range(len(cases))]


def _batch(
    model: torch.nn.Module, cases: Sequence[tuple[Decision, Decision]], slopes: str
) -> list[DecisionGraph]:
    """Graphs of pairs that are equally long."""

    def run(chosen, **first):
        def read(logits):
            return torch.cat([d.read(logits[[i]]) for i, d in enumerate(chosen)])

        inputs = {k: torch.cat([d.inputs[k] for d in chosen]) for k in chosen[0].inputs}
        return trace(model, inputs, read, **first)

    clean, corrupt = (run(chosen) for chosen in zip(*cases, strict=True))
    at = [clean, corrupt]
    if slopes == "midpoint":
        halfway = (clean.hidden[0] + corrupt.hidden[0]) / 2
        at = [run([case[1] for case in cases], first=halfway)]
    found = *_first_order(model, clean, corrupt, at), clean.attention.mean(2)
    edges, readout, attention = (x.double().cpu().numpy() for x in found)
    return [
        DecisionGraph(
            names=(first.tokens,) * len(readout),
            edges=edges[:, i],
            readout=readout[:, i],
            target=first.target,
            clean_logit=float(clean.logit[i]),
            corrupt_logit=float(corrupt.logit[i]),
            corrupt_tokens=second.tokens,
            position=first.position,
            attention=attention[:, i],
        )
        for i, (first, second) in enumerate(cases)
    ]


def _first_order(model, clean, corrupt, at) -> tuple[torch.Tensor, torch.Tensor]:
    """Edges (L, B, T, T) and read-out (L+1, B, T), with the gradients of `at`."""
    blocks = encoder_blocks(model)
    out = torch.stack([block.out.weight.detach() for block in blocks])
    out = out.unflatten(-1, (blocks[0].heads, -1))
    gradient = sum(run.grad_sum for run in at) / len(at)
    wish = torch.einsum("lbtd,ldhk->lbthk", gradient, out)
    one, two = (
        run.attention * torch.einsum("lbshk,lbthk->lbhts", run.value, wish)
        for run in (clean, corrupt)
    )
    change = clean.hidden - corrupt.hidden
    skips = (change[:-1] * gradient).sum(-1)  # what passes by the attention
    direct = sum(run.grad_read for run in at) / len(at)
    edges = (one - two).sum(2) + torch.diag_embed(skips)
    return edges, (change * direct).sum(-1)
