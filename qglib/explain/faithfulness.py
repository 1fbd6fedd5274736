"""Does an explanation say what the model does? Deletion, insertion, randomisation.

An attribution is faithful if taking away the words it ranks first breaks the
decision soonest (deletion) and giving them back first restores it soonest
(insertion). It is about the model if it changes when the model's weights do.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from qglib.explain.attribution import Attribution, attributions
from qglib.explain.decision import Decision, baseline_id, decision
from qglib.explain.encoder import bert_encoder, word_embedding

PARTS = ("encoder", "head", "both")


@dataclass(frozen=True)
class FaithfulnessCurve:
    """Probability of the label while words go or come in order of their score.

    Attributes:
        fraction: share of the words deleted or inserted, 0 to 1, shape (n+1,).
        deletion: probability after deleting that share, highest scores first.
        insertion: probability after inserting that share into the blank text.
    """

    fraction: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def comprehensiveness(self) -> float:
        """Mean loss of probability over the deletion curve; higher is better."""
        return float(self.deletion[0] - np.trapezoid(self.deletion, self.fraction))

    @property
    def sufficiency(self) -> float:
        """Mean loss of probability over the insertion curve; lower is better."""
        return float(self.insertion[-1] - np.trapezoid(self.insertion, self.fraction))

    @property
    def gain(self) -> float:
        """Area under insertion minus area under deletion; 0 for a random order."""
        return self.comprehensiveness - self.sufficiency


def faithfulness_curve(
    model: torch.nn.Module,
    tokenizer: Any,
    words: Sequence[str],
    target: tuple[int | None, str | int],
    scores: np.ndarray,
    *,
    baseline: str = "unk",
) -> FaithfulnessCurve:
    """Deletion and insertion curve of one attribution (DeYoung et al. 2020, ERASER).

    Use another `baseline` than the attribution did: a test that blanks words the
    way the method did favours the method.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        words: the sentence.
        target: (word index, label).
        scores: signed score of each word, shape (words,); the highest goes first.
        baseline: token that stands for a deleted word.

    Raises:
        ValueError: as many scores as words are needed; see also `decision`.
    """
    this = decision(model, tokenizer, words, target)
    n = len(this.words)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (n,) or not np.isfinite(scores).all():
        raise ValueError(
            f"scores has shape {scores.shape} for {n} words: give one finite number"
        )
    rank = np.empty(n, dtype=int)
    rank[np.argsort(-scores, kind="stable")] = np.arange(n)
    steps = np.arange(n + 1)[:, None]
    inserted = rank[None, :] < steps
    both = np.concatenate([~inserted, inserted[1:-1]])  # the ends coincide
    probability = this.probabilities(this.without_words(both, baseline))
    deletion, inner = probability[: n + 1], probability[n + 1 :]
    return FaithfulnessCurve(
        fraction=np.linspace(0, 1, n + 1),
        deletion=deletion,
        insertion=np.concatenate([deletion[-1:], inner, deletion[:1]]),
    )


def input_only_scores(this: Decision, baseline: str = "mask") -> np.ndarray:
    """Distance of each word's embedding from the baseline's: no model behind it.

    The control for the sanity check: methods that multiply by the input inherit
    its shape, so their scores resemble this even if the weights are noise.
    """
    embedding = word_embedding(this.model)
    ids = this.inputs["input_ids"][0]
    blank = torch.full_like(ids, baseline_id(this, baseline))
    with torch.no_grad():
        distance = (embedding(ids) - embedding(blank)).norm(dim=-1).double().cpu()
    scores = np.zeros(len(this.words))
    for word, value in zip(this.word_of, distance.tolist(), strict=True):
        if word is not None:
            scores[word] += value
    return scores


def randomised(
    model: torch.nn.Module, part: str, generator: torch.Generator
) -> torch.nn.Module:
    """A copy of the model with the weights of one part drawn anew.

    Every weight of the part is drawn from a normal distribution of mean 0 and the
    tensor's own standard deviation; biases become 0. Embeddings and layer
    normalisation stay (Adebayo et al. 2018, sanity checks).

    Args:
        model: the model; it is not changed.
        part: ``encoder`` (its layers), ``head`` (all that is not the encoder) or
            ``both``.
        generator: torch generator on the CPU.

    Raises:
        ValueError: an unknown part.
    """
    if part not in PARTS:
        raise ValueError(f"part={part!r} is unknown: use one of {PARTS}")
    other = copy.deepcopy(model)
    encoder = bert_encoder(other)
    inside = {id(p) for p in encoder.parameters()}
    layers = {id(p) for p in encoder.encoder.layer.parameters()}
    kept = {
        id(p)
        for module in other.modules()
        if isinstance(module, torch.nn.LayerNorm | torch.nn.Embedding)
        for p in module.parameters()
    }
    with torch.no_grad():
        for parameter in other.parameters():
            here = "encoder" if id(parameter) in layers else "head"
            if id(parameter) in inside and here == "head":
                continue  # embeddings and pooler of the encoder
            if id(parameter) in kept or part not in (here, "both"):
                continue
            if parameter.ndim < 2:
                parameter.zero_()
            else:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * parameter.std().cpu())
    return other


def rank_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman correlation of the sizes |first| and |second|; 0 if one is constant."""
    first, second = np.abs(np.ravel(first)), np.abs(np.ravel(second))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first, second).statistic)


def sanity_check(
    model: torch.nn.Module,
    tokenizer: Any,
    explained: Sequence[Attribution],
    generator: torch.Generator,
    **options: Any,
) -> dict[str, list[float]]:
    """Rank agreement of attributions with those of a model of random weights.

    Rows ``encoder redrawn``, ``head redrawn``, ``both redrawn``, and the control
    ``input only``; one value for each attribution in `explained`. `options` go to
    `attributions` and should be those of the first explanation.
    """
    out: dict[str, list[float]] = {}
    for part in PARTS:
        other = randomised(model, part, generator)
        out[f"{part} redrawn"] = [
            rank_agreement(
                a.scores,
                attributions(
                    other, tokenizer, a.words, a.target, a.method, **options
                ).scores,
            )
            for a in explained
        ]
    out["input only"] = [
        rank_agreement(
            a.scores, input_only_scores(decision(model, tokenizer, a.words, a.target))
        )
        for a in explained
    ]
    return out
