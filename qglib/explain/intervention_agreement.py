"""Do interventions on the words and the decision path point at the same words?

An intervention takes one word out of the text and reads the model again: it needs
no look inside. D is found inside. The score is the rank correlation, over the words
around the target of one sentence, between the size of the effect and the share of
D's histories that start at the word; its null permutes the words of each sentence,
and nearness to the target is the rival that knows neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata

from qglib.explain.decision import Decision, decision, evaluation_mode
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import visit_probability


def deletion_effects(
    model: torch.nn.Module,
    tokenizer: Any,
    words: Sequence[str],
    target: tuple[int, str | int],
) -> np.ndarray:
    """Probability of the label lost when a word is deleted; 0 at the target.

    The sentence gets shorter, as in interventions on text; nothing is masked.
    """
    this = decision(model, tokenizer, words, target)
    base = this.probabilities(this.inputs)[0]
    at = target[0]
    effects = np.zeros(len(words))
    by_length: dict[int, list[tuple[int, Decision]]] = defaultdict(list)
    for place in range(len(words)):
        if place != at and len(words) > 1:
            left = [*words[:place], *words[place + 1 :]]
            moved = (at - (place < at), target[1])
            other = decision(model, tokenizer, left, moved)
            by_length[len(other.tokens)].append((place, other))
    for group in by_length.values():  # equal lengths make one batch
        inputs = {
            name: torch.cat([other.inputs[name] for _, other in group])
            for name in this.inputs
        }
        with evaluation_mode(model), torch.inference_mode():
            chance = model(**inputs).logits.double().softmax(-1).cpu().numpy()
        for row, (place, other) in zip(chance, group, strict=True):
            effects[place] = base - row[other.position, other.label]
    return effects


def start_shares(
    graph: DecisionGraph, word_of: Sequence[int | None], words: int
) -> np.ndarray:
    """Share of the histories that start at each word, (words,)."""
    shares = np.zeros(words)
    for share, word in zip(visit_probability(graph)[0], word_of, strict=True):
        if word is not None:
            shares[word] += share
    return shares


@dataclass(frozen=True)
class PathAgreement:
    """Mean rank correlation over sentences, with its null.

    Attributes:
        score: mean over sentences.
        each: one number for each sentence, (sentences,).
        null_mean, null_high: mean and 95 % quantile of the permuted score.
        p_value: share of permutations at least as high (the real one included).
    """

    score: float
    each: np.ndarray
    null_mean: float
    null_high: float
    p_value: float


def path_agreement(
    effects: Sequence[np.ndarray],
    shares: Sequence[np.ndarray],
    targets: Sequence[int],
    rng: np.random.Generator,
    permutations: int = 999,
) -> PathAgreement:
    """Agreement of |effects| and shares over the words around each target.

    Sentences with fewer than 3 other words, or where one side is constant, are
    left out.

    Raises:
        ValueError: no sentence left, or fewer than 1 permutation.
    """
    if permutations < 1:
        raise ValueError(f"permutations={permutations}: at least one for a null")
    ranks = []
    for effect, share, at in zip(effects, shares, targets, strict=True):
        a = np.delete(np.abs(np.asarray(effect, float)), at)
        b = np.delete(np.asarray(share, float), at)
        if len(a) >= 3 and np.ptp(a) > 0 and np.ptp(b) > 0:
            a, b = rankdata(a), rankdata(b)
            ranks.append(((a - a.mean()) / a.std(), (b - b.mean()) / b.std()))
    if not ranks:
        raise ValueError(
            "no sentence has three words around its target whose effects and shares "
            "differ: give longer sentences"
        )
    each = np.array([(a * b).mean() for a, b in ranks])
    null = np.array(
        [
            np.mean([(rng.permutation(a) * b).mean() for a, b in ranks])
            for _ in range(permutations)
        ]
    )
    return PathAgreement(
        score=float(each.mean()),
        each=each,
        null_mean=float(null.mean()),
        null_high=float(np.quantile(null, 0.95)),
        p_value=float((1 + (null >= each.mean()).sum()) / (1 + permutations)),
    )
