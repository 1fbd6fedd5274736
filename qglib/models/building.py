"""Taggers and text classifiers on a pretrained encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from qglib.data import labels_of
from qglib.models import encoder as encoders
from qglib.models.classifier import TextClassifier
from qglib.models.configuration import (
    SMALL_REACH,
    TextClassifierConfig,
    TokenTaggerConfig,
)
from qglib.models.tagger import TokenTagger
from qglib.models.tokenizer import ShapeTokenizer, load_tokenizer


def build_tagger(
    encoder: str = "",
    types: Sequence[str] = ("LOC", "MISC", "ORG", "PER"),
    head: str = "mlp",
    qubits: int = 8,
    layers: int = 3,
    hidden_layers: Sequence[int] = (3, 6),
    seed: int = 0,
    dropout: float = 0.1,
    quantum_device: Any = None,
) -> tuple[TokenTagger, ShapeTokenizer]:
    """A tagger on a pretrained encoder with a fresh head, in eval mode.

    Args:
        encoder: see `qglib.models.encoder_path`; "" is the offline MiniLM.
        types: entity types; labels are O and B, I of each in sorted order.
        head: "linear", "mlp", "bottleneck" or "quantum".
        qubits, layers: size of the quantum head (``qubits`` also of the bottleneck).
        hidden_layers: encoder layers the head reads, 0 is the embedding output.
        seed: of the head's random weights.
        dropout: before the last linear map of the classical heads.
        quantum_device: PennyLane device of the circuit, default.qubit if not given.

    Raises:
        ValueError, FileNotFoundError: an unknown head, layer or encoder, repeated
            or no types.
    """
    if not types or len(set(types)) != len(types):
        raise ValueError(f"types must be different and not empty, got {list(types)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pretrained, tokenizer, settings = _encoder(encoder)
        config = TokenTaggerConfig(
            **settings,
            labels=labels_of(tuple(types)),
            head=head,
            hidden_layers=hidden_layers,
            qubits=qubits,
            layers=layers,
            dropout=dropout,
        )
        torch.manual_seed(seed + 1)
        model = TokenTagger(config, quantum_device)
    model.encoder = pretrained
    return model.eval(), tokenizer


def build_classifier(
    encoder: str = "",
    labels: Sequence[str] = ("negative", "positive"),
    head: str = "quantum",
    qubits: int = 8,
    layers: int = 3,
    seed: int = 0,
    dropout: float = 0.1,
    reach: float = SMALL_REACH,
) -> tuple[TextClassifier, ShapeTokenizer]:
    """A text classifier on a pretrained encoder with a fresh head, in eval mode.

    Args:
        encoder: see `qglib.models.encoder_path`; "" is the offline MiniLM.
        labels: names of the classes.
        head, qubits, layers, seed, dropout: see `build_tagger`.
        reach: largest angle into the circuit of a quantum head, in radians.

    Raises:
        ValueError, FileNotFoundError: fewer than two labels, an unknown head or
            encoder.
    """
    if len(set(labels)) != len(labels) or len(labels) < 2:
        raise ValueError(
            f"labels must be at least two different names, got {list(labels)}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pretrained, tokenizer, settings = _encoder(encoder)
        config = TextClassifierConfig(
            **settings,
            labels=labels,
            head=head,
            qubits=qubits,
            layers=layers,
            dropout=dropout,
            reach=reach,
        )
        torch.manual_seed(seed + 1)
        model = TextClassifier(config)
    model.encoder = pretrained
    return model.eval(), tokenizer


def _encoder(encoder: str) -> tuple[Any, ShapeTokenizer, dict[str, Any]]:
    """Encoder, tokenizer and what a configuration remembers of them."""
    path = encoders.encoder_path(encoder)
    pretrained = encoders.load_encoder(path)
    settings = pretrained.config.to_dict()
    settings.pop("_name_or_path", None)  # a path of this machine
    remembered = {
        "encoder_config": settings,
        # a folder of this machine means nothing elsewhere
        "encoder_name": "" if Path(path).is_dir() else encoder,
        "encoder_sha256": encoders.fingerprint(pretrained),
    }
    return pretrained, load_tokenizer(path, pretrained.config), remembered
