"""Decision graphs of sentences without a corrupt partner: against the blank.

Where no corrupt text is at hand, every word of the corrupt sentence is the baseline
token, so the graph explains the same difference as `attributions` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from qglib.explain.decision import decision
from qglib.explain.decision_graph import DecisionGraph, graphs_of


def blank_graphs(
    model: torch.nn.Module,
    tokenizer: Any,
    texts: Sequence[Sequence[str]],
    targets: Sequence[tuple[int | None, str | int]],
    *,
    baseline: str = "mask",
    batch_size: int = 32,
) -> list[DecisionGraph]:
    """Decision graph of each text against itself with all words blank.

    Raises:
        ValueError, IndexError: as `decision_graphs`.
    """
    cases = []
    for words, target in zip(texts, targets, strict=True):
        clean = decision(model, tokenizer, words, target)
        empty = np.zeros((1, len(clean.words)), dtype=bool)
        inputs = clean.without_words(empty, baseline)
        ids = inputs["input_ids"][0].tolist()
        tokens = tuple(tokenizer.convert_ids_to_tokens(ids))
        cases.append((clean, replace(clean, inputs=inputs, tokens=tokens)))
    return graphs_of(model, cases, batch_size)
