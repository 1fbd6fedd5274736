"""From words to padded batches of windows that fit the encoder; nothing is cut."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from qglib.models.shapes import word_shape
from qglib.models.tokenizer import ShapeTokenizer


@dataclass(frozen=True)
class Window:
    """A run of whole words of one sentence, ready for the encoder.

    ``ids`` and ``shapes`` include the special tokens; ``words`` are the numbers of
    the words in the sentence, ``first`` the position of each one's first sub-word.
    """

    sentence: int
    ids: list[int]
    shapes: list[int]
    first: list[int]
    words: range


def check_words(sentences: Sequence[Sequence[str]]) -> None:
    """Refuse empty sentences, empty words and bare strings.

    Raises:
        ValueError, TypeError
    """
    if isinstance(sentences, str):
        raise TypeError("sentences must be a sequence of word sequences, got a string")
    for number, words in enumerate(sentences):
        if isinstance(words, str):
            raise TypeError(
                f"sentence {number} is a string: give its words, e.g. text.split()"
            )
        if not len(words):
            raise ValueError(f"sentence {number} is empty: drop it")
        wrong = [w for w in words if not isinstance(w, str) or not w]
        if wrong:
            raise ValueError(f"sentence {number}: {wrong[0]!r} is no word: {words!r}")


def model_limit(tokenizer: ShapeTokenizer) -> int:
    """Sub-words the encoder can read at once, special tokens included."""
    return int(min(tokenizer.model_max_length, 4096))


def windows(
    tokenizer: ShapeTokenizer, sentences: Sequence[Sequence[str]], max_length: int
) -> list[Window]:
    """Windows that hold every word of every sentence exactly once.

    A sentence that fits gives one window; a longer one is cut between words into
    adjoining windows of about the same number of sub-words.
    """
    probe = tokenizer("a", return_special_tokens_mask=True)
    inner = [k for k, flag in enumerate(probe["special_tokens_mask"]) if not flag]
    before, after = probe["input_ids"][: inner[0]], probe["input_ids"][inner[-1] + 1 :]
    budget = max_length - len(before) - len(after)
    if budget < 1:
        raise ValueError(f"max_length must leave room for words, got {max_length}")
    known = _sub_words(tokenizer, sentences, budget)
    out: list[Window] = []
    for number, words in enumerate(sentences):
        pieces = [known[w] for w in words]
        for span in _spans([len(p) for p in pieces], budget):
            ids, shapes, first = list(before), [0] * len(before), []
            for k in span:
                first.append(len(ids))
                ids += pieces[k]
                shapes += [word_shape(words[k])] * len(pieces[k])
            ids += after
            shapes += [0] * len(after)
            out.append(Window(number, ids, shapes, first, span))
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


def _sub_words(
    tokenizer: ShapeTokenizer, sentences: Sequence[Sequence[str]], budget: int
) -> dict[str, list[int]]:
    """Sub-words of every word, at most ``budget``, looked up in one call."""
    words = sorted({w for s in sentences for w in s})
    if not words:
        return {}
    found = tokenizer(
        [[w] for w in words],
        is_split_into_words=True,
        add_special_tokens=False,
        return_token_type_ids=False,
        return_attention_mask=False,
    )["input_ids"]
    long = sum(len(ids) > budget for ids in found)
    if long:
        warnings.warn(
            f"{long} single words are longer than {budget} sub-words; only their "
            "beginning is read, their tags are kept",
            stacklevel=4,
        )
    # zero-width characters leave nothing: such a word becomes [UNK]
    unknown = [tokenizer.unk_token_id]
    return {w: ids[:budget] or unknown for w, ids in zip(words, found, strict=True)}


def collate(
    batch: Sequence[Window], pad_id: int, device: torch.device | str = "cpu"
) -> dict[str, torch.Tensor]:
    """Pad windows on the right to the longest: ids, attention mask, shapes."""
    width = max(len(w.ids) for w in batch)
    ids = torch.full((len(batch), width), pad_id, dtype=torch.long)
    shapes = torch.zeros((len(batch), width), dtype=torch.long)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    for row, w in enumerate(batch):
        ids[row, : len(w.ids)] = torch.tensor(w.ids)
        shapes[row, : len(w.ids)] = torch.tensor(w.shapes)
        mask[row, : len(w.ids)] = 1
    out = {"input_ids": ids, "attention_mask": mask, "token_type_ids": shapes}
    return {k: v.to(device) for k, v in out.items()}


def kept_positions(batch: Sequence[Window]) -> tuple[torch.Tensor, torch.Tensor]:
    """Row and column of every kept first sub-word, window by window."""
    rows = [row for row, w in enumerate(batch) for _ in w.first]
    columns = [k for w in batch for k in w.first]
    return torch.tensor(rows), torch.tensor(columns)


def length_batches(
    lengths: Sequence[int],
    batch_size: int,
    rng: np.random.Generator | None = None,
    pool: int = 50,
) -> Iterator[list[int]]:
    """Index batches of similar length, every index once.

    Without ``rng`` (inference) longest first; with it (training) indices are
    shuffled, sorted within pools of ``pool`` batches (fewer on small sets, so
    that batches differ between epochs), and the batches shuffled again.
    """
    lengths = np.asarray(lengths)
    if rng is None:
        order = np.argsort(-lengths, kind="stable")
        for start in range(0, len(order), batch_size):
            yield order[start : start + batch_size].tolist()
        return
    order = rng.permutation(len(lengths))
    n_batches = -(-len(lengths) // batch_size)
    size = batch_size * max(1, min(pool, -(-n_batches // 4)))
    batches = []
    for start in range(0, len(order), size):
        chunk = order[start : start + size]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        batches += [chunk[k : k + batch_size] for k in range(0, len(chunk), batch_size)]
    for k in rng.permutation(len(batches)):
        yield batches[k].tolist()
