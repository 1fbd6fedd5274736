"""Features of the five kinds of data: what the heads of `train` read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from qglib.data.signals import sound_features
from qglib.models.building import build_tagger
from qglib.models.classifier import mean_hidden
from qglib.models.encoder import encoder_path, load_encoder
from qglib.models.inference import frozen_features
from qglib.models.shapes import N_SHAPES
from qglib.models.tokenizer import load_tokenizer

BANDS = 24  # of the spectrum of a series
LAGS = 4

FeatureFunction = Callable[[Any], np.ndarray]


def features_of(kind: str, tagged: bool = False) -> FeatureFunction:
    """The function from raw inputs of a kind to numbers, (n, columns).

    Args:
        kind: "text", "image", "sound", "table" or "series".
        tagged: whether every word has a label; a row is a word then.

    Raises:
        ValueError: an unknown kind, or labelled parts of another kind than text.
    """
    if tagged and kind != "text":
        raise ValueError(
            f"kind is {kind!r}: only the words of a text can have a label each; give "
            "one label per example"
        )
    by_kind = {
        "text": word_features if tagged else text_features,
        "image": numbers,
        "sound": sound_features,
        "table": numbers,
        "series": series_features,
    }
    if kind not in by_kind:
        raise ValueError(f"kind is {kind!r}: choose one of {', '.join(by_kind)}")
    return by_kind[kind]


def numbers(inputs: Any) -> np.ndarray:
    """Rows of numbers ``(n, columns)`` from rows, a frame or images ``(n, r, c)``.

    Raises:
        ValueError: a single row, or entries that are no numbers.
    """
    try:
        values = np.asarray(inputs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"inputs are not rows of numbers ({error}): encode words and dates first"
        ) from None
    if values.ndim < 2:
        raise ValueError(
            f"inputs have shape {values.shape}: give one row per example, (n, columns)"
        )
    return values.reshape(len(values), -1) if len(values) else values


def series_features(series: Any) -> np.ndarray:
    """Mean, deviation, slope, autocorrelations and log power in bands of a series.

    Args:
        series: shape (n, steps), at least 8 steps, evenly spaced.

    Returns:
        Shape (n, 3 + 4 + 24), fewer bands where the series is short.

    Raises:
        ValueError: shorter series, or series of different lengths.
    """
    rows = numbers(series)
    steps = rows.shape[1]
    if steps < 2 * LAGS:
        raise ValueError(
            f"inputs have {steps} steps: give series of at least {2 * LAGS}"
        )
    mean, sd = rows.mean(axis=1, keepdims=True), rows.std(axis=1, keepdims=True)
    time = np.linspace(-1, 1, steps)
    slope = (rows - mean) @ time / (time @ time)
    scaled = (rows - mean) / np.where(sd > 0, sd, 1)
    lags = [
        (scaled[:, k:] * scaled[:, :-k]).sum(axis=1) / steps for k in range(1, LAGS + 1)
    ]
    power = np.abs(np.fft.rfft(scaled, axis=1))[:, 1:] ** 2 / steps
    edges = np.unique(np.geomspace(1, power.shape[1] + 1, BANDS + 1).astype(int)) - 1
    bands = np.add.reduceat(power, edges[:-1], axis=1)
    return np.column_stack([mean, sd, slope, *lags, np.log(bands + 1e-6)])


@lru_cache(maxsize=4)
def _encoder(encoder: str) -> tuple:
    path = encoder_path(encoder)
    model = load_encoder(path).eval()
    return model, load_tokenizer(path, model.config)


def text_features(texts: Sequence[str], encoder: str = "") -> np.ndarray:
    """Mean of the encoder's last layer over all sub-words, (n, width) float32.

    Computed once per list of texts; long texts are read in windows, nothing is cut.
    """
    if isinstance(texts, str):
        raise ValueError("inputs is one string: give a list of texts")
    return _text_features(tuple(texts), encoder)


@lru_cache(maxsize=8)
def _text_features(texts: tuple[str, ...], encoder: str) -> np.ndarray:
    model, tokenizer = _encoder(encoder)
    return mean_hidden(model, tokenizer, texts)


def word_features(sentences: Sequence[Sequence[str]], encoder: str = "") -> np.ndarray:
    """What the token tagger's head reads, (n_words, F) float32, before scaling.

    Hidden layers 3 and 6 of the first sub-word and the one-hot word shape.
    """
    return _word_features(tuple(tuple(s) for s in sentences), encoder)


@lru_cache(maxsize=8)
def _word_features(sentences: tuple[tuple[str, ...], ...], encoder: str) -> np.ndarray:
    model, tokenizer = build_tagger(encoder, head="linear")
    found = frozen_features(model, tokenizer, sentences, dtype=np.float32)
    return np.hstack([found.hidden, np.eye(N_SHAPES, dtype=np.float32)[found.shapes]])


def check_features(values: np.ndarray, name: str = "inputs", width: int = 0) -> None:
    """Refuse features that are not finite rows of the expected width.

    Raises:
        ValueError: wrong shape or width, NaN or infinity (row and column).
    """
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(
            f"{name}: features have shape {values.shape}; expected (n, columns)"
        )
    if width and values.shape[1] != width:
        raise ValueError(
            f"{name}: {values.shape[1]} columns, the model was trained on {width}; "
            "give the same columns in the same order"
        )
    broken = np.argwhere(~np.isfinite(values))
    if len(broken):
        row, column = broken[0]
        raise ValueError(
            f"{name}: {values[row, column]} in row {row}, column {column} and "
            f"{len(broken) - 1} more places; fill the gaps or drop the rows"
        )
