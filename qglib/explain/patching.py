"""Activation patching: put clean states into the corrupt run and look again.

The exact oracle behind the decision graph, and the test of a decision path: how
much of the clean logit comes back when only the path's nodes are made clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from qglib.explain.decision import Decision
from qglib.explain.decision_graph import aligned_decisions
from qglib.explain.decision_path import DecisionPath
from qglib.explain.encoder import hidden_states, layer_inputs_changed

Node = tuple[int, int]


def patched_logits(
    clean: Decision,
    corrupt: Decision,
    patches: Sequence[Iterable[Node]],
    batch_size: int = 128,
) -> np.ndarray:
    """Logit of the corrupt text with some nodes (layer, sub-word) made clean.

    One row of a batch for each set of nodes, shape (len(patches),). Node (l, s) is
    the input of layer l+1 at sub-word s; a head that reads layer l reads the
    patched state too.
    """
    model = corrupt.model
    source = hidden_states(model, clean.inputs)[:, 0]
    layers, tokens = source.shape[:2]
    mask = torch.zeros(layers, len(patches), tokens, 1, dtype=torch.bool)
    for row, nodes in enumerate(patches):
        for layer, token in nodes:
            mask[layer, row, token] = True
    mask = mask.to(source.device)
    out = []
    for start in range(0, len(patches), batch_size):
        part = mask[:, start : start + batch_size]

        def change(layer: int, hidden: torch.Tensor, part=part) -> torch.Tensor:
            return torch.where(part[layer], source[layer], hidden)

        with layer_inputs_changed(model, change):
            out.append(corrupt.logits(corrupt.repeated(part.shape[1]), batch_size))
    return np.concatenate(out)


def restored_logits(
    model: torch.nn.Module,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str] | None,
    paths: Sequence[DecisionPath | Sequence[int]],
    layer_sets: Sequence[Iterable[int]],
    target: tuple[int | None, str | int],
) -> np.ndarray:
    """Share of the logit difference that patching paths brings back, (paths, sets).

    (y_patched - y_corrupt) / (y_clean - y_corrupt); 1 is all of it, 0 nothing. All
    paths and sets of layers run as one batch.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        clean: words of the clean text.
        corrupt: words of the corrupt text, with equally many sub-words.
        paths: each a `DecisionPath`, or the sub-word at layer 0, 1, ...
        layer_sets: layers at which a path's nodes are made clean together.
        target: (word index, label).

    Raises:
        ValueError: texts that do not align or do not differ in the logit, layers
            that a path does not reach.
    """
    first, second = aligned_decisions(model, tokenizer, clean, corrupt, target)
    positions = [
        p.positions if isinstance(p, DecisionPath) else tuple(p) for p in paths
    ]
    sets = [tuple(layers) for layers in layer_sets]
    for path in positions:
        beyond = sorted(
            {n for layers in sets for n in layers if not 0 <= n < len(path)}
        )
        if beyond:
            raise ValueError(
                f"the path ends at layer {len(path) - 1} and has no node at layers "
                f"{beyond}: patch layers 0 to {len(path) - 1}"
            )
        if not all(0 <= p < len(first.tokens) for p in path):
            raise ValueError(
                f"path {path} leaves the {len(first.tokens)} sub-words of the text"
            )
    patches = [[(n, path[n]) for n in layers] for path in positions for layers in sets]
    nothing: list[Node] = []
    logits = patched_logits(first, second, [*patches, nothing])
    y_clean, y_corrupt = first.logits(first.inputs)[0], logits[-1]
    if abs(y_clean - y_corrupt) < 1e-6:
        raise ValueError(
            f"clean and corrupt logits are equal ({y_clean:.6f}): nothing to restore"
        )
    restored = (logits[:-1] - y_corrupt) / (y_clean - y_corrupt)
    return restored.reshape(len(positions), len(sets))


def exact_patching(
    model: torch.nn.Module,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str] | None,
    target: tuple[int | None, str | int],
) -> np.ndarray:
    """Exact effect of patching each node alone, y_patched - y_corrupt, (L+1, T).

    The oracle for `DecisionGraph.node_scores`; one forward row for each node.
    """
    first, second = aligned_decisions(model, tokenizer, clean, corrupt, target)
    layers = len(hidden_states(model, second.inputs))
    tokens = len(first.tokens)
    nodes: list[list[Node]] = [
        [(layer, token)] for layer in range(layers) for token in range(tokens)
    ]
    logits = patched_logits(first, second, [*nodes, []])
    return (logits[:-1] - logits[-1]).reshape(layers, tokens)
