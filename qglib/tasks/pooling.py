"""Texts as one vector each: means over sub-words, and their standardisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from qglib.models.tokenizer import ShapeTokenizer


def mean_and_scale(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of each column of ``(n, columns)``, 1 where it is constant."""
    variance, mean = torch.var_mean(rows, dim=0, correction=0)
    scale = variance.sqrt()
    # what never varies in training would be blown up by its tiny deviation
    constant = scale < 1e-6 * (1 + mean.abs())
    return mean, torch.where(constant, 1.0, scale)


def masked_sum(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Sum ``(B, width)`` of ``(B, T, width)`` over the places the mask keeps."""
    return (hidden * mask[..., None].to(hidden.dtype)).sum(dim=1)


def mean_hidden(
    encoder: nn.Module,
    tokenizer: ShapeTokenizer,
    texts: Sequence[str],
    batch_size: int = 64,
) -> np.ndarray:
    """Mean of the last layer over all sub-words of each text, (n, width) float32.

    Texts beyond the encoder's limit are read in adjoining windows, whose sub-words
    count alike.

    Raises
    ------
    ValueError
        no texts, or a text that is empty or no string (its number).
    """
    texts = list(texts)
    wrong = [k for k, t in enumerate(texts) if not isinstance(t, str) or not t.strip()]
    if wrong or not texts:
        what = f"text {wrong[0]} is {texts[wrong[0]]!r}" if wrong else "no texts"
        raise ValueError(f"inputs: {what}; give strings with at least one word")
    order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
    total, count = None, np.zeros(len(texts))
    for start in range(0, len(order), batch_size):
        chunk = order[start : start + batch_size]
        batch = tokenizer(
            [texts[k] for k in chunk],
            truncation=True,
            return_overflowing_tokens=True,
            padding=True,
            return_tensors="pt",
        )
        rows = [chunk[int(k)] for k in batch["overflow_to_sample_mapping"]]
        mask = batch["attention_mask"]
        with torch.inference_mode():
            out = encoder(input_ids=batch["input_ids"], attention_mask=mask)
            sums = masked_sum(out.last_hidden_state, mask).numpy()
        if total is None:
            total = np.zeros((len(texts), sums.shape[1]), dtype=np.float64)
        np.add.at(total, rows, sums)
        np.add.at(count, rows, mask.sum(1).numpy())
    return (total / count[:, None]).astype(np.float32)
