"""Gradient methods on the word embeddings of a transformers model."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

from qglib.explain.decision import Decision, baseline_id, evaluation_mode
from qglib.explain.encoder import word_embedding


def gradient_scores(
    this: Decision, method: str, baseline: str, steps: int, batch_size: int
) -> np.ndarray:
    """Score of each word, (words,): the sum over its sub-words.

    Gauss-Legendre along the line from the blank text (Sundararajan et al. 2017), or
    the gradient at the text alone, (x - blank) . grad f(x).

    Raises:
        ValueError: fewer than one step, an unknown baseline.
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: at least one")
    ids = this.inputs["input_ids"]
    special = torch.tensor([w is None for w in this.word_of], device=ids.device)
    blank = torch.where(special, ids, torch.full_like(ids, baseline_id(this, baseline)))
    with evaluation_mode(this.model), torch.enable_grad():
        if method == "integrated_gradients":
            tokens = _integrated_gradients(this, ids, blank, steps, batch_size)
        else:
            tokens = _gradient_times_input(this, ids, blank)
    tokens = tokens[0].detach().double().sum(-1).cpu().numpy()
    scores = np.zeros(len(this.words))
    for score, word in zip(tokens, this.word_of, strict=True):
        if word is not None:
            scores[word] += score
    return scores


def _gradient_times_input(this: Decision, ids, blank) -> torch.Tensor:
    embedding = word_embedding(this.model)
    start, end = embedding(blank).detach(), embedding(ids).detach()
    point = end.clone().requires_grad_()
    handle = embedding.register_forward_hook(lambda module, args, output: point)
    try:
        logit = this.read(this.model(**this.inputs).logits).sum()
        (gradient,) = torch.autograd.grad(logit, point)
    finally:
        handle.remove()
    return (end - start) * gradient


def _integrated_gradients(this: Decision, ids, blank, steps, batch_size):
    names = [name for name in this.inputs if name != "input_ids"]

    def logit(ids: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        rest = dict(zip(names, others, strict=True))
        return this.read(this.model(input_ids=ids, **rest).logits)

    return LayerIntegratedGradients(logit, word_embedding(this.model)).attribute(
        ids,
        baselines=blank,
        additional_forward_args=tuple(this.inputs[name] for name in names),
        n_steps=steps,
        internal_batch_size=batch_size,
    )
