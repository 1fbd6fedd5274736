"""Scores of a tagger for whole sentences of any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qglib.models.tagger import TokenTagger
from qglib.models.tokenizer import ShapeTokenizer
from qglib.models.windows import (
    check_words,
    collate,
    kept_positions,
    length_batches,
    model_limit,
    windows,
)


@dataclass(frozen=True)
class WordFeatures:
    """Frozen features of the words of several sentences.

    ``hidden``: (n_words, n_hidden) float16 or float32, first sub-word of each
    word, layers concatenated, not standardised; ``shapes``: (n_words,) word-shape
    class; ``lengths``: (n_sentences,) words per sentence.
    """

    hidden: np.ndarray
    shapes: np.ndarray
    lengths: np.ndarray

    def split(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cut an array with one row per word into one array per sentence."""
        return np.split(rows, np.cumsum(self.lengths)[:-1])

    def take(self, sentences: Sequence[int]) -> WordFeatures:
        """The features of some sentences, in the order given."""
        stops = np.cumsum(self.lengths)
        words = np.concatenate(
            [np.arange(stops[k] - self.lengths[k], stops[k]) for k in sentences]
        )
        return WordFeatures(
            self.hidden[words], self.shapes[words], self.lengths[list(sentences)]
        )


Reader = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _read_words(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    sentences: Sequence[Sequence[str]],
    read: Reader,
    batch_size: int,
) -> list[np.ndarray]:
    """Rows of ``read(hidden, shapes)`` for every word, one array per sentence."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    check_words(sentences)
    unique = list(dict.fromkeys(tuple(s) for s in sentences))
    pieces = windows(tokenizer, unique, model_limit(tokenizer))
    rows: dict[int, np.ndarray] = {}
    device = next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        for batch in length_batches([len(w.ids) for w in pieces], batch_size):
            group = [pieces[k] for k in batch]
            inputs = collate(group, tokenizer.pad_token_id or 0, device)
            hidden, shapes, _ = model.hidden(**inputs)
            at = kept_positions(group)
            values = read(hidden[at], shapes[at]).float().cpu().numpy()
            if not np.isfinite(values).all():
                raise ValueError(
                    "the model's output holds NaN or infinity: its weights are "
                    "broken, train or load it again"
                )
            stops = np.cumsum([len(w.words) for w in group])[:-1]
            for window, part in zip(group, np.split(values, stops), strict=True):
                shape = (len(unique[window.sentence]), values.shape[1])
                row = rows.setdefault(window.sentence, np.empty(shape, np.float32))
                row[window.words.start : window.words.stop] = part
    number = {words: k for k, words in enumerate(unique)}
    return [rows[number[tuple(s)]] for s in sentences]


def word_logits(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    sentences: Sequence[Sequence[str]],
    batch_size: int = 32,
) -> list[np.ndarray]:
    """Logits ``(n_words, n_labels)`` float32 for each sentence, given as words.

    A word's logits are those of its first sub-word. Sentences are sorted by length
    and computed once each; those beyond the encoder's limit are read in adjoining
    windows. Runs in float32 on the model's device and leaves it in eval mode; results
    of equal sentences are one shared array.

    Raises:
        ValueError, TypeError: an empty sentence or word, a string in place of words,
            broken weights.
    """

    def read(hidden: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        return model.head(model.features(hidden, shapes))

    return _read_words(model, tokenizer, sentences, read, batch_size)


def frozen_features(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    sentences: Sequence[Sequence[str]],
    batch_size: int = 32,
    dtype: type = np.float16,
) -> WordFeatures:
    """Hidden layers of every word, computed once, to train many heads on.

    See `WordFeatures`; ``float16`` halves the memory (1.5 kB a word for two layers
    of MiniLM).
    """

    def read(hidden: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        return torch.cat([hidden.float(), shapes[:, None].float()], dim=1)

    found = _read_words(model, tokenizer, sentences, read, batch_size)
    if not found:
        raise ValueError("sentences is empty: nothing to compute features of")
    return WordFeatures(
        hidden=np.concatenate([rows[:, :-1].astype(dtype) for rows in found]),
        shapes=np.concatenate([rows[:, -1].astype(np.int64) for rows in found]),
        lengths=np.array([len(rows) for rows in found]),
    )
