"""Integrated gradients by Captum, on the word embeddings of a decision."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

from qglib.explain.decision import Decision, baseline_id, evaluation_mode
from qglib.explain.encoder import word_embedding


def captum_integrated_gradients(
    this: Decision, steps: int, baseline: str, batch_size: int
) -> np.ndarray:
    """Score of each sub-word: Gauss-Legendre along the line from the blank text.

    Sundararajan et al. 2017, by ``captum.attr.LayerIntegratedGradients``.
    """
    ids = this.inputs["input_ids"]
    special = torch.tensor([w is None for w in this.word_of], device=ids.device)
    blank = torch.where(special, ids, torch.full_like(ids, baseline_id(this, baseline)))
    names = [name for name in this.inputs if name != "input_ids"]

    def logit(ids: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        rest = dict(zip(names, others, strict=True))
        return this.read(this.model(input_ids=ids, **rest).logits)

    method = LayerIntegratedGradients(logit, word_embedding(this.model))
    with evaluation_mode(this.model), torch.enable_grad():
        found = method.attribute(
            ids,
            baselines=blank,
            additional_forward_args=tuple(this.inputs[name] for name in names),
            n_steps=steps,
            internal_batch_size=batch_size,
        )
    return found[0].detach().double().sum(-1).cpu().numpy()
