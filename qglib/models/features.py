"""Examples of the five kinds as numbers, and how answers on them are scored."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score
from transformers import PreTrainedModel

from qglib.data import Examples, labels_of
from qglib.data.examples import SPLITS, check_examples
from qglib.data.signals import sound_features
from qglib.models.storage import build_tagger
from qglib.models.tags import decode_all, entity_f1
from qglib.models.tokenizer import N_SHAPES, ShapeTokenizer
from qglib.models.windows import batches_of, frozen_features

BANDS = 24  # of the spectrum of a series

FeatureFunction = Callable[[Any], np.ndarray]


def features_of(kind: str, tagged: bool = False) -> FeatureFunction:
    """From raw inputs of a kind to numbers, (n, columns); a row is a word if tagged."""
    if tagged and kind != "text":
        only = "only the words of a text can have a label each"
        raise ValueError(f"kind is {kind!r}: {only}; give one label per example")
    by_kind = dict(image=numbers, table=numbers, series=series_features)
    by_kind |= dict(sound=sound_features, text=text_features)
    if tagged:
        return word_features
    if kind not in by_kind:
        raise ValueError(f"kind is {kind!r}: choose one of {', '.join(by_kind)}")
    return by_kind[kind]


def numbers(inputs: Any) -> np.ndarray:
    """Rows of numbers ``(n, columns)`` from rows, a frame or images ``(n, r, c)``."""
    try:
        values = np.asarray(inputs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        wrong = f"inputs are not rows of numbers ({error})"
        raise ValueError(f"{wrong}: encode words and dates first") from None
    if values.ndim < 2:
        raise ValueError(f"inputs have shape {values.shape}: give one row per example")
    return values.reshape(len(values), -1) if len(values) else values


def series_features(series: Any) -> np.ndarray:
    """Mean, deviation and log power in 24 bands of a series, of 8 steps at least.

    From shape (n, steps) to (n, 2 + 24); fewer bands where the series is short.
    """
    rows = numbers(series)
    if (steps := rows.shape[1]) < 8:
        raise ValueError(f"inputs have {steps} steps: give series of at least 8")
    mean, sd = rows.mean(axis=1, keepdims=True), rows.std(axis=1, keepdims=True)
    scaled = (rows - mean) / np.where(sd > 0, sd, 1)
    power = np.abs(np.fft.rfft(scaled, axis=1))[:, 1:] ** 2 / rows.shape[1]
    edges = np.unique(np.geomspace(1, power.shape[1] + 1, BANDS + 1).astype(int)) - 1
    bands = np.add.reduceat(power, edges[:-1], axis=1)
    return np.column_stack([mean, sd, np.log(bands + 1e-6)])


def mean_hidden(
    encoder: PreTrainedModel, tokenizer: ShapeTokenizer, texts: Sequence[str]
) -> np.ndarray:
    """Mean of the last layer over all sub-words of each text, (n, width) float32.

    Texts beyond the encoder's limit are read in adjoining windows, whose sub-words
    count alike. Anything but a list of texts with words is a ValueError.
    """
    if isinstance(texts, str) or not len(texts):
        raise ValueError(f"texts is {texts!r}: give a list of texts")
    words = [text.split() for text in texts]
    total = np.zeros((len(words), encoder.config.hidden_size))
    count = np.zeros((len(words), 1))
    for group, inputs in batches_of(encoder, tokenizer, words, 64):
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        with torch.inference_mode():
            hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            sums = (hidden * mask[..., None]).sum(dim=1)
        rows = [w.sentence for w in group]
        np.add.at(total, rows, sums.cpu().numpy())
        np.add.at(count, rows, mask.sum(1, keepdim=True).cpu().numpy())
    return (total / count).astype(np.float32)


def text_features(texts: Sequence[str]) -> np.ndarray:
    """`mean_hidden` of the offline encoder, computed once per list of texts."""
    return _read(texts if isinstance(texts, str) else tuple(texts), tagged=False)


def word_features(sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """What the token tagger's head reads, (n_words, F) float32, before scaling.

    Hidden layers 3 and 6 of the first sub-word and the one-hot word shape.
    """
    return _read(tuple(tuple(s) for s in sentences), tagged=True)


_reader = lru_cache(maxsize=1)(partial(build_tagger, head="linear"))


@lru_cache(maxsize=8)
def _read(inputs: Any, tagged: bool) -> np.ndarray:
    model, tokenizer = _reader()
    if not tagged:
        return mean_hidden(model.encoder, tokenizer, inputs)
    found = frozen_features(model, tokenizer, inputs, dtype=np.float32)
    return np.hstack([found.hidden, np.eye(N_SHAPES, dtype=np.float32)[found.shapes]])


def check_features(values: np.ndarray, width: int = 0) -> None:
    """Refuse features that are not finite rows of the width, with a ValueError."""
    shape = values.shape
    if len(shape) != 2 or not shape[1]:
        raise ValueError(f"inputs: features have shape {shape}; give (n, columns)")
    if width and shape[1] != width:
        trained = f"the model was trained on {width}; give the same, in that order"
        raise ValueError(f"inputs: {shape[1]} columns, {trained}")
    broken = np.argwhere(~np.isfinite(values))
    if len(broken):
        row, column = broken[0]
        raise ValueError(
            f"inputs: {values[row, column]} in row {row}, column {column} and "
            f"{len(broken) - 1} more places; fill the gaps or drop the rows"
        )


@dataclass(frozen=True, repr=False)
class Prepared:
    """What heads and baselines learn from, by part, the same for all of them."""

    features: dict[str, np.ndarray]  # (rows, columns) float32, not standardised
    gold: dict[str, np.ndarray]  # class numbers (rows,)
    labels: tuple[str, ...]
    tags: dict[str, list[tuple[str, ...]]]  # of sentences, where each word is a row
    metric: str

    def score(self, logits: np.ndarray, part: str) -> float:
        """One number in [0, 1] for logits of a part, shape (rows, n_labels)."""
        if self.metric == "entity_f1":
            tags = self.tags[part]
            return entity_f1(tags, decoded(logits, tags, self.labels))
        found = logits.argmax(axis=1)
        if self.metric == "accuracy":
            return float((self.gold[part] == found).mean())
        return float(f1_score(self.gold[part], found, average="macro"))


def decoded(logits: np.ndarray, sentences: Any, labels: Any) -> list[list[str]]:
    """Tags by Viterbi from the rows of all words, one list per sentence."""
    stops = np.cumsum([len(words) for words in sentences])[:-1]
    return decode_all(np.split(logits, stops), labels)


def _classes(examples: Examples) -> list[Any]:
    """One class per example, of the type that it was given in."""
    if examples.tagged:
        return [tag for sentence in examples.labels for tag in sentence]
    flat = [v.item() if isinstance(v, np.generic) else v for v in examples.labels]
    missing = [k for k, v in enumerate(flat) if pd.isna(v)]
    if missing:
        more = len(missing) - 1
        raise ValueError(
            f"labels: example {missing[0]} and {more} more have no label: drop them"
        )
    flat = [v if isinstance(v, str | int | float) else str(v) for v in flat]
    (name, count), *_ = Counter(str(v) for v in set(flat)).most_common(1)
    if count > 1:
        raise ValueError(
            f"labels: {name} occurs as a number and as text: give one type"
        )
    return flat


def prepare(
    examples: Examples, metric: str = "", features: FeatureFunction | None = None
) -> Prepared:
    """Check examples and compute their features once; arguments as for `train`."""
    check_examples(examples)
    allowed = ("entity_f1",) if examples.tagged else ("accuracy", "macro_f1")
    metric = metric or allowed[0]
    if metric not in allowed:
        raise ValueError(f"metric is {metric!r}: these examples take {allowed}")
    read = features or features_of(examples.kind, examples.tagged)
    rows = np.asarray(read(examples.inputs))
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as inf
        rows = rows.astype(np.float32)
    check_features(rows)
    parts, tags, flat = np.asarray(examples.split), {}, _classes(examples)
    labels: Sequence[Any] = sorted(set(flat), key=str)
    if examples.tagged:
        tags = {name: examples.part(name)[1] for name in SPLITS}
        parts = np.repeat(parts, [len(t) for t in examples.labels])
        labels = labels_of(tuple(sorted({t[2:] for t in flat if t != "O"})))
    if len(rows) != len(flat):
        raise ValueError(f"features gave {len(rows)} rows for {len(flat)} labels")
    gold = np.array([labels.index(label) for label in flat])
    by_part = {name: rows[parts == name] for name in SPLITS}
    gold_of = {name: gold[parts == name] for name in SPLITS}
    return Prepared(by_part, gold_of, tuple(labels), tags, metric)
