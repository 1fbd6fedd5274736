"""A text classifier whose causes can be probed: frozen encoder, pooled, logistic.

A text is the mean of the encoder's last hidden layer over its sub-words, optionally
beside a position-weighted mean (weights from +1 at the first to -1 at the last
sub-word), which lets a linear reader see word order; then scikit-learn's logistic
regression on standardised features. Words and raw text go the same way through the
tokenizer, so doubled blanks are an exact placebo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

__all__ = ["TextClassifier", "fit_text_classifier", "text_features"]

POOLINGS = ("mean", "position")


def text_features(
    model: torch.nn.Module,
    tokenizer: object,
    texts: Sequence[str],
    *,
    pooling: str = "mean",
    batch_size: int = 32,
    progress: bool = False,
) -> np.ndarray:
    """Pooled encoder features of raw texts, float32 (n, F).

    Texts that give the same sub-words are computed once, the others sorted by length.

    Parameters
    ----------
    model: a tagger (its encoder and word-shape vectors are read).
    tokenizer: its tokenizer.
    texts: raw texts, each within the encoder's limit.
    pooling: 'mean', or 'position' for mean and position-weighted mean.
    batch_size, progress: size of a batch; whether to show a bar.

    Raises
    ------
    ValueError: unknown pooling, no or empty texts, a text beyond the encoder's limit.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling must be one of {POOLINGS}, got {pooling!r}.")
    if isinstance(texts, str) or not len(texts):
        raise ValueError("texts must be a list of at least one text.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
    empty = [k for k, text in enumerate(texts) if not text.strip()]
    if empty:
        raise ValueError(f"texts {empty[:5]} hold no words: drop them.")
    coded = tokenizer(list(texts), return_special_tokens_mask=True)
    keys = [tuple(map(tuple, row)) for row in zip(*coded.values(), strict=True)]
    first = {key: k for k, key in reversed(list(enumerate(keys)))}
    unique = sorted(first.values())  # texts that differ for the encoder
    lengths = np.array([len(coded["input_ids"][k]) for k in unique])
    limit = min(tokenizer.model_max_length, 4096)
    if lengths.max() > limit:
        raise ValueError(
            f"{int((lengths > limit).sum())} texts are longer than {limit} sub-words; "
            "classify their sentences."
        )
    rows: dict[int, np.ndarray] = {}
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    bar = tqdm(total=len(unique), unit="text", disable=not progress, leave=False)
    order = np.argsort(-lengths, kind="stable")
    try:
        with torch.inference_mode():
            for begin in range(0, len(order), batch_size):
                group = [unique[k] for k in order[begin : begin + batch_size]]
                batch = tokenizer.pad(
                    {k: [coded[k][i] for i in group] for k in coded},
                    return_tensors="pt",
                ).to(device)
                special = batch.pop("special_tokens_mask")
                _, _, out = model.hidden(**batch)
                inner = batch["attention_mask"] * (1 - special)
                pooled = _pool(out.last_hidden_state.float(), inner, pooling)
                for i, row in zip(group, pooled.cpu().numpy(), strict=True):
                    rows[i] = row
                bar.update(len(group))
    finally:
        bar.close()
        model.train(training)
    return np.stack([rows[first[key]] for key in keys])


def _pool(hidden: torch.Tensor, inner: torch.Tensor, pooling: str) -> torch.Tensor:
    weight = inner.float()
    count = weight.sum(1, keepdim=True).clamp(min=1)
    mean = (hidden * weight[..., None]).sum(1) / count
    if pooling == "mean":
        return mean
    place = (weight.cumsum(1) - 1) / (count - 1).clamp(min=1)
    tilt = weight * (1 - 2 * place)
    return torch.cat([mean, (hidden * tilt[..., None]).sum(1) / count], dim=1)


@dataclass(frozen=True)
class TextClassifier:
    """A fitted classifier.

    Attributes
    ----------
    classes: its labels, sorted.
    pooling: how texts were pooled.
    model, tokenizer: the encoder it reads with.
    reader: the fitted scikit-learn pipeline.
    """

    classes: tuple[str, ...]
    pooling: str
    model: torch.nn.Module = field(repr=False)
    tokenizer: object = field(repr=False)
    reader: Pipeline = field(repr=False)

    def probabilities(
        self, texts: Sequence[str], batch_size: int = 32, progress: bool = False
    ) -> np.ndarray:
        """Probability of every class for raw texts, float64 (n, n_classes).

        Texts of the same sub-words get exactly equal rows.
        """
        features = text_features(
            self.model,
            self.tokenizer,
            texts,
            pooling=self.pooling,
            batch_size=batch_size,
            progress=progress,
        )
        # equal rows once: a matrix product may round them apart by their place
        rows, place = np.unique(features, axis=0, return_inverse=True)
        return self.reader.predict_proba(rows)[place.ravel()]


def fit_text_classifier(
    model: torch.nn.Module,
    tokenizer: object,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    pooling: str = "mean",
    strength: float = 0.1,
    batch_size: int = 32,
    progress: bool = False,
) -> TextClassifier:
    """Fit the logistic reader of `TextClassifier`.

    Parameters
    ----------
    model, tokenizer, pooling, batch_size, progress: see `text_features`.
    texts, labels: the lesson, one label per text.
    strength: inverse of the L2 penalty (scikit-learn's C).

    Raises
    ------
    ValueError: lengths that differ, fewer than two classes, as `text_features`.
    """
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts but {len(labels)} labels: give one each.")
    if len(set(labels)) < 2:
        raise ValueError(f"labels hold only {set(labels)}: two classes are needed.")
    features = text_features(
        model,
        tokenizer,
        texts,
        pooling=pooling,
        batch_size=batch_size,
        progress=progress,
    )
    reader = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, max_iter=1000)
    ).fit(features, list(labels))
    classes = tuple(map(str, reader.classes_))
    return TextClassifier(classes, pooling, model, tokenizer, reader)
