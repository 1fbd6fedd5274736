"""Fine-tuning of a tagger, encoder and head: batches of similar length."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from qglib.data import Sentence
from qglib.models.decoding import decode_all
from qglib.models.evaluation import entity_f1
from qglib.models.inference import word_logits
from qglib.models.loop import run_epochs
from qglib.models.tagger import TokenTagger
from qglib.models.targets import check_training, label_numbers
from qglib.models.tokenizer import ShapeTokenizer
from qglib.models.windows import (
    Window,
    check_words,
    collate,
    kept_positions,
    length_batches,
    model_limit,
    windows,
)


def train_tagger(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    train: Sequence[Sentence],
    dev: Sequence[Sentence],
    *,
    epochs: int = 4,
    rate: float = 4e-4,
    batch_size: int = 16,
    head_factor: float = 10.0,
    weight_decay: float = 0.01,
    warmup: float = 0.1,
    max_length: int = 128,
    precision: str = "auto",
    seed: int = 0,
    checkpoint: str | Path | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Fine-tune encoder and head in place; the best epoch on dev is kept.

    Cross-entropy on the first sub-word of every word; AdamW, linear warm-up and
    decay; batches of similar length; bfloat16 in the encoder where the processor
    has it. Deterministic for the same seed and number of threads. The model stays
    on its device and is left in eval mode.

    Args:
        train, dev: tagged sentences; without ``dev`` the last epoch is kept.
        rate, head_factor: peak learning rate of the encoder, factor for the rest.
        max_length: sub-words per training window, special tokens included; longer
            sentences are read in adjoining windows, never cut.
        precision: "auto", "bf16" or "fp32".
        checkpoint: folder written after every epoch; if it holds a checkpoint of the
            same run, training goes on from there with the same result.
        options: report and stale of `qglib.models.loop.run_epochs`.

    Returns:
        One row per epoch: epoch, loss, dev_f1 (entity F1, Viterbi), seconds.
        ``attrs``: precision, best_epoch, resumed_after.

    Raises:
        ValueError: data that cannot be learnt from, a loss that is not finite, a
            checkpoint of another run.
    """
    if epochs < 1 or batch_size < 1:
        raise ValueError(
            f"epochs and batch_size must be at least 1, got {epochs}, {batch_size}"
        )
    labels = model.config.labels
    tags = [s.tags for s in train]
    check_training(labels, tags)
    targets = label_numbers(labels, tags, "train")
    label_numbers(labels, [s.tags for s in dev], "dev")
    words = [s.words for s in train]
    check_words([*words, *(s.words for s in dev)])
    pieces = windows(tokenizer, words, min(max_length, model_limit(tokenizer)))
    device, pad_id = model.feature_mean.device, tokenizer.pad_token_id or 0
    bf16 = choose_precision(device, precision)
    rng = np.random.default_rng(seed)
    lengths = [len(w.ids) for w in pieces]
    total = epochs * -(-len(pieces) // batch_size)
    settings = {
        "epochs": epochs, "rate": rate, "batch_size": batch_size,
        "head_factor": head_factor, "weight_decay": weight_decay, "warmup": warmup,
        "max_length": max_length,
        "seed": seed, "bf16": bf16,
        "model": _fingerprint(model.config.to_dict()),
        "data": _fingerprint(words, tags, [(s.words, s.tags) for s in dev]),
    }  # fmt: skip
    groups = _groups(model, rate, head_factor, weight_decay)
    optimiser = torch.optim.AdamW(groups, lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: linear_schedule(step, total, warmup)
    )
    history = run_epochs(
        model,
        lambda batch: word_loss(
            model, [pieces[k] for k in batch], targets, pad_id, bf16
        ),
        lambda: length_batches(lengths, batch_size, rng),
        optimiser,
        schedule,
        epochs=epochs,
        seed=seed,
        score=lambda: _dev_f1(model, tokenizer, dev),
        checkpoint=checkpoint,
        settings=settings,
        **options,
    )
    history.attrs["precision"] = "bfloat16" if bf16 else "float32"
    return history.rename(columns={"score": "dev_f1"})


def choose_precision(device: torch.device, precision: str = "auto") -> bool:
    """Whether to compute in bfloat16; "auto": where the processor has it.

    Raises:
        ValueError: another ``precision`` than "auto", "bf16" and "fp32".
    """
    if precision not in ("auto", "bf16", "fp32"):
        raise ValueError(f"precision must be auto, bf16 or fp32, got {precision!r}")
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # private, but the only run-time test that torch offers; absent: float32
    units = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, u, bool)() for u in units)


def linear_schedule(step: int, total: int, warmup: float) -> float:
    """Factor on the learning rate: linear rise over ``warmup``, then linear to 0."""
    rise = max(1, round(warmup * total))
    if step < rise:
        return (step + 1) / rise
    return max(0.0, (total - step) / max(1, total - rise))


def word_loss(
    model: TokenTagger,
    batch: Sequence[Window],
    targets: Sequence[np.ndarray],
    pad_id: int,
    bf16: bool,
) -> torch.Tensor:
    """Cross-entropy of the kept words of a batch, mean; bfloat16 in the encoder."""
    device = model.feature_mean.device
    inputs = collate(batch, pad_id, device)
    model.encoder.eval()  # read without dropout
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        hidden, shapes, _ = model.hidden(**inputs)
    row, column = (k.to(device) for k in kept_positions(batch))
    flat = row * hidden.shape[1] + column
    # the head sees labelled words only and always computes in float32
    picked = hidden.flatten(0, 1).index_select(0, flat).float()
    logits = model.head(model.features(picked, shapes.flatten()[flat]))
    gold = np.concatenate([targets[w.sentence][list(w.words)] for w in batch])
    return nn.functional.cross_entropy(logits, torch.from_numpy(gold).to(device))


def _groups(
    model: TokenTagger, rate: float, head_factor: float, weight_decay: float
) -> list[dict[str, Any]]:
    """AdamW groups: head and shape vectors learn faster, vectors do not decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            fast = not name.startswith("encoder.")
            groups.setdefault((fast, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": members,
            "lr": rate * (head_factor if fast else 1.0),
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (fast, decays), members in groups.items()
    ]


def _dev_f1(
    model: TokenTagger, tokenizer: ShapeTokenizer, dev: Sequence[Sentence]
) -> float:
    if not dev:
        return math.nan
    logits = word_logits(model, tokenizer, [s.words for s in dev])
    return entity_f1([s.tags for s in dev], decode_all(logits, model.config.labels))


def _fingerprint(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
