"""Speed of explanations: attribution patching and batched Shapley values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from bench import Row, compare
from qglib.explain import (
    attributions,
    decision,
    decision_graphs,
    decision_path,
    exact_patching,
    exact_shapley,
    planted_pairs,
)
from qglib.text import build_tagger


def patching(model, tokenizer, n: int = 8, rounds: int = 3) -> Row:
    """Decision graphs against one exact forward row for each node."""
    pairs = planted_pairs(tokenizer, n, np.random.default_rng(0))
    texts = [(p.clean, p.corrupt) for p in pairs]
    targets = [p.target for p in pairs]

    def ours():
        graphs = decision_graphs(model, tokenizer, texts, targets)
        return [decision_path(graph) for graph in graphs]

    def exact():
        return [
            exact_patching(model, tokenizer, clean, corrupt, target)
            for (clean, corrupt), target in zip(texts, targets, strict=True)
        ]

    what = f"decision graph and path vs exact patching, {n} pairs"
    return compare(what, exact, ours, 5, 10, rounds=rounds)


def shapley(model, tokenizer, players: int = 10) -> Row:
    """All coalitions as batches against one coalition at a time."""
    words = "Jordan scored twice against Lyon on Sunday in heavy rain".split()[:players]
    target = (0, "B-PER")
    this = decision(model, tokenizer, words, target)

    def one_by_one():
        def value(coalitions):
            rows = [this.logits(this.without_words(c[None])) for c in coalitions]
            return np.concatenate(rows)

        return exact_shapley(value, players)

    def ours():
        return attributions(model, tokenizer, words, target, "shapley")

    np.testing.assert_allclose(one_by_one().values, ours().scores, atol=1e-4)
    what = f"exact Shapley of {players} words, batched vs one by one"
    return compare(what, one_by_one, ours, 2, 5, rounds=3)


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    model, tokenizer = build_tagger(seed=0)
    yield patching(model, tokenizer)
    yield shapley(model, tokenizer)
