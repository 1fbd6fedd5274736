"""From words to windows that fit the encoder, and what a tagger reads in them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from qglib.models.tagger import TokenTagger
from qglib.models.tokenizer import ShapeTokenizer, word_shape


class Window(NamedTuple):
    """A run of whole words of one sentence, ready for the encoder."""

    sentence: int
    ids: list[int]  # special tokens included
    shapes: list[int]
    first: list[int]  # position of the first sub-word of each word
    words: range  # their numbers in the sentence


def check_words(sentences: Sequence[Sequence[str]]) -> None:
    """Refuse empty sentences and words (ValueError) and bare strings (TypeError)."""
    if isinstance(sentences, str):
        raise TypeError("sentences must be a sequence of word sequences, got a string")
    for number, words in enumerate(sentences):
        if isinstance(words, str):
            raise TypeError(f"sentence {number} is a string: give words, text.split()")
        if not len(words):
            raise ValueError(f"sentence {number} is empty: drop it")
        wrong = [w for w in words if not isinstance(w, str) or not w]
        if wrong:
            raise ValueError(f"sentence {number}: {wrong[0]!r} is no word: {words!r}")


def windows(
    tokenizer: ShapeTokenizer,
    sentences: Sequence[Sequence[str]],
    longest: int = 4096,
    stride: int = 0,
) -> list[Window]:
    """Windows whose ``words`` hold every word of every sentence exactly once.

    A sentence that fits gives one; a longer one gives adjoining ones of about the same
    number of sub-words, each with up to ``stride`` sub-words of context on both sides.
    """
    probe = tokenizer("a", return_special_tokens_mask=True)
    inner = [k for k, flag in enumerate(probe["special_tokens_mask"]) if not flag]
    before, after = probe["input_ids"][: inner[0]], probe["input_ids"][inner[-1] + 1 :]
    longest = int(min(tokenizer.model_max_length, longest))  # special ones included
    budget = longest - len(before) - len(after)
    if not 0 <= stride < budget // 3:
        raise ValueError(f"stride is {stride}: give 0 to {budget // 3 - 1} sub-words")
    known = _sub_words(tokenizer, sentences, budget - 2 * stride)
    out: list[Window] = []
    for number, words in enumerate(sentences):
        sizes = [len(known[w]) for w in words]
        room = budget - 2 * stride * (sum(sizes) > budget)
        for span in _spans(sizes, room):
            ids, shapes, first = list(before), [0] * len(before), []
            ends = np.cumsum([0, *sizes])
            left = np.searchsorted(ends, ends[span.start] - stride)
            right = np.searchsorted(ends, ends[span.stop] + stride, side="right")
            for k in range(int(left), int(right) - 1):
                if k in span:
                    first.append(len(ids))
                ids += known[words[k]]
                shapes += [tokenizer.code(words[k])] * sizes[k]
            shapes += [0] * len(after)
            out.append(Window(number, ids + after, shapes, first, span))
    return out


def _spans(sizes: Sequence[int], budget: int) -> list[range]:
    """Runs of words of at most ``budget`` sub-words, about equally filled."""
    total = sum(sizes)
    aim = total / -(-total // budget)
    spans, start, used = [], 0, 0
    for k, size in enumerate(sizes):
        full = used + size > budget or used + size / 2 > aim
        if k > start and full:
            spans.append(range(start, k))
            start, used = k, 0
        used += size
    return [*spans, range(start, len(sizes))]


def together(
    sentences: Sequence[Sequence[str]], documents: Sequence[str] | None, longest: int
) -> list[range]:
    """Runs of neighbouring sentences of one document, up to ``longest`` words each.

    A sentence without a document, and every one where ``longest`` is 0, is alone.
    """
    known = [""] * len(sentences) if documents is None or not longest else documents
    if len(known) != len(sentences):
        counts = f"names {len(known)} sentences, there are {len(sentences)}"
        raise ValueError(f"documents {counts}: give one each, '' if unknown")
    runs = []
    for _, group in groupby(range(len(known)), lambda k: known[k] or k):
        start, *_ = own = list(group)
        spans = _spans([len(sentences[k]) for k in own], max(longest, 1))
        runs += [range(start + s.start, start + s.stop) for s in spans]
    return runs


def _sub_words(
    tokenizer: ShapeTokenizer, sentences: Sequence[Sequence[str]], budget: int
) -> dict[str, list[int]]:
    """Sub-words of every word, at most ``budget``, looked up in one call."""
    words = sorted({w for s in sentences for w in s})
    if not words:
        return {}
    off = ("add_special_tokens", "return_token_type_ids", "return_attention_mask")
    options: dict[str, Any] = {"is_split_into_words": True} | dict.fromkeys(off, False)
    found = tokenizer([[w] for w in words], **options)["input_ids"]
    long = sum(len(ids) > budget for ids in found)
    if long:
        warning = f"{long} single words are longer than {budget} sub-words: cut"
        warnings.warn(warning, stacklevel=4)
    # zero-width characters leave nothing: such a word becomes [UNK]
    unknown = [cast(int, tokenizer.unk_token_id)]
    return {w: ids[:budget] or unknown for w, ids in zip(words, found, strict=True)}


def collate(
    batch: Sequence[Window], pad_id: int, device: torch.device | str = "cpu"
) -> dict[str, torch.Tensor]:
    """Pad windows on the right to the longest: ids, attention mask, shapes."""

    def padded(rows: list[list[int]], value: int = 0) -> torch.Tensor:
        tensors = [torch.tensor(row) for row in rows]
        return pad_sequence(tensors, True, padding_value=value).to(device)

    return {
        "input_ids": padded([w.ids for w in batch], pad_id),
        "attention_mask": padded([[1] * len(w.ids) for w in batch]),
        "token_type_ids": padded([w.shapes for w in batch]),
    }


def kept_positions(batch: Sequence[Window]) -> tuple[torch.Tensor, torch.Tensor]:
    """Row and column of every kept first sub-word, window by window."""
    rows = [row for row, w in enumerate(batch) for _ in w.first]
    columns = [k for w in batch for k in w.first]
    return torch.tensor(rows), torch.tensor(columns)


def length_batches(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator | None = None
) -> Iterator[list[int]]:
    """Index batches of similar length, every index once.

    Without ``rng`` (inference) longest first; with it (training) indices are
    shuffled, sorted within pools of 50 batches (fewer on small sets, so that
    batches differ between epochs), and the batches shuffled again.
    """
    sizes = np.asarray(lengths)
    pools = [np.argsort(-sizes, kind="stable")]
    if rng is not None:
        order, n_batches = rng.permutation(len(lengths)), -(-len(lengths) // batch_size)
        size = batch_size * max(1, min(50, -(-n_batches // 4)))
        chunks = (order[start : start + size] for start in range(0, len(order), size))
        pools = [c[np.argsort(sizes[c], kind="stable")] for c in chunks]
    batches = [p[k:][:batch_size] for p in pools for k in range(0, len(p), batch_size)]
    turns = range(len(batches)) if rng is None else rng.permutation(len(batches))
    yield from (batches[k].tolist() for k in turns)


@dataclass(frozen=True)
class WordFeatures:
    """Frozen features of the words of several sentences.

    ``hidden`` is that of the first sub-word of each word, float16 or float32, layers
    concatenated, not standardised.
    """

    hidden: np.ndarray  # (n_words, n_hidden)
    shapes: np.ndarray  # (n_words,) word-shape class
    lengths: np.ndarray  # (n_sentences,) words per sentence

    def split(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cut an array with one row per word into one array per sentence."""
        return np.split(rows, np.cumsum(self.lengths)[:-1])

    def take(self, sentences: Sequence[int]) -> WordFeatures:
        """The features of some sentences, in the order given."""
        rows = self.split(np.arange(len(self.shapes)))
        words = np.concatenate([rows[k] for k in sentences])
        lengths = self.lengths[list(sentences)]
        return WordFeatures(self.hidden[words], self.shapes[words], lengths)


def batches_of(
    module: torch.nn.Module,
    tokenizer: ShapeTokenizer,
    sentences: Sequence[Sequence[str]],
    batch_size: int,
    stride: int = 0,
) -> Iterator[tuple[list[Window], dict[str, torch.Tensor]]]:
    """Windows of checked sentences, longest first, and their inputs for a module."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    check_words(sentences)
    pieces = windows(tokenizer, sentences, stride=stride)
    device, pad_id = next(module.parameters()).device, tokenizer.pad_token_id or 0
    for batch in length_batches([len(w.ids) for w in pieces], batch_size):
        group = [pieces[k] for k in batch]
        yield group, collate(group, pad_id, device)


def _read_words(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    sentences: Sequence[Sequence[str]],
    read: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *options: int,
) -> list[np.ndarray]:
    """Rows of ``read(hidden, shapes)`` for every word, one array per sentence."""
    check_words(sentences)
    unique = list(dict.fromkeys(tuple(s) for s in sentences))
    rows: dict[int, np.ndarray] = {}
    model.eval()
    with torch.inference_mode():
        for group, inputs in batches_of(model, tokenizer, unique, *options):
            hidden, shapes, _ = model.hidden(**inputs)
            at = kept_positions(group)
            values = read(hidden[at], shapes[at]).float().cpu().numpy()
            if not np.isfinite(values).all():
                raise ValueError("the output holds NaN or infinity: train it again")
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
    stride: int = 0,
    documents: Sequence[str] | None = None,
) -> list[np.ndarray]:
    """Logits ``(n_words, n_labels)`` float32 for each sentence, given as words.

    A word's logits are those of its first sub-word; with a CRF they are its exact
    log-marginals. Sentences beyond the encoder's limit are read in adjoining windows
    with ``stride`` sub-words of context on both sides. ``documents`` names that of each
    sentence ("": unknown): a tagger built with ``context`` reads neighbours together,
    each sentence alone without. Runs on the model's device and leaves it in eval mode;
    results of equal sentences are one shared array. An empty sentence or word and
    broken weights are a ValueError, strings a TypeError.
    """

    def read(hidden: torch.Tensor, shapes: torch.Tensor) -> torch.Tensor:
        return model.head(model.features(hidden, shapes))

    check_words(sentences)
    runs = together(sentences, documents, model.config.context)
    joined = [tuple(chain.from_iterable(sentences[k] for k in run)) for run in runs]
    found = _read_words(model, tokenizer, joined, read, batch_size, stride)
    stops = [np.cumsum([len(sentences[k]) for k in run])[:-1] for run in runs]
    rows = [r for pair in zip(found, stops, strict=True) for r in np.split(*pair)]
    return model.crf.marginals(rows) if model.crf else rows


def frozen_features(
    model: TokenTagger,
    tokenizer: ShapeTokenizer,
    sentences: Sequence[Sequence[str]],
    batch_size: int = 32,
    dtype: type = np.float16,
) -> WordFeatures:
    """Hidden layers of every word, once for many heads; float16: 1.5 kB a word."""
    found = _read_words(model, tokenizer, sentences, lambda h, _: h, batch_size)
    if not found:
        raise ValueError("sentences is empty: nothing to compute features of")
    hidden = np.concatenate([rows.astype(dtype) for rows in found])
    shapes = np.array([word_shape(w) for words in sentences for w in words])
    return WordFeatures(hidden, shapes, np.array([len(rows) for rows in found]))
