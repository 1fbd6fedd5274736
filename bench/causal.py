"""Speed of the causal floor: exact search, kernel tests, interventions in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from scipy.special import softmax

from bench import Row, compare
from bench._reading import at_precision
from qglib.causal import (
    KernelTests,
    discover,
    discrete_bic,
    exact_search,
    load_network,
)
from qglib.causal.kernel_tests import Regression, from_residuals
from qglib.data import KINDS, load_corpus
from qglib.models import build_tagger, word_logits
from qglib.models.fine_tuning import choose_precision


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


def batched_interventions() -> Iterator[Row]:
    model, tokenizer = build_tagger(head="linear")
    rng, edits = np.random.default_rng(0), KINDS["text"].edits
    texts = [
        tuple(text)
        for sentence in load_corpus("newswire").test[:24]
        for _ in range(9)
        for text in edits(list(sentence.words), rng).values()
    ]

    def one_at_a_time():
        return [word_logits(model, tokenizer, [words])[0] for words in texts]

    def batched(precision):
        fast = at_precision(model, precision)  # its copy is part of the price
        return word_logits(fast, tokenizer, texts, batch_size=64)

    exact = [softmax(x, -1) for x in one_at_a_time()]
    what = f"{len(texts)} interventions in batches vs one sentence at a time"
    # What bfloat16 gains hangs on the processor: tiles (AMX), AVX-512, or nothing;
    # float32 batches run near the core's peak everywhere.
    auto = (8, 10) if torch.cpu._is_amx_tile_supported() else (5, 8)
    if not choose_precision(torch.device("cpu")):
        auto = (2, 3)
    for precision, gate, goal in (("auto", *auto), ("fp32", 2, 3)):
        rounded = [softmax(x, -1) for x in batched(precision)]
        error = max(abs(a - b).max() for a, b in zip(exact, rounded, strict=True))
        assert error < 0.01, error
        ours = partial(batched, precision)
        row = compare(what, one_at_a_time, ours, gate, goal, rounds=3)
        note = f"{row.note}; probabilities to {error:.1g}"
        yield replace(row, what=f"{what}, {precision}", note=note)


def kernel_tests() -> Iterator[Row]:
    from causallearn.utils.KCI.KCI import KCI_CInd

    n, d = 300, 5
    rng = np.random.default_rng(0)
    data = rng.normal(size=(n, d))
    data[:, 1] += np.sin(data[:, 0])
    data[:, 2] += data[:, 0] ** 2
    columns = [data[:, [k]] for k in range(d)]
    theirs = KCI_CInd()
    grams = theirs.kernel_matrix(*columns[:3])[:3]

    def rival():
        return theirs.compute_pvalue(*columns[:3])[0]

    def ours():
        regression = Regression(grams[2], 1e-3)
        rests = (regression.residual(gram) for gram in grams[:2])
        return from_residuals(*rests).pvalue

    assert abs(rival() - ours()) < 1e-4
    what = f"KCI from Gram matrices, one test n={n}, vs causal-learn, same kernels"
    yield compare(what, rival, ours, 3, 10, repeat=3)

    asked = [
        (i, j, (k,))
        for i in range(d)
        for j in range(i + 1, d)
        for k in range(d)
        if k not in (i, j)
    ]

    def rival_table():
        for i, j, (k,) in asked:
            KCI_CInd().compute_pvalue(columns[i], columns[j], columns[k])

    def our_table():
        tests = KernelTests(data, ridge=1e-3)  # as the rival
        for one in asked:
            tests(*one)

    what = f"{len(asked)} conditional tests on {d} columns, n={n}, Gram matrices kept"
    yield compare(what, rival_table, our_table, 3, 10, rounds=3)


def rows() -> Iterator[Row]:
    yield exact_asia()
    yield exact_eleven()
    yield from kernel_tests()
    yield from batched_interventions()
