"""Activation patching: put clean states into the corrupt run and look again.

The exact oracle behind the decision graph, and the test of a decision path: how
much of the clean logit comes back when only the path's nodes are made clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from qglib.explain.decision import aligned_decisions
from qglib.explain.encoder import layer_inputs_changed

BATCH = 128  # rows in one call of the model


def patched_logits(
    model: torch.nn.Module,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str] | None,
    target: tuple[int | None, str | int],
    patches: Sequence[Iterable[tuple[int, int]]],
) -> np.ndarray:
    """Logit of the corrupt text with some nodes made clean, float64 (patches,).

    Node (l, s) is the input of layer l+1 at sub-word s; a head that reads layer l
    reads the patched state too. The effect of one node alone, minus the corrupt
    logit, is what `DecisionGraph.node_scores` estimates to first order.

    Args:
        model, tokenizer, target: as for `qglib.explain.decision_graphs`.
        clean: words of the clean text.
        corrupt: words of the corrupt text, with equally many sub-words; ``None`` is
            the text of blanks.
        patches: sets of nodes (layer, sub-word), each one row of a batch; an empty
            set gives the corrupt logit, all nodes of layer 0 the clean one.

    Raises:
        ValueError: texts that do not align, a node outside the encoder.
    """
    first, second = aligned_decisions(model, tokenizer, clean, corrupt, target)
    source: dict[int, torch.Tensor] = {}  # layer -> clean states
    with layer_inputs_changed(model, lambda n, hidden: source.setdefault(n, hidden)):
        first.logits(first.inputs)
    layers, tokens = len(source), len(first.tokens)
    mask = torch.zeros(layers, len(patches), tokens, 1, dtype=torch.bool)
    for row, nodes in enumerate(patches):
        for layer, token in nodes:
            if not (0 <= layer < layers and 0 <= token < tokens):
                raise ValueError(
                    f"patches[{row}] has node {(layer, token)}: use layers 0 to "
                    f"{layers - 1} and sub-words 0 to {tokens - 1}"
                )
            mask[layer, row, token] = True
    mask = mask.to(source[0].device)
    out = [np.zeros(0)]
    for start in range(0, len(patches), BATCH):
        part = mask[:, start : start + BATCH]

        def change(layer: int, hidden: torch.Tensor, part=part) -> torch.Tensor:
            return torch.where(part[layer], source[layer], hidden)

        with layer_inputs_changed(model, change):
            out.append(second.logits(second.repeated(part.shape[1]), BATCH))
    return np.concatenate(out)
