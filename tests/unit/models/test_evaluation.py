from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from qglib.data import labels_of
from qglib.models import entity_f1, f1_interval

GOLD = [
    ["B-PER", "I-PER", "O", "B-LOC"],
    ["O", "B-ORG", "O"],
    ["B-LOC", "B-LOC"],
]
FOUND = [
    ["B-PER", "I-PER", "O", "B-ORG"],
    ["O", "O", "O"],
    ["B-LOC", "I-LOC"],
]


tags = st.lists(st.sampled_from(labels_of(("A", "B"))), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(tags, tags), min_size=1, max_size=6))
def test_own_f1_equals_seqeval(pairs) -> None:
    gold = [g for g, _ in pairs]
    found = [(p * 8)[: len(g)] for g, p in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = f1_score(gold, found, mode="strict", scheme=IOB2, zero_division=0)
    assert entity_f1(gold, found) == pytest.approx(theirs)


def test_f1_by_hand() -> None:
    # 1 of 3 predicted, 1 of 5 gold
    assert entity_f1(GOLD, FOUND) == 0.25
    assert entity_f1([["O"]], [["O"]]) == 0


def noisy(rng, n, wrong):
    gold = [["O", "B-A", "O"] for _ in range(n)]
    return gold, [s if rng.random() > wrong else ["O", "O", "O"] for s in gold]


def test_interval_covers_and_widens_with_clusters() -> None:
    rng = np.random.default_rng(0)
    gold, found = noisy(rng, 400, 0.3)
    single = f1_interval(gold, found, None, rng)
    assert single.value == entity_f1(gold, found)
    assert single.low < single.value < single.high
    # recall p with perfect precision: F1 = 2p/(1+p), delta-method deviation
    p = sum(f != ["O"] * 3 for f in found) / 400
    deviation = 2 / (1 + p) ** 2 * np.sqrt(p * (1 - p) / 400)
    assert (single.high - single.low) / (2 * 1.96) == pytest.approx(deviation, rel=0.1)
    # the same errors in blocks of 20 equal sentences
    blocks = [f for f in found[:20] for _ in range(20)]
    clustered = f1_interval(gold, blocks, np.repeat(np.arange(20), 20), rng)
    assert clustered.high - clustered.low > 2 * (single.high - single.low)


def test_paired_difference() -> None:
    rng = np.random.default_rng(1)
    gold, found = noisy(rng, 300, 0.3)
    same = f1_interval(gold, found, None, rng, found)
    assert same == (0.0, 0.0, 0.0)
    better = f1_interval(gold, gold, None, rng, found)
    assert better.low > 0
    assert better.value == pytest.approx(1 - entity_f1(gold, found))
    again = [
        f1_interval(gold, gold, None, np.random.default_rng(3), found) for _ in "ab"
    ]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("gold", "found", "match"),
    [
        ([["O"]], [], "1 sentences, predicted has 0"),
        ([], [], "gold is empty"),
        ([["S-PER"]], [["O"]], "the tag 'S-PER' is not O, B-TYPE or I-TYPE"),
        ([["b-per"]], [["b-per"]], "the tag 'b-per' is not O"),
        ([["O"]], [["PER"]], "the tag 'PER' is not O"),
        ([["O", "O"]], [["O"]], "sentence 0: 2 gold tags, 1 predicted"),
    ],
)
def test_unpaired_input(gold, found, match) -> None:
    with pytest.raises(ValueError, match=match):
        entity_f1(gold, found)


def test_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="at least 2 different groups"):
        f1_interval(GOLD, FOUND, ["d"] * 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="groups names 2 sentences"):
        f1_interval(GOLD, FOUND, ["a", "b"], np.random.default_rng(0))
