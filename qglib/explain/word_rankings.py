"""What several methods say of the words around a decision, as one score each.

The methods are those that need no corrupt text: the walk of the decision graph
against the blank sentence (D), attributions, attention, and two rivals that know
nothing of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from qglib.explain.attribution import attribute
from qglib.explain.decision import decision
from qglib.explain.decision_graph import decision_graphs
from qglib.explain.intervention_agreement import (
    PathAgreement,
    deletion_effects,
    path_agreement,
    start_shares,
)

RANKINGS = ("D", "attention", "nearness", "integrated_gradients", "occlusion")


def word_rankings(
    model: torch.nn.Module,
    tokenizer: Any,
    cases: Sequence[tuple[Sequence[str], int, str]],
    methods: Sequence[str] = RANKINGS,
    *,
    steps: int = 12,
) -> dict[str, list[np.ndarray]]:
    """Method -> scores of the words of each case (words, target word, label).

    ``D``: share of the histories that start at a word; ``attention``: what the
    target's first sub-word attends to in the last layer; ``nearness``: 1 over 1 plus
    the distance to the target; else the size of the attribution (`steps` points for
    integrated gradients).

    Raises:
        ValueError, IndexError: an unknown method; as `decision`.
    """
    unknown = [name for name in methods if name not in RANKINGS]
    if unknown or not methods:
        raise ValueError(f"methods={unknown or list(methods)}: choose from {RANKINGS}")
    graphs = [None] * len(cases)
    if {"D", "attention"} & set(methods):
        texts, targets = [(c[0], None) for c in cases], [c[1:] for c in cases]
        graphs = decision_graphs(model, tokenizer, texts, targets)
    out: dict[str, list[np.ndarray]] = {name: [] for name in methods}
    for (words, at, label), graph in zip(cases, graphs, strict=True):
        this = decision(model, tokenizer, words, (at, label))
        for name in methods:
            if name == "D":
                scores = start_shares(graph, this.word_of, len(words))
            elif name == "attention":
                looks = graph.attention[-1, this.position]
                scores = np.zeros(len(words))
                for value, word in zip(looks, this.word_of, strict=True):
                    if word is not None:
                        scores[word] += value
            elif name == "nearness":
                scores = 1 / (1 + abs(np.arange(len(words)) - at))
            else:
                options = {"steps": steps} if name == "integrated_gradients" else {}
                found = attribute(
                    (model, tokenizer), words, (at, label), name, **options
                )
                scores = np.abs(found.scores)
            out[name].append(scores)
    return out


def intervention_trial(
    model: torch.nn.Module,
    tokenizer: Any,
    cases: Sequence[tuple[Sequence[str], int, str]],
    rng: np.random.Generator,
    methods: Sequence[str] = ("D", "attention", "nearness"),
) -> dict[str, PathAgreement]:
    """Agreement of each method's ranking with the effects of deleting words.

    Raises:
        ValueError, IndexError: as `word_rankings` and `path_agreement`.
    """
    effects = [
        deletion_effects(model, tokenizer, words, (at, label))
        for words, at, label in cases
    ]
    places = [at for _, at, _ in cases]
    return {
        name: path_agreement(effects, scores, places, rng)
        for name, scores in word_rankings(model, tokenizer, cases, methods).items()
    }
