"""Settings of a token tagger, as transformers stores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import AutoConfig, PreTrainedConfig


class TokenTaggerConfig(PreTrainedConfig):
    """Configuration of `TokenTagger`.

    ``encoder_config`` is the encoder's own configuration as a dict,
    ``encoder_name`` where it came from, ``encoder_sha256`` the fingerprint of its
    weights when the tagger was built, ``hidden_layers`` the layers the head reads
    (0 is the embedding output).
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
        kwargs["id2label"] = dict(enumerate(self.labels))
        kwargs["label2id"] = {label: i for i, label in enumerate(self.labels)}
        kwargs.pop("num_labels", None)
        super().__init__(**kwargs)

    def encoder(self) -> PreTrainedConfig:
        """The encoder's configuration as an object."""
        settings = dict(self.encoder_config)
        return AutoConfig.for_model(settings.pop("model_type"), **settings)
