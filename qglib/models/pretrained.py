"""What tagger and classifier share as transformers models: encoder, scaling, head."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from qglib.models import encoder as encoders
from qglib.models.configuration import TokenTaggerConfig
from qglib.models.heads import build_head


class HeadedModel(PreTrainedModel):
    """An encoder, buffers ``feature_mean`` and ``feature_scale``, and a head."""

    config_class = TokenTaggerConfig
    base_model_prefix = "encoder"
    main_input_name = "input_ids"
    _supports_sdpa = False

    def _fresh_head(self, quantum_device: Any = None) -> nn.Module:
        c = self.config
        return build_head(
            c.head,
            len(self.feature_mean),
            len(c.labels),
            qubits=c.qubits,
            layers=c.layers,
            dropout=c.dropout,
            reach=c.reach,
            device=quantum_device,
        )

    def reset_standardisation(self) -> None:
        """Back to the identity."""
        self.feature_mean.zero_()
        self.feature_scale.fill_(1.0)

    def _init_weights(self, module: nn.Module) -> None:
        # Every part initialises itself; transformers must not draw again.
        if isinstance(module, HeadedModel):
            self.reset_standardisation()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Load a saved model; see ``PreTrainedModel.from_pretrained``.

        Raises:
            ValueError: the saved weights lack parts of the model (transformers
                would draw them at random).
        """
        wanted = kwargs.pop("output_loading_info", False)
        with encoders.quiet():
            model, info = super().from_pretrained(
                *args, output_loading_info=True, **kwargs
            )
        if info["missing_keys"]:
            raise ValueError(
                f"the saved model lacks the weights {sorted(info['missing_keys'])[:3]}"
                "; save it again with save_pretrained"
            )
        if model.config.head == "quantum":
            model._rebuild_head()
        return (model, info) if wanted else model

    def _rebuild_head(self) -> None:
        # Loading moves modules through the meta device, which empties what a
        # traced circuit keeps beside its parameters.
        state, like = self.head.state_dict(), self.feature_mean
        with torch.random.fork_rng(devices=[]):
            head = self._fresh_head()
        head.load_state_dict(state)
        self.head = head.to(like.device).train(self.training)

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        """Save as safetensors; see ``PreTrainedModel.save_pretrained``."""
        with encoders.quiet():
            super().save_pretrained(*args, **kwargs)

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's word embeddings."""
        return self.encoder.get_input_embeddings()
