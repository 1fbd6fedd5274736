"""A text classifier for planted negations, cheap enough to train in a notebook.

The encoder stays as it was pretrained; a head on one pooled vector learns whether a
sentence is good or bad. With `[CLS]` pooling the two words that decide lie at other
places than the one that is read, so a decision path has to go somewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

from qglib.explain.decision import decision
from qglib.explain.planted_negation import NegationPair, negation_pairs
from qglib.models import encoder_path
from qglib.models.encoder import load_encoder
from qglib.models.fitting import fit
from qglib.models.heads import build_head
from qglib.models.tokenizer import load_tokenizer

LABELS = ("bad", "good")
POOLS = ("cls", "mean")
REACH = 0.5
"""Largest angle into a quantum head's circuit, radians: examples are few."""


class PlantedClassifier(nn.Module):
    """Encoder, one pooled vector of its last layer, standardised, head: bad or good."""

    def __init__(self, encoder: nn.Module, head: nn.Module, pool: str = "cls") -> None:
        """`pool` is ``cls`` (first sub-word) or ``mean`` (of all sub-words)."""
        if pool not in POOLS:
            raise ValueError(f"pool={pool!r} is unknown: use one of {POOLS}")
        super().__init__()
        self.encoder, self.head, self.pool = encoder, head, pool
        width = encoder.config.hidden_size
        self.register_buffer("feature_mean", torch.zeros(width))
        self.register_buffer("feature_scale", torch.ones(width))
        self.config = SimpleNamespace(
            id2label=dict(enumerate(LABELS)),
            max_position_embeddings=encoder.config.max_position_embeddings,
        )

    def pooled(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The vector before it is standardised, (B, width); texts equally long."""
        state = self.encoder(input_ids, attention_mask).last_hidden_state
        return state[:, 0] if self.pool == "cls" else state.mean(1)

    def features(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """What the head reads: the pooled vector, standardised, (B, width)."""
        vector = self.pooled(input_ids, attention_mask)
        return (vector - self.feature_mean) / self.feature_scale

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Logits (B, 2)."""
        vector = self.features(input_ids, attention_mask)
        return SequenceClassifierOutput(logits=self.head(vector))


def negation_classifier(
    head: str = "quantum",
    *,
    pool: str = "cls",
    seed: int = 0,
    sentences: int = 400,
    epochs: int = 60,
    qubits: int = 4,
    layers: int = 2,
    encoder: str = "",
) -> tuple[PlantedClassifier, Any]:
    """A head trained on planted negations, and the tokenizer; about two seconds.

    The sentences come from a generator of their own (1000 + seed), so that pairs of
    small seeds are fresh.

    Args:
        head: a name of `qglib.models.heads.build_head`.
        pool: what the head reads, ``cls`` or ``mean``.
        seed: of head and sentences.
        sentences: to learn from.
        epochs: over them.
        qubits, layers: of the quantum head, whose angles reach `REACH`.
        encoder: see `qglib.models.encoder_path`.

    Raises:
        ValueError: unknown head or pool, fewer than one sentence.
    """
    folder = encoder_path(encoder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pretrained = load_encoder(folder).eval().requires_grad_(False)
        built = build_head(
            head, pretrained.config.hidden_size, len(LABELS), qubits=qubits,
            layers=layers, dropout=0.0,
        )  # fmt: skip
    if hasattr(built, "reach"):
        built.reach = REACH
    model = PlantedClassifier(pretrained, built, pool).eval()
    tokenizer = load_tokenizer(folder, pretrained.config)
    pairs = negation_pairs(sentences, np.random.default_rng(1000 + seed))
    vectors = _vectors(model, tokenizer, [p.clean for p in pairs])
    variance, mean = torch.var_mean(vectors, dim=0, correction=0)
    model.feature_mean.copy_(mean)
    model.feature_scale.copy_(variance.sqrt().clamp_min(1e-6))
    gold = torch.tensor([LABELS.index(p.label) for p in pairs])
    inputs = (vectors - model.feature_mean) / model.feature_scale
    fit(model.head, inputs, gold, epochs=epochs, rate=5e-3, batch_size=64, seed=seed)
    return model.eval(), tokenizer


def negation_accuracy(
    model: torch.nn.Module, tokenizer: Any, pairs: Sequence[NegationPair]
) -> float:
    """Share of the clean sentences that get their label."""
    right = []
    for pair in pairs:
        this = decision(model, tokenizer, pair.clean, (None, pair.label))
        right.append(this.probabilities(this.inputs)[0] > 0.5)
    return float(np.mean(right))


def _vectors(
    model: PlantedClassifier, tokenizer: Any, texts: Sequence[Sequence[str]]
) -> torch.Tensor:
    """Pooled vectors in the order of the texts; equal lengths share a batch."""
    ids = [tokenizer(list(t), is_split_into_words=True)["input_ids"] for t in texts]
    out = torch.zeros(len(ids), len(model.feature_mean))
    with torch.inference_mode():
        for length in sorted({len(row) for row in ids}):
            rows = [i for i, row in enumerate(ids) if len(row) == length]
            for part in (rows[n : n + 64] for n in range(0, len(rows), 64)):
                batch = torch.tensor([ids[i] for i in part])
                out[part] = model.pooled(batch, torch.ones_like(batch))
    return out
