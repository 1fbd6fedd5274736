from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import classification_report

from qglib.data import Sentence, labels_of
from qglib.models import (
    article_table,
    entity_f1,
    entity_report,
    f1_difference,
    f1_interval,
    implied_averages,
    subset_report,
    token_report,
)

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


def test_entity_report_by_hand() -> None:
    table = entity_report(GOLD, FOUND)
    assert list(table.index) == ["LOC", "ORG", "PER", "micro", "macro", "weighted"]
    assert table.loc["PER"].tolist() == [1, 1, 1, 1]
    assert table.loc["LOC"].tolist() == [0, 0, 0, 3]
    # 1 of 3 predicted, 1 of 5 gold
    np.testing.assert_allclose(table.loc["micro"], [1 / 3, 1 / 5, 1 / 4, 5])
    np.testing.assert_allclose(table.loc["macro", "f1"], 1 / 3)
    assert entity_f1(GOLD, FOUND) == 0.25


tags = st.lists(st.sampled_from(labels_of(("A", "B"))), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(tags, tags), min_size=1, max_size=6))
def test_own_f1_equals_seqeval(pairs) -> None:
    gold = [g for g, _ in pairs]
    found = [(p * 8)[: len(g)] for g, p in pairs]
    if all(t == "O" for s in (*gold, *found) for t in s):
        return
    report = entity_report(gold, found)
    assert entity_f1(gold, found) == pytest.approx(report.loc["micro", "f1"])


def test_token_report_by_hand() -> None:
    table = token_report(GOLD, FOUND)
    rows = ["B-LOC", "I-LOC", "B-ORG", "B-PER", "I-PER", "O"]
    assert list(table.index) == [*rows, "micro", "macro", "weighted"]
    assert table.loc["micro", "f1"] == pytest.approx(6 / 9)
    assert table["support"].tolist() == [3, 0, 1, 1, 1, 3, 9, 9, 9]
    flat = [[t for s in part for t in s] for part in (GOLD, FOUND)]
    theirs = classification_report(*flat, output_dict=True, zero_division=0)
    for row, other in (("macro", "macro avg"), ("weighted", "weighted avg")):
        expected = [theirs[other][k] for k in ("precision", "recall", "f1-score")]
        np.testing.assert_allclose(table.loc[row].iloc[:3], expected)
    for row in rows:
        assert table.loc[row, "f1"] == pytest.approx(theirs[row]["f1-score"])


def test_article_table() -> None:
    table = article_table()
    assert list(table.index)[:9] == [*labels_of(("LOC", "MISC", "ORG", "PER"))[1:], "O"]
    assert table["support"].iloc[:9].sum() == 46_435
    implied = implied_averages(table)
    np.testing.assert_allclose(
        implied.loc["macro"].iloc[:3], table.loc["macro"].iloc[:3], atol=1e-3
    )
    assert implied.loc["micro", "f1"] == pytest.approx(0.981, abs=1e-3)
    assert implied.loc["weighted", "f1"] == pytest.approx(0.981, abs=1e-3)
    assert table.loc["micro", "f1"] == 0.973
    rows = table.iloc[:9]
    f1 = 2 * rows.precision * rows.recall / (rows.precision + rows.recall)
    np.testing.assert_allclose(f1, rows.f1, atol=1.1e-3)


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
    same = f1_difference(gold, found, found, None, rng)
    assert same == (0.0, 0.0, 0.0)
    better = f1_difference(gold, gold, found, None, rng)
    assert better.low > 0
    assert better.value == pytest.approx(1 - entity_f1(gold, found))
    again = f1_difference(gold, gold, found, None, np.random.default_rng(3))
    assert again == f1_difference(gold, gold, found, None, np.random.default_rng(3))


@pytest.mark.parametrize(
    ("gold", "found", "match"),
    [
        ([["O"]], [], "1 sentences, predicted has 0"),
        ([], [], "gold is empty"),
        ([["O", "O"]], [["O"]], "sentence 0: 2 gold tags, 1 predicted"),
    ],
)
def test_unpaired_input(gold, found, match) -> None:
    for score in (entity_report, token_report, entity_f1):
        with pytest.raises(ValueError, match=match):
            score(gold, found)


def test_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="neither gold nor predicted"):
        entity_report([["O"]], [["O"]])
    with pytest.raises(ValueError, match="at least 2 different groups"):
        f1_interval(GOLD, FOUND, ["d"] * 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="groups names 2 sentences"):
        f1_interval(GOLD, FOUND, ["a", "b"], np.random.default_rng(0))


def test_subsets_by_hand() -> None:
    def one(word, tag, ambiguous=False):
        return Sentence((word, "x"), (tag, "O"), ambiguous=ambiguous)

    train = [one("Jordan", "B-PER"), one("Leeds", "B-LOC"), one("Leeds", "B-ORG")]
    test = [
        one("JORDAN", "B-LOC", ambiguous=True),  # seen, other type
        one("Leeds", "B-ORG", ambiguous=True),  # seen, several types
        one("Jordan", "B-PER"),  # seen, this type
        one("Oslo", "B-LOC"),  # unseen
        one("nothing", "O"),
    ]
    found = [["B-PER", "O"], ["B-ORG", "O"], ["B-PER", "O"], ["O", "O"], ["B-LOC", "O"]]
    table = subset_report(test, found, train)
    assert table["support"].to_dict() == {
        "all": 4,
        "seen": 3,
        "seen, this type": 1,
        "seen, several types": 1,
        "seen, other type": 1,
        "unseen": 1,
        "ambiguous sentences": 2,
        "other sentences": 2,
    }
    assert table["recall"].tolist() == [0.5, 2 / 3, 1, 1, 0, 0, 0.5, 0.5]
    assert table.loc["seen", "precision"] == pytest.approx(2 / 3)
    assert table.loc["unseen", "precision"] == 0
    assert table.loc["ambiguous sentences", "f1"] == 0.5
    assert table.loc["seen, other type", ["precision", "f1"]].isna().all()
    tags = [s.tags for s in test]
    assert table.loc["all", "f1"] == pytest.approx(entity_f1(tags, found))
    with pytest.raises(ValueError, match="predicted 1"):
        subset_report(test, found[:1], train)
