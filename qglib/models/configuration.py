"""Settings of taggers and text classifiers, as transformers stores them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

SMALL_REACH = 0.5  # radians
"""Largest angle into the circuit where examples are few.

A head whose angles span the whole circle (pi) learns tens of examples by heart: on
dev (seeds 100 to 102) it reads six intents at .2, this one at .88.
"""


class TokenTaggerConfig(PreTrainedConfig):
    """Configuration of `TokenTagger`.

    ``encoder_config`` is the encoder's own configuration as a dict,
    ``encoder_name`` where it came from, ``encoder_sha256`` the fingerprint of its
    weights when the model was built, ``hidden_layers`` the layers the head reads
    (0 is the embedding output), ``reach`` the largest angle into the circuit of a
    quantum head, in radians.
    """

    model_type = "qglib-token-tagger"

    def __init__(
        self,
        encoder_config: dict[str, Any] | None = None,
        labels: Sequence[str] = ("O",),
        head: str = "mlp",
        hidden_layers: Sequence[int] = (3, 6),
        qubits: int = 8,
        layers: int = 3,
        dropout: float = 0.1,
        encoder_name: str = "",
        encoder_sha256: str = "",
        reach: float = math.pi,
        **kwargs: Any,
    ) -> None:
        """Keep the settings; ``id2label`` follows from ``labels``."""
        self.encoder_config = dict(encoder_config or {})
        self.labels = list(labels)
        self.head = head
        self.hidden_layers = list(hidden_layers)
        self.qubits = qubits
        self.layers = layers
        self.dropout = dropout
        self.encoder_name = encoder_name
        self.encoder_sha256 = encoder_sha256
        self.reach = reach
        kwargs["id2label"] = dict(enumerate(self.labels))
        kwargs["label2id"] = {label: i for i, label in enumerate(self.labels)}
        kwargs.pop("num_labels", None)
        super().__init__(**kwargs)

    def encoder(self) -> PreTrainedConfig:
        """The encoder's configuration as an object."""
        settings = dict(self.encoder_config)
        return AutoConfig.for_model(settings.pop("model_type"), **settings)


class TextClassifierConfig(TokenTaggerConfig):
    """Configuration of `TextClassifier`; ``hidden_layers`` are not used."""

    model_type = "qglib-text-classifier"

    def __init__(self, *args: Any, reach: float = SMALL_REACH, **kwargs: Any) -> None:
        """Keep the settings; see `TokenTaggerConfig`."""
        super().__init__(*args, reach=reach, **kwargs)
