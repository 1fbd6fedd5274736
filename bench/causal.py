"""Speed of the causal floor: exact search, and interventions in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from bench import Row, compare
from qglib.causal import (
    discover,
    discrete_bic,
    exact_search,
    intervene_on_context,
    load_network,
    targets_of,
)
from qglib.data import load_corpus
from qglib.text import build_tagger, word_logits


def fastest(method, rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        method()
        times.append(time.perf_counter() - start)
    return min(times)


def exact_asia() -> Row:
    data = load_network("asia").sample(2000, np.random.default_rng(0))
    seconds = fastest(lambda: discover(data, "exact"))
    what = "exact search, asia n=2000, 4 parents"
    return Row(what, seconds, None, 1, 0.2, smaller=True, unit="s")


def exact_eleven() -> Row:
    data = np.random.default_rng(0).integers(0, 3, (2000, 11))
    seconds = fastest(lambda: exact_search(11, discrete_bic(data), 4))
    what = "exact search, size of sachs: 11 variables, 3 levels, n=2000"
    return Row(what, seconds, None, 3, 1, smaller=True, unit="s")


def batched_interventions() -> Row:
    model, tokenizer = build_tagger(head="linear")
    targets = targets_of(load_corpus("newswire").test[:12])
    kinds = ("deletion", "adjacent_swap", "transposition", "shuffle")
    done = intervene_on_context(targets, kinds, 3, np.random.default_rng(0))
    texts = [item.words for item in done]

    def one_at_a_time():
        for words in texts:
            word_logits(model, tokenizer, [words])

    def batched():
        word_logits(model, tokenizer, texts)

    what = f"{len(texts)} interventions in batches vs one sentence at a time"
    return compare(what, one_at_a_time, batched, 2, 8, rounds=3)


def rows() -> Iterator[Row]:
    yield exact_asia()
    yield exact_eleven()
    yield batched_interventions()
