"""The decision graph: which token passed which difference on, layer by layer.

A clean and a corrupt text with equally many sub-words differ in the logit of one
label. Nodes are (layer, sub-word) and one node for the label; an edge carries the
part of the difference that flows along it, to first order (attribution patching,
Nanda 2023; Syed et al. 2023, arXiv:2310.10348). Two forward and backward passes
give all edges, where exact patching would need one forward pass for each node.

A head may read several layers (the tagger reads layers 3 and 6 side by side), so
each read-out layer r has edges (r, t) -> label of its own. Their weight uses the
gradient that reaches the head *directly* from layer r; what flows on through the
next layers is carried by the inner edges, and nothing is counted twice. With one
read-out layer, the last one, this is the usual graph.

Only what comes after an edge is linearised. The change of an attention weight is
booked on the source, also where the query at the destination caused it: a cut through
the graph adds up to the logit difference to first order, a single node need not.

Where the gradient is taken decides how good this is. At both texts the model may be
sure of its answer and flat; halfway between them it is undecided. On the tagger one
gradient there meets exact patching far better, on planted negations it does not
(``top_path.json``). It is integrated gradients over the embeddings with one
point (EAP-IG: Hanna, Pezzelle, Belinkov 2024, arXiv:2403.17806).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from qglib.explain.decision import Decision, aligned_decisions
from qglib.explain.encoder import Trace, attention_projection, trace

Slopes = Literal["ends", "midpoint"]


@dataclass(frozen=True)
class DecisionGraph:
    """Edges between the sub-words of neighbouring layers, in logit units.

    Shapes: layers L, heads H, sub-words T. Destination stands before source.

    Attributes:
        tokens: sub-words of the clean text.
        corrupt_tokens: sub-words of the corrupt text.
        target: (word index, label name).
        position: sub-word where the label is read; ``None`` for a text classifier.
        clean_logit: logit of the label in the clean text.
        corrupt_logit: logit of the label in the corrupt text.
        head_edges: (L, H, T, T), first-order part of the logit difference that
            head h of layer l+1 carries from source s to destination t.
        skips: (L, T), the part that passes by the attention of layer l+1.
        readout: (L+1, T), the part that the head reads directly at a layer; rows
            of layers that the head does not read are zero.
        attention: (L, T, T), attention of the clean text, mean over heads.
    """

    tokens: tuple[str, ...]
    corrupt_tokens: tuple[str, ...]
    target: tuple[int | None, str]
    position: int | None
    clean_logit: float
    corrupt_logit: float
    head_edges: np.ndarray
    skips: np.ndarray
    readout: np.ndarray
    attention: np.ndarray

    @property
    def sign(self) -> float:
        """+1 if the clean text raises the logit, else -1."""
        return 1.0 if self.clean_logit >= self.corrupt_logit else -1.0

    @property
    def layers(self) -> int:
        """Number of layers L."""
        return len(self.skips)

    @property
    def read_layers(self) -> tuple[int, ...]:
        """Layers that the head reads (0: embeddings, L: last layer)."""
        return tuple(np.flatnonzero(np.abs(self.readout).sum(1)).tolist())

    @property
    def edges(self) -> np.ndarray:
        """(L, T, T), sum over heads plus the skip edge on the diagonal."""
        total = self.head_edges.sum(1)
        here = np.arange(total.shape[-1])
        total[:, here, here] += self.skips
        return total

    @property
    def node_scores(self) -> np.ndarray:
        """(L+1, T), first-order effect of patching one node; see `patched_logits`."""
        scores = self.readout.copy()
        scores[:-1] += self.edges.sum(1)
        return scores

    @property
    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Edge shares (L, T, T) and read-out shares (L+1, T).

        Only edges that push the logit from corrupt to clean count. The shares of
        the edges into one destination add up to 1, and so do those of all
        read-out edges: read backwards, they are the steps of a random walk from
        the label to the words. A destination without a helpful edge sends the
        walk straight down; a read-out without one is shared by size alone.
        """
        helpful = np.maximum(self.sign * self.edges, 0.0)
        total = helpful.sum(-1, keepdims=True)
        stay = np.eye(helpful.shape[-1])
        edges = np.where(total > 0, helpful / np.where(total > 0, total, 1.0), stay)
        readout = np.maximum(self.sign * self.readout, 0.0)
        if not readout.sum() > 0:
            readout = np.abs(self.readout)
        if not readout.sum() > 0:
            raise ValueError(
                "clean and corrupt text give the same read-out everywhere: there is "
                "no difference to explain. Take a corrupt text that changes the logit"
            )
        return edges, readout / readout.sum()


def decision_graph(
    model: torch.nn.Module,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str] | None,
    target: tuple[int | None, str | int],
    *,
    slopes: Slopes = "ends",
) -> DecisionGraph:
    """Decision graph of one pair of texts; see `decision_graphs`."""
    pair = (clean, corrupt)
    return decision_graphs(model, tokenizer, [pair], [target], slopes=slopes)[0]


def decision_graphs(
    model: torch.nn.Module,
    tokenizer: Any,
    pairs: Sequence[tuple[Sequence[str], Sequence[str] | None]],
    targets: Sequence[tuple[int | None, str | int]],
    *,
    batch_size: int = 32,
    slopes: Slopes = "ends",
) -> list[DecisionGraph]:
    """Decision graphs of many pairs (clean words, corrupt words), in batches.

    Pairs of equal length share a batch, so nothing is padded.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        pairs: clean and corrupt words of each pair; ``None`` for the corrupt ones
            stands for a text of blanks.
        targets: (word index, label) of each pair.
        batch_size: pairs in a batch.
        slopes: where the gradients are taken: ``ends``, mean of both texts, or
            ``midpoint``, halfway between their embeddings: one backward pass, and
            nearer to exact patching where the ends are saturated. A head that
            reads the sub-words themselves gets the corrupt ones at the midpoint.

    Raises:
        ValueError, IndexError: unknown `slopes`; bad words, word index or label; a
            pair whose texts differ in their number of sub-words or in the place of
            the target; no BERT-type encoder or no attention weights.
    """
    if len(pairs) != len(targets):
        raise ValueError(
            f"{len(pairs)} pairs but {len(targets)} targets: give one each"
        )
    if slopes not in ("ends", "midpoint"):
        raise ValueError(f"slopes={slopes!r} is unknown: use 'ends' or 'midpoint'")
    cases = [
        aligned_decisions(model, tokenizer, clean, corrupt, target)
        for (clean, corrupt), target in zip(pairs, targets, strict=True)
    ]
    by_length: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for number, (clean, _) in enumerate(cases):
        by_length[len(clean.tokens), clean.position is None].append(number)
    graphs: dict[int, DecisionGraph] = {}
    for members in by_length.values():
        for start in range(0, len(members), batch_size):
            part = members[start : start + batch_size]
            built = _batch(model, [cases[i] for i in part], slopes)
            graphs.update(zip(part, built, strict=True))
    return [graphs[i] for i in range(len(cases))]


def _batch(
    model: torch.nn.Module, cases: Sequence[tuple[Decision, Decision]], slopes: Slopes
) -> list[DecisionGraph]:
    sides = []
    ends = slopes == "ends"
    for side in (0, 1):
        chosen = [case[side] for case in cases]
        inputs = {
            key: torch.cat([d.inputs[key] for d in chosen]) for key in chosen[0].inputs
        }
        sides.append(trace(model, inputs, _reader(chosen)))
    clean, corrupt = sides
    if not ends:
        halfway = (clean.hidden[0] + corrupt.hidden[0]) / 2
        sides = [trace(model, inputs, _reader(chosen), first=halfway)]
    head_edges, skips, readout = _first_order_edges(
        clean, corrupt, sides, attention_projection(model)
    )
    attention = clean.attention.mean(2)
    return [
        DecisionGraph(
            tokens=case[0].tokens,
            corrupt_tokens=case[1].tokens,
            target=case[0].target,
            position=case[0].position,
            clean_logit=float(clean.logit[i]),
            corrupt_logit=float(corrupt.logit[i]),
            head_edges=_numpy(head_edges[:, i]),
            skips=_numpy(skips[:, i]),
            readout=_numpy(readout[:, i]),
            attention=_numpy(attention[:, i]),
        )
        for i, case in enumerate(cases)
    ]


def _first_order_edges(
    clean: Trace, corrupt: Trace, slopes: Sequence[Trace], projection: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Head edges (L, B, H, T, T), skips (L, B, T) and read-out (L+1, B, T)."""
    gradient = sum(at.grad_sum for at in slopes) / len(slopes)
    wish = torch.einsum("lbtd,ldhk->lbthk", gradient, projection)
    sent = [
        side.attention * torch.einsum("lbshk,lbthk->lbhts", side.value, wish)
        for side in (clean, corrupt)
    ]
    change = clean.hidden - corrupt.hidden
    skips = (change[:-1] * gradient).sum(-1)
    direct = sum(at.grad_read for at in slopes) / len(slopes)
    # What is left of a gradient that cancels, beside a layer the head really reads.
    size = sum(at.grad_hidden.abs() for at in slopes).amax((1, 2, 3))
    seen = sum(at.grad_read.abs() for at in slopes).amax((1, 2, 3))
    direct = direct * (seen > 1e-4 * size)[:, None, None, None]
    return sent[0] - sent[1], skips, (change * direct).sum(-1)


def _reader(chosen: Sequence[Decision]):
    def read(logits: torch.Tensor) -> torch.Tensor:
        rows = [d.read(logits[i : i + 1]) for i, d in enumerate(chosen)]
        return torch.cat(rows)

    return read


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()
