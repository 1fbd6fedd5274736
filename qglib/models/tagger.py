"""The token tagger: encoder, word shapes and a head, as a transformers model."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer
from transformers.modeling_outputs import TokenClassifierOutput

from qglib.models import encoder as encoders
from qglib.models.configuration import TokenTaggerConfig
from qglib.models.pretrained import HeadedModel
from qglib.models.shapes import N_SHAPES
from qglib.models.tokenizer import ShapeTokenizer


class TokenTagger(HeadedModel):
    """Encoder + word shapes + head; logits for every sub-word.

    The shape vector of a word is added to the embedding of each of its
    sub-words (for BERT the same as nine token types). The head reads the
    concatenated hidden layers and the one-hot shape, standardised by the buffers
    ``feature_mean`` and ``feature_scale``.
    """

    def __init__(self, config: TokenTaggerConfig, quantum_device: Any = None) -> None:
        """Random weights; see `build_tagger` and ``from_pretrained``."""
        super().__init__(config)
        self.encoder = encoders.empty_encoder(config.encoder())
        width = self.encoder.config.hidden_size
        depth = self.encoder.config.num_hidden_layers
        wrong = [k for k in config.hidden_layers if not 0 <= k <= depth]
        if wrong or not config.hidden_layers:
            raise ValueError(
                f"hidden_layers must name layers 0 to {depth} of this encoder, "
                f"got {list(config.hidden_layers)}"
            )
        self.shape_embedding = nn.Embedding(N_SHAPES, width)
        n_features = width * len(config.hidden_layers) + N_SHAPES
        self.register_buffer("feature_mean", torch.zeros(n_features))
        self.register_buffer("feature_scale", torch.ones(n_features))
        self.head = self._fresh_head(quantum_device)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, TokenTagger):
            # zero: the pretrained encoder starts unchanged
            nn.init.zeros_(self.shape_embedding.weight)

    def reset_standardisation(self) -> None:
        """Identity for hidden states; one-hot shapes count three-fold."""
        super().reset_standardisation()
        self.feature_scale[-N_SHAPES:] = 1 / 3

    def standardise(
        self, hidden_mean: torch.Tensor, hidden_scale: torch.Tensor
    ) -> None:
        """Set mean and deviation of the hidden features, shape ``(n_hidden,)``."""
        self.reset_standardisation()
        self.feature_mean[:-N_SHAPES] = hidden_mean
        # a feature that never varies stays as it is: divided by its tiny deviation,
        # it would swamp all others as soon as fine-tuning moves it
        constant = hidden_scale < 1e-4
        self.feature_scale[:-N_SHAPES] = torch.where(constant, 1.0, hidden_scale)

    def hidden(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        **options: Any,
    ) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """Raw features ``(B, T, n_hidden)``, shapes ``(B, T)``, encoder output."""
        if inputs_embeds is None:
            if input_ids is None:
                raise ValueError("give input_ids or inputs_embeds, got neither")
            inputs_embeds = self.get_input_embeddings()(input_ids)
        shapes = token_type_ids
        if shapes is None:
            size = inputs_embeds.shape[:2]
            shapes = torch.zeros(size, dtype=torch.long, device=inputs_embeds.device)
        out = self.encoder(
            inputs_embeds=inputs_embeds + self.shape_embedding(shapes),
            attention_mask=attention_mask,
            output_hidden_states=True,
            return_dict=True,
            **options,
        )
        states = [out.hidden_states[k] for k in self.config.hidden_layers]
        return torch.cat(states, dim=-1), shapes, out

    def features(self, hidden: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        """What the head reads: ``(..., n_hidden)`` and ``(...)`` to ``(..., F)``."""
        one_hot = nn.functional.one_hot(shapes, N_SHAPES).to(self.feature_mean.dtype)
        raw = torch.cat([hidden.to(self.feature_mean.dtype), one_hot], dim=-1)
        return (raw - self.feature_mean) / self.feature_scale

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        **_: Any,
    ) -> TokenClassifierOutput:
        """Logits ``(B, T, n_labels)`` and, given labels, the mean loss.

        ``token_type_ids`` are word-shape classes 0 to 8 as `ShapeTokenizer` writes
        them; without them every shape is 0, which costs accuracy. ``labels`` hold
        label numbers, -100 where a sub-word does not count.
        """
        options = {"output_attentions": True} if output_attentions else {}
        hidden, shapes, out = self.hidden(
            input_ids, attention_mask, token_type_ids, inputs_embeds, **options
        )
        logits = self.head(self.features(hidden, shapes))
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), labels.flatten(), ignore_index=-100
            )
        return TokenClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=out.hidden_states if output_hidden_states else None,
            attentions=out.attentions if output_attentions else None,
        )


AutoConfig.register(TokenTaggerConfig.model_type, TokenTaggerConfig, exist_ok=True)
AutoModelForTokenClassification.register(TokenTaggerConfig, TokenTagger, exist_ok=True)
AutoTokenizer.register(
    TokenTaggerConfig, fast_tokenizer_class=ShapeTokenizer, exist_ok=True
)
