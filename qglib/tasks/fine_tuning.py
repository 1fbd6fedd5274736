"""Fine-tuning of a text classifier, whole or through adapters."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from peft import PeftModel
from torch import nn

from qglib.models.fitting import fit
from qglib.models.tokenizer import ShapeTokenizer
from qglib.tasks.adapters import unwrapped
from qglib.tasks.pooling import mean_and_scale, mean_hidden
from qglib.tasks.scoring import macro_f1
from qglib.tasks.text_classifier import TextClassifier


class _Logits(nn.Module):
    """A classifier as the training loop wants a head: batch to logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.model(**batch).logits


def fine_tune_classifier(
    model: PeftModel | TextClassifier,
    tokenizer: ShapeTokenizer,
    train: tuple[Sequence[str], Sequence[str]],
    dev: tuple[Sequence[str], Sequence[str]] | None = None,
    *,
    epochs: int = 4,
    rate: float = 1e-3,
    batch_size: int = 16,
    seed: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Train what is not frozen in place; the epoch with the best dev macro F1 stays.

    The loop is `qglib.models.fitting.fit`; the head's input is standardised by the
    training texts first.

    Parameters
    ----------
    train, dev : texts and labels.

    Returns
    -------
    DataFrame with one row per epoch: epoch, loss, score (dev macro F1), seconds.

    Raises
    ------
    ValueError
        no texts, a label the model does not have, one class only, texts and labels
        of unequal number.
    """
    base = unwrapped(model)
    gold = _numbers(base.config.labels, train, "train")
    if len(set(gold.tolist())) < 2:
        raise ValueError("train holds one class only: add texts of another class")
    batches = {"train": _tokens(base, tokenizer, train[0])}
    with torch.no_grad():
        rows = torch.from_numpy(mean_hidden(base.encoder, tokenizer, train[0]))
        mean, scale = mean_and_scale(rows)
        base.feature_mean.copy_(mean)
        base.feature_scale.copy_(scale)
    score = None
    if dev is not None:
        target = _numbers(base.config.labels, dev, "dev").numpy()
        batches["dev"] = _tokens(base, tokenizer, dev[0])

        def score() -> float:
            with torch.inference_mode():
                found = [
                    model(**_read(batches["dev"], tokenizer, rows)).logits.argmax(1)
                    for rows in torch.arange(len(target)).split(64)
                ]
            return macro_f1(target, torch.cat(found).numpy())

    history = fit(
        _Logits(model),
        lambda rows: _read(batches["train"], tokenizer, rows),
        gold,
        epochs=epochs,
        rate=rate,
        batch_size=batch_size,
        seed=seed,
        score=score,
        progress=progress,
    )
    model.eval()
    return history


def _numbers(
    labels: Sequence[str], given: tuple[Sequence[str], Sequence[str]], name: str
) -> torch.Tensor:
    texts, found = given
    if len(texts) != len(found) or not len(texts):
        raise ValueError(f"{name}: {len(texts)} texts and {len(found)} labels")
    unknown = sorted(set(found) - set(labels))
    if unknown:
        raise ValueError(
            f"{name}: the label {unknown[0]!r} is not one of the model's "
            f"{list(labels)}; build it with labels=…"
        )
    return torch.tensor([list(labels).index(label) for label in found])


def _tokens(
    base: nn.Module, tokenizer: ShapeTokenizer, texts: Sequence[str]
) -> list[list[int]]:
    ids = tokenizer(list(texts), return_token_type_ids=False)["input_ids"]
    limit = tokenizer.model_max_length
    cut = sum(len(row) > limit for row in ids)
    if cut:
        warnings.warn(
            f"{cut} of {len(ids)} texts have more than {limit} sub-words; training "
            "reads their beginnings only",
            stacklevel=3,
        )
    return [row[: limit - 1] + row[-1:] if len(row) > limit else row for row in ids]


def _read(
    ids: Sequence[list[int]], tokenizer: ShapeTokenizer, rows: torch.Tensor
) -> dict[str, torch.Tensor]:
    chosen = [ids[int(k)] for k in rows]
    out = np.full((len(chosen), max(map(len, chosen))), tokenizer.pad_token_id or 0)
    mask = np.zeros_like(out)
    for k, row in enumerate(chosen):
        out[k, : len(row)], mask[k, : len(row)] = row, 1
    return {
        "input_ids": torch.from_numpy(out),
        "attention_mask": torch.from_numpy(mask),
    }
