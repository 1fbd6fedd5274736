"""The text classifier: encoder, mean over sub-words and a head, for transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from qglib.models import TokenTaggerConfig, encoder_path
from qglib.models import encoder as encoders
from qglib.models.heads import build_head
from qglib.models.tokenizer import ShapeTokenizer, load_tokenizer
from qglib.tasks.pooling import masked_sum

REACH = 0.5  # radians
"""Largest angle into the circuit where examples are few.

A head whose angles span the whole circle (pi) learns tens of examples by heart: on
dev (seeds 100 to 102) it reads six intents at .2, this one at .88.
"""


def build_task_head(
    name: str, n_inputs: int, n_labels: int, reach: float, **sizes: Any
) -> nn.Module:
    """`qglib.models.heads.build_head`, its quantum head with angles up to ``reach``.

    Raises
    ------
    ValueError
        a reach that is not positive, and what `build_head` refuses.
    """
    if not reach > 0:
        raise ValueError(f"reach is {reach}: it must be a positive angle in radians")
    head = build_head(name, n_inputs, n_labels, **sizes)
    if name == "quantum":
        head.reach = reach
    return head


class TextClassifierConfig(TokenTaggerConfig):
    """Configuration of `TextClassifier`; ``hidden_layers`` are not used.

    ``reach`` is the largest angle into the circuit of a quantum head, in radians.
    """

    model_type = "qglib-text-classifier"

    def __init__(self, *args: Any, reach: float = REACH, **kwargs: Any) -> None:
        """Keep the settings; see `TokenTaggerConfig`."""
        self.reach = reach
        super().__init__(*args, **kwargs)


class TextClassifier(PreTrainedModel):
    """Encoder, mean of its last layer over the sub-words, head; logits per text.

    The head reads the mean standardised by the buffers ``feature_mean`` and
    ``feature_scale``.
    """

    config_class = TextClassifierConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"
    _supports_sdpa = False

    def __init__(self, config: TextClassifierConfig) -> None:
        """Random weights; see `build_text_classifier` and ``from_pretrained``."""
        super().__init__(config)
        self.encoder = encoders.empty_encoder(config.encoder())
        width = self.encoder.config.hidden_size
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))
        self.head = self._fresh_head()
        self.post_init()

    def _fresh_head(self) -> nn.Module:
        c = self.config
        return build_task_head(
            c.head,
            len(self.feature_mean),
            len(c.labels),
            c.reach,
            qubits=c.qubits,
            layers=c.layers,
            dropout=c.dropout,
        )

    def _init_weights(self, module: nn.Module) -> None:
        # Every part initialises itself; transformers must not draw again.
        if isinstance(module, TextClassifier):
            self.feature_mean.zero_()
            self.feature_scale.fill_(1.0)

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Load a saved classifier; see ``PreTrainedModel.from_pretrained``.

        Raises
        ------
        ValueError
            the saved weights lack parts of the model.
        """
        wanted = kwargs.pop("output_loading_info", False)
        with encoders.quiet():
            model, info = super().from_pretrained(
                *args, output_loading_info=True, **kwargs
            )
        if info["missing_keys"]:
            raise ValueError(
                "the saved classifier lacks the weights "
                f"{sorted(info['missing_keys'])[:3]}; save it again with "
                "save_pretrained"
            )
        # Loading moves modules through the meta device, which empties what a
        # traced circuit keeps beside its parameters.
        if model.config.head == "quantum":
            state, like = model.head.state_dict(), model.feature_mean
            with torch.random.fork_rng(devices=[]):
                head = model._fresh_head()
            head.load_state_dict(state)
            model.head = head.to(like.device).train(model.training)
        return (model, info) if wanted else model

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Save as safetensors; see ``PreTrainedModel.save_pretrained``."""
        with encoders.quiet():
            super().save_pretrained(*args, **kwargs)

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's word embeddings."""
        return self.encoder.get_input_embeddings()

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

        Raises
        ------
        ValueError
            neither ids nor embeddings, or more sub-words than the encoder reads.
        """
        given = input_ids if input_ids is not None else inputs_embeds
        if given is None:
            raise ValueError("give input_ids or inputs_embeds, got neither")
        limit = getattr(self.encoder.config, "max_position_embeddings", 0)
        if limit and given.shape[1] > limit:
            raise ValueError(
                f"input_ids hold {given.shape[1]} sub-words, the encoder reads {limit}"
                ": use qglib.tasks.predict, which reads windows, or let the tokenizer "
                "cut (truncation=True)"
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


def build_text_classifier(
    encoder: str = "",
    labels: Sequence[str] = ("negative", "positive"),
    head: str = "quantum",
    qubits: int = 8,
    layers: int = 3,
    seed: int = 0,
    dropout: float = 0.1,
    reach: float = REACH,
) -> tuple[TextClassifier, ShapeTokenizer]:
    """A classifier on a pretrained encoder with a fresh head, in eval mode.

    Parameters
    ----------
    encoder : see `qglib.models.encoder_path`; ``""`` is the offline MiniLM.
    labels : names of the classes.
    head, qubits, layers, dropout : see `qglib.models.build_tagger`.
    reach : largest angle into the circuit of a quantum head, in radians.

    Raises
    ------
    ValueError, FileNotFoundError
        fewer than two labels, an unknown head or encoder.
    """
    if len(set(labels)) != len(labels) or len(labels) < 2:
        raise ValueError(
            f"labels must be at least two different names, got {list(labels)}"
        )
    path = encoder_path(encoder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pretrained = encoders.load_encoder(path)
        settings = pretrained.config.to_dict()
        settings.pop("_name_or_path", None)  # a path of this machine
        config = TextClassifierConfig(
            encoder_config=settings,
            labels=labels,
            head=head,
            qubits=qubits,
            layers=layers,
            dropout=dropout,
            reach=reach,
            encoder_sha256=encoders.fingerprint(pretrained),
        )
        torch.manual_seed(seed + 1)
        model = TextClassifier(config)
    model.encoder = pretrained
    return model.eval(), load_tokenizer(path, pretrained.config)


AutoConfig.register(
    TextClassifierConfig.model_type, TextClassifierConfig, exist_ok=True
)
AutoModelForSequenceClassification.register(
    TextClassifierConfig, TextClassifier, exist_ok=True
)
AutoTokenizer.register(
    TextClassifierConfig, fast_tokenizer_class=ShapeTokenizer, exist_ok=True
)
