"""The text classifier: encoder, mean over sub-words and a head, for transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from transformers.modeling_outputs import SequenceClassifierOutput

from qglib.models import encoder as encoders
from qglib.models.configuration import TextClassifierConfig
from qglib.models.pretrained import HeadedModel
from qglib.models.tokenizer import ShapeTokenizer


class TextClassifier(HeadedModel):
    """Encoder, mean of its last layer over the sub-words, head; logits per text.

    The head reads the mean standardised by the buffers ``feature_mean`` and
    ``feature_scale``.
    """

    config_class = TextClassifierConfig

    def __init__(self, config: TextClassifierConfig) -> None:
        """Random weights; see `build_classifier` and ``from_pretrained``."""
        super().__init__(config)
        self.encoder = encoders.empty_encoder(config.encoder())
        width = self.encoder.config.hidden_size
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))
        self.head = self._fresh_head()
        self.post_init()

    def standardise(self, rows: torch.Tensor) -> None:
        """Set mean and scale by rows ``(n, width)`` of training texts."""
        mean, scale = mean_and_scale(rows)
        self.feature_mean.copy_(mean)
        self.feature_scale.copy_(scale)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Logits ``(B, n_labels)`` and, given labels ``(B,)``, the mean loss.

        Word shapes in ``token_type_ids`` are not used.

        Raises:
            ValueError: neither ids nor embeddings, or more sub-words than the
                encoder reads.
        """
        given = input_ids if input_ids is not None else inputs_embeds
        if given is None:
            raise ValueError("give input_ids or inputs_embeds, got neither")
        limit = getattr(self.encoder.config, "max_position_embeddings", 0)
        if limit and given.shape[1] > limit:
            raise ValueError(
                f"input_ids hold {given.shape[1]} sub-words, the encoder reads {limit}"
                ": let the tokenizer cut (truncation=True), or use qglib.models.train, "
                "whose model reads windows"
            )
        if attention_mask is None:
            attention_mask = torch.ones(given.shape[:2], device=given.device)
        out = self.encoder(
            input_ids=input_ids,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            return_dict=True,
        )
        mean = masked_sum(out.last_hidden_state, attention_mask)
        mean = mean / attention_mask.sum(1, keepdim=True)
        logits = self.head((mean - self.feature_mean) / self.feature_scale)
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits.float(), labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


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

    Raises:
        ValueError: no texts, or a text that is empty or no string (its number).
    """
    texts = list(texts)
    wrong = [k for k, t in enumerate(texts) if not isinstance(t, str) or not t.strip()]
    if wrong or not texts:
        what = f"text {wrong[0]} is {texts[wrong[0]]!r}" if wrong else "no texts"
        raise ValueError(f"inputs: {what}; give strings with at least one word")
    device = next(encoder.parameters()).device
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
            out = encoder(
                input_ids=batch["input_ids"].to(device), attention_mask=mask.to(device)
            )
            sums = masked_sum(out.last_hidden_state.cpu(), mask).numpy()
        if total is None:
            total = np.zeros((len(texts), sums.shape[1]), dtype=np.float64)
        np.add.at(total, rows, sums)
        np.add.at(count, rows, mask.sum(1).numpy())
    return (total / count[:, None]).astype(np.float32)


AutoConfig.register(
    TextClassifierConfig.model_type, TextClassifierConfig, exist_ok=True
)
AutoModelForSequenceClassification.register(
    TextClassifierConfig, TextClassifier, exist_ok=True
)
AutoTokenizer.register(
    TextClassifierConfig, fast_tokenizer_class=ShapeTokenizer, exist_ok=True
)
