"""Shapley values against a background: absent words come from other sentences.

One blank token is one choice of "no word"; a background of real sentences is
another. An absent word takes the word that stands at its place in a background
sentence, and the value of a coalition is the mean over the background (interventional
Shapley values, Lundberg and Lee 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from qglib.explain.contribution import Attribution
from qglib.explain.decision_graph import aligned_decisions
from qglib.explain.shapley import exact_shapley, sampled_shapley


def background_shapley(
    model: torch.nn.Module,
    tokenizer: Any,
    words: Sequence[str],
    target: tuple[int | None, str | int],
    background: Sequence[Sequence[str]],
    *,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
    batch_size: int = 64,
) -> Attribution:
    """Shapley values of the words against aligned background sentences.

    Exact (at most 12 words) with ``permutations=0``, else sampled with an error
    bar. ``baseline_logit`` is the mean logit of the background.

    Args:
        model, tokenizer, words, target: as `attributions`.
        background: sentences with as many sub-words, word for word.
        permutations, rng: for the sampled values.
        batch_size: rows of one forward pass.

    Raises:
        ValueError: no background, one that does not align, more than 12 words
            without `permutations`, no `rng`.
    """
    if not background:
        raise ValueError("background is empty: give at least one aligned sentence")
    if permutations and rng is None:
        raise ValueError("permutations needs rng=numpy.random.Generator")
    this, others = None, []
    for other in background:
        this, second = aligned_decisions(model, tokenizer, words, other, target)
        if this.word_of != second.word_of:
            raise ValueError(
                f"background sentence {list(other)} has words of other lengths in "
                "sub-words: take sentences that align word for word"
            )
        others.append(second)
    index = torch.tensor([-1 if w is None else w for w in this.word_of])
    n = len(this.words)

    def value(coalitions: np.ndarray) -> np.ndarray:
        always = np.ones((len(coalitions), 1), dtype=bool)
        keep = torch.as_tensor(np.concatenate([coalitions, always], 1))[:, index]
        total = np.zeros(len(coalitions))
        for second in others:
            rows = this.repeated(len(coalitions))
            mixed = {
                name: torch.where(keep.to(mine.device), mine, second.inputs[name])
                for name, mine in rows.items()
            }
            total += this.logits(mixed, batch_size)
        return total / len(others)

    if permutations:
        found = sampled_shapley(value, n, permutations, rng)
    else:
        found = exact_shapley(value, n)
    return Attribution(
        words=this.words,
        scores=found.values,
        method="background_shapley",
        target=this.target,
        logit=found.full,
        baseline_logit=found.empty,
        stderr=found.stderr,
    )
