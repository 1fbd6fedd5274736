"""Exact patching of edges: one forward row for each, and only where D may run.

An edge of the decision graph carries a known change: what the source sends to the
destination in the clean run minus what it sends in the corrupt run. Here this change
is added to the corrupt run, at the destination's sum before the LayerNorm, and the
model runs on (path patching of single edges: Goldowsky-Dill et al. 2023,
arXiv:2304.05969). `exact_graph` does so for all edges and is the oracle of
`decision_graph`; `checked_graph` only for the edges into nodes of the leading paths,
until the leading paths consist of patched nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from qglib.explain.decision import Decision, aligned_decisions
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import best_paths
from qglib.explain.encoder import (
    attention_projection,
    bert_encoder,
    layer_inputs_changed,
    trace,
)
from qglib.explain.messages import edge_changes

Edge = tuple[int, int, int]  # layer, destination, source
Read = tuple[int, int]  # layer, sub-word
Texts = tuple[Sequence[str], Sequence[str]]


class EdgePatcher:
    """Runs single edges of one pair of texts, clean into corrupt.

    Args:
        clean: decision of the clean text.
        corrupt: decision of the corrupt text, aligned with it.
    """

    def __init__(self, clean: Decision, corrupt: Decision) -> None:
        """Run both texts once and keep what their edges carry."""
        self.corrupt = corrupt
        model = corrupt.model
        sides = [
            trace(model, d.inputs, d.read, backward=False) for d in (clean, corrupt)
        ]
        self.states = [side.hidden[:, 0] for side in sides]
        self.logit = float(sides[1].logit[0])
        self.changes = edge_changes(*sides, attention_projection(model))

    def effects(
        self, nodes: Sequence[Edge | Read], batch_size: int = 128
    ) -> np.ndarray:
        """y_patched - y_corrupt of each edge (layer, destination, source) or read-out.

        A read-out (layer, sub-word) makes clean what the head reads there; the
        next layer goes on with the corrupt state. Shape (len(nodes),).
        """
        out = [np.zeros(0)]
        for start in range(0, len(nodes), batch_size):
            part = nodes[start : start + batch_size]
            with self._patched(part):
                rows = self.corrupt.repeated(len(part))
                out.append(self.corrupt.logits(rows, batch_size))
        return np.concatenate(out) - self.logit

    @contextmanager
    def _patched(self, part: Sequence[Edge | Read]) -> Iterator[None]:
        layers = bert_encoder(self.corrupt.model).encoder.layer
        clean, corrupt = self.states
        edges, reads = (
            [
                [
                    (row, *x[1:])
                    for row, x in enumerate(part)
                    if (x[0], len(x)) == (n, k)
                ]
                for n in range(len(layers) + 1)
            ]
            for k in (3, 2)
        )

        def add(n: int):
            row, to, source = torch.tensor(edges[n]).T

            def hook(module, args):
                total = args[0].clone()
                total[row, to] += self.changes[n, to, source]
                return (total, *args[1:])

            return hook

        def put(n: int, hidden: torch.Tensor, states=clean) -> torch.Tensor:
            if not reads[n]:
                return hidden
            row, at = torch.tensor(reads[n]).T
            hidden = hidden.clone()
            hidden[row, at] = states[n, at]
            return hidden

        handles = []
        with layer_inputs_changed(self.corrupt.model, put):
            for n, layer in enumerate(layers):
                if edges[n]:
                    norm = layer.attention.output.LayerNorm
                    handles.append(norm.register_forward_pre_hook(add(n)))
                handles.append(  # after the head's copy is taken
                    layer.register_forward_pre_hook(
                        lambda m, args, n=n: (put(n, args[0], corrupt), *args[1:])
                    )
                )
            try:
                yield
            finally:
                for handle in handles:
                    handle.remove()


def exact_graph(
    model: torch.nn.Module, tokenizer: Any, texts: Texts, graph: DecisionGraph
) -> DecisionGraph:
    """`graph` with the exact effect of every edge and read-out, one row for each.

    Edges without any way to the label (first-order part exactly 0) are not run. The
    difference to first order is shared evenly by the heads of an edge.
    """
    return _corrected(model, tokenizer, texts, graph, None)


def checked_graph(
    model: torch.nn.Module,
    tokenizer: Any,
    texts: Texts,
    graph: DecisionGraph,
    *,
    k: int = 2,
) -> DecisionGraph:
    """`graph` with exact edges into all nodes of its k best paths.

    First order proposes, exact patching decides: read-outs are run, then all edges
    into the nodes of the k best paths; where this brings up other paths, theirs too.
    Every destination on the final k best paths is then exact, and so is the score
    of D. What stays first order are the edges into other nodes, so a path through
    them can still be missed.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        texts: clean and corrupt words.
        graph: their graph; take ``slopes="midpoint"``.
        k: paths to check, 1 or more.

    Raises:
        ValueError: `k` below 1; texts that do not align or are not the graph's.
    """
    if k < 1:
        raise ValueError(f"k={k}: check at least one path")
    return _corrected(model, tokenizer, texts, graph, k)


def _corrected(model, tokenizer, texts: Texts, graph: DecisionGraph, k: int | None):
    clean, corrupt = aligned_decisions(model, tokenizer, *texts, graph.target)
    if (clean.tokens, corrupt.tokens) != (graph.tokens, graph.corrupt_tokens):
        raise ValueError(
            f"the graph is of {' '.join(graph.tokens)!r} and the texts are "
            f"{' '.join(clean.tokens)!r}: give the texts it was made from"
        )
    patcher = EdgePatcher(clean, corrupt)
    read = [(int(n), int(t)) for n, t in np.argwhere(graph.readout != 0)]
    readout = graph.readout.copy()
    readout[tuple(np.array(read).T)] = patcher.effects(read)
    graph = replace(graph, readout=readout)
    layers, heads, tokens = graph.head_edges.shape[:3]
    todo = graph.edges != 0
    while True:
        wanted = np.ones((layers, tokens), dtype=bool)
        if k is not None:
            wanted[:] = False
            for _, path in best_paths(*graph.shares, k):
                wanted[np.arange(len(path) - 1), path[1:]] = True
        edges = np.argwhere(todo & wanted[:, :, None])
        if not len(edges):
            return graph
        at = tuple(edges.T)
        exact = patcher.effects([tuple(map(int, edge)) for edge in edges])
        correction = np.zeros((layers, tokens, tokens))
        correction[at] = (exact - graph.edges[at]) / heads
        todo[at] = False
        graph = replace(graph, head_edges=graph.head_edges + correction[:, None])
