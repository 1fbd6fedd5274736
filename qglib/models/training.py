"""Fine-tuning of a tagger: bucketed batches, early stopping, exact resume."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from tqdm import tqdm

from qglib.data import Sentence
from qglib.models.batching import length_batches
from qglib.models.checkpoint import (
    Progress,
    copy_state,
    load_checkpoint,
    save_checkpoint,
)
from qglib.models.decoding import decode_all
from qglib.models.evaluation import entity_f1
from qglib.models.inference import word_logits
from qglib.models.optimisation import (
    linear_schedule,
    parameter_groups,
    training_mode,
    word_loss,
)
from qglib.models.precision import choose_precision
from qglib.models.tagger import TokenTagger
from qglib.models.targets import check_training, label_numbers
from qglib.models.tokenizer import ShapeTokenizer
from qglib.models.used_rows import used_rows
from qglib.models.windows import Window, check_words, model_limit, windows


def _fingerprint(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


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
    clip: float = 1.0,
    encoder_dropout: float = 0.0,
    max_length: int = 128,
    patience: int | None = None,
    precision: str = "auto",
    seed: int = 0,
    checkpoint: str | Path | None = None,
    stale: str = "error",
    progress: bool = True,
) -> pd.DataFrame:
    """Fine-tune encoder and head in place; the best epoch on dev is kept.

    Cross-entropy on the first sub-word of every word; AdamW, linear warm-up and
    decay; batches of similar length; bfloat16 in the encoder where the processor
    has it. Deterministic for the same seed and number of threads. The model stays
    on its device and is left in eval mode.

    Parameters
    ----------
    train, dev : tagged sentences; without ``dev`` the last epoch is kept.
    rate, head_factor : peak learning rate of the encoder, factor for the rest.
    max_length : sub-words per training window, special tokens included; longer
        sentences are split (counted in a warning), never cut.
    patience : stop after this many epochs without a better dev F1.
    precision : ``auto``, ``bf16`` or ``fp32``.
    checkpoint : folder written after every epoch; if it holds a checkpoint of the
        same run, training goes on from there with the same result.
    stale : ``"error"`` or ``"restart"`` when the checkpoint is of another run.

    Returns
    -------
    DataFrame with one row per epoch: loss, dev_f1 (entity F1, Viterbi), rate,
    tokens, padded_tokens, seconds. ``attrs``: precision and why, threads,
    best_epoch, resumed_after.

    Raises
    ------
    ValueError
        data that cannot be learnt from, a loss that is not finite, a checkpoint of
        another run.
    """
    if epochs < 1 or batch_size < 1:
        raise ValueError(
            f"epochs and batch_size must be at least 1, got {epochs}, {batch_size}"
        )
    if patience is not None and (patience < 1 or not dev):
        raise ValueError(
            f"patience must be None or at least 1 and needs dev, got {patience} with "
            f"{len(dev)} dev sentences"
        )
    labels = model.config.labels
    tags = [s.tags for s in train]
    check_training(labels, tags)
    targets = label_numbers(labels, tags, "train")
    label_numbers(labels, [s.tags for s in dev], "dev")
    words = [s.words for s in train]
    check_words([*words, *(s.words for s in dev)])
    limit = min(max_length, model_limit(tokenizer))
    starts = [[not t.startswith("I-") for t in row] for row in tags]
    pieces = windows(tokenizer, words, limit, breaks=starts)
    bf16, why = choose_precision(model.feature_mean.device, precision)
    rng = np.random.default_rng(seed)
    n_batches = -(-len(pieces) // batch_size)
    total = epochs * n_batches
    settings = {
        "epochs": epochs,
        "rate": rate,
        "batch_size": batch_size,
        "head_factor": head_factor,
        "weight_decay": weight_decay,
        "warmup": warmup,
        "clip": clip,
        "encoder_dropout": encoder_dropout,
        "max_length": max_length,
        "patience": patience,
        "seed": seed,
        "bf16": bf16,
        "embedding": "used rows",
        "model": _fingerprint(model.config.to_dict()),
        "data": _fingerprint(
            words, tags, [(s.words, s.tags) for s in dev], [w.ids for w in pieces[:1]]
        ),
    }
    done = Progress()
    read = {tokenizer.pad_token_id or 0, *(k for w in pieces for k in w.ids)}
    table = model.get_input_embeddings()
    with training_mode(model, encoder_dropout, seed), used_rows(table, read) as used:
        groups = parameter_groups(model, rate, head_factor, weight_decay)
        optimiser = torch.optim.AdamW(groups, lr=rate, fused=True)
        if checkpoint is not None:
            done = load_checkpoint(
                Path(checkpoint), model, optimiser, rng, settings, stale
            )
        resumed = done.epoch
        bar = tqdm(
            total=total,
            initial=done.step,
            disable=not progress,
            unit="batch",
            leave=False,
        )
        while done.epoch < epochs and not _stalled(done, patience):
            before = done.step
            row = _epoch(
                model, tokenizer, pieces, targets, optimiser, rng, done, bar,
                total=total, warmup=warmup, clip=clip, bf16=bf16,
                batch_size=batch_size,
            )  # fmt: skip
            if used is not None:
                factors = (
                    linear_schedule(step, total, warmup)
                    for step in range(before, done.step)
                )
                used.write_back(math.prod(1 - rate * weight_decay * f for f in factors))
            row["dev_f1"] = _dev_f1(model, tokenizer, dev)
            done.epoch += 1
            done.history.append({"epoch": done.epoch, **row})
            if not dev or row["dev_f1"] > done.best_f1:
                done.best_epoch, done.best_f1 = done.epoch, row["dev_f1"]
                # without a dev set the last epoch counts: nothing beside it to keep
                done.best = copy_state(model) if dev else None
            bar.set_postfix(epoch=done.epoch, dev_f1=f"{row['dev_f1']:.3f}")
            if checkpoint is not None:
                save_checkpoint(Path(checkpoint), done, model, optimiser, rng, settings)
        bar.close()
    if done.best is not None and done.best_epoch != done.epoch:
        model.load_state_dict(done.best)
    history = pd.DataFrame(done.history)
    history.attrs = {
        "precision": "bfloat16" if bf16 else "float32",
        "precision_reason": why,
        "threads": torch.get_num_threads(),
        "best_epoch": done.best_epoch,
        "resumed_after": resumed,
    }
    return history


def _stalled(done: Progress, patience: int | None) -> bool:
    return patience is not None and done.epoch - done.best_epoch >= patience


def _dev_f1(
    model: TokenTagger, tokenizer: ShapeTokenizer, dev: Sequence[Sentence]
) -> float:
    if not dev:
        return math.nan
    logits = word_logits(model, tokenizer, [s.words for s in dev])
    return entity_f1([s.tags for s in dev], decode_all(logits, model.config.labels))


def _epoch(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    pieces: Sequence[Window],
    targets: Sequence[np.ndarray],
    optimiser: torch.optim.Optimizer,
    rng: np.random.Generator,
    done: Progress,
    bar: tqdm,
    *,
    total: int,
    warmup: float,
    clip: float,
    bf16: bool,
    batch_size: int,
) -> dict[str, float]:
    """One pass over all windows; returns the row of the history."""
    model.train()
    began = time.perf_counter()
    losses, padded, factor = [], 0, 0.0
    pad_id = tokenizer.pad_token_id or 0
    lengths = [len(w.ids) for w in pieces]
    for indices in length_batches(lengths, batch_size, rng):
        batch = [pieces[k] for k in indices]
        factor = linear_schedule(done.step, total, warmup)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        loss = word_loss(model, batch, targets, pad_id, bf16)
        if not torch.isfinite(loss):
            raise ValueError(
                f"the loss became {loss.item()} at step {done.step}: the weights "
                "hold NaN or the learning rate is too high; lower rate"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        losses.append(loss.detach())
        padded += len(batch) * max(len(w.ids) for w in batch)
        done.step += 1
        bar.update()
    return {
        "loss": float(torch.stack(losses).mean()),
        "rate": optimiser.param_groups[0]["peak"] * factor,
        "tokens": sum(lengths),
        "padded_tokens": padded,
        "seconds": time.perf_counter() - began,
    }
