from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.data import illegal, labels_of
from qglib.models import decode_all

LABELS = labels_of(("A", "B"))
seeds = st.integers(0, 2**32 - 1)


def decode(logits, labels, viterbi=True):
    return decode_all([logits], labels, viterbi)[0]


def brute_force(logits):
    best, best_score = None, -np.inf
    for path in product(range(len(LABELS)), repeat=len(logits)):
        tags = [LABELS[k] for k in path]
        score = sum(row[k] for row, k in zip(logits, path, strict=True))
        if score > best_score and not illegal(tags):
            best, best_score = tags, score
    return best


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 5))
def test_viterbi_equals_brute_force(seed, n_words) -> None:
    logits = np.random.default_rng(seed).normal(size=(n_words, len(LABELS)))
    assert decode(logits, LABELS) == brute_force(logits)


@given(seeds)
def test_never_illegal_and_arg_max_where_that_is_legal(seed) -> None:
    rng = np.random.default_rng(seed)
    logits = [3 * rng.normal(size=(n, 5)) for n in rng.integers(0, 30, size=12)]
    best = decode_all(logits, LABELS)
    plain = decode_all(logits, LABELS, viterbi=False)
    for rows, tags, largest in zip(logits, best, plain, strict=True):
        assert len(tags) == len(rows)
        assert not illegal(tags)
        if not illegal(largest):
            assert tags == largest


def test_ties_and_single_words() -> None:
    assert decode(np.zeros((3, 5)), LABELS) == ["O", "O", "O"]
    assert decode(np.array([[0, 0.5, 9, 0, 1.0]]), LABELS) == ["B-A"]
    assert decode(np.array([[0, 0.5, 9, 0, 1.0]]), LABELS, viterbi=False) == ["I-A"]


def test_bad_logits() -> None:
    with pytest.raises(ValueError, match=r"sentence 0 have shape \(2, 4\)"):
        decode(np.zeros((2, 4)), LABELS)
    with pytest.raises(ValueError, match="NaN"):
        decode(np.full((2, 5), np.nan), LABELS)
