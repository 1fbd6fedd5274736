"""Agreement of interventions and D against closed cases, and searches by patching."""

import numpy as np
import pytest

from qglib.explain import decision, decision_graph, decision_path, visit_probability
from qglib.explain.blank_graphs import blank_graphs
from qglib.explain.decision_path import decision_branches
from qglib.explain.intervention_agreement import (
    deletion_effects,
    path_agreement,
    start_shares,
)
from qglib.explain.path_search import lost_logits, searched_path
from qglib.explain.planted_negation import NEUTRAL, negation_pairs

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]
TARGET = (2, "B-PER")


def test_perfect_and_opposite_agreement():
    rng = np.random.default_rng(0)
    effects = [rng.random(9) for _ in range(20)]
    same = path_agreement(effects, effects, [0] * 20, rng, 199)
    assert same.score == pytest.approx(1)
    assert same.p_value == pytest.approx(1 / 200)
    assert abs(same.null_mean) < 0.05
    other = path_agreement(effects, [1 - e for e in effects], [0] * 20, rng, 199)
    assert other.score == pytest.approx(-1)
    assert other.p_value == 1
    with pytest.raises(ValueError, match="no sentence"):
        path_agreement([np.ones(3)], [np.ones(3)], [0], rng)
    with pytest.raises(ValueError, match="permutations=0"):
        path_agreement(effects, effects, [0] * 20, rng, 0)


def test_effects_of_deletion(bert, tokenizer):
    effects = deletion_effects(bert, tokenizer, CLEAN, TARGET)
    assert effects[2] == 0
    this = decision(bert, tokenizer, CLEAN, TARGET)
    other = decision(bert, tokenizer, CLEAN[1:], (1, "B-PER"))
    want = this.probabilities(this.inputs)[0] - other.probabilities(other.inputs)[0]
    assert effects[0] == pytest.approx(want, abs=1e-12)


def test_effects_in_batches_are_those_one_by_one(bert, tokenizer):
    """ "planner" has two sub-words, so its deletion stands in a batch of its own."""
    words, at = ["jordan", "planner", "scored", "said", "in"], 2
    this = decision(bert, tokenizer, words, (at, "B-LOC"))
    base = this.probabilities(this.inputs)[0]
    want = np.zeros(5)
    for place in (0, 1, 3, 4):
        left = words[:place] + words[place + 1 :]
        one = decision(bert, tokenizer, left, (at - (place < at), "B-LOC"))
        want[place] = base - one.probabilities(one.inputs)[0]
    got = deletion_effects(bert, tokenizer, words, (at, "B-LOC"))
    np.testing.assert_allclose(got, want, atol=1e-12)
    assert len(np.unique(want.round(9))) == 5


def test_blank_graph_explains_what_attributions_explain(bert, tokenizer):
    (graph,) = blank_graphs(bert, tokenizer, [CLEAN], [TARGET])
    this = decision(bert, tokenizer, CLEAN, TARGET)
    empty = this.without_words(np.zeros((1, 4), dtype=bool))
    assert graph.corrupt_logit == pytest.approx(this.logits(empty)[0], abs=1e-12)
    assert set(graph.corrupt_tokens[1:-1]) == {"[MASK]"}
    shares = start_shares(graph, this.word_of, 4)
    assert shares.sum() == pytest.approx(visit_probability(graph)[0, 1:-1].sum())


def test_search_takes_the_path_that_loses_most(bert, tokenizer):
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    path = searched_path(bert, tokenizer, CLEAN, CORRUPT, graph, k=10)
    first = decision_path(graph).positions
    assert (path[-1], len(path)) == (first[-1], len(first))
    lost = lost_logits(bert, tokenizer, CLEAN, CORRUPT, [path, first], TARGET)
    assert lost[0, 1:-1].mean() >= lost[1, 1:-1].mean() - 1e-12
    assert lost[0, -1] == pytest.approx(1)  # the head reads this node alone
    with pytest.raises(ValueError, match="k=0"):
        searched_path(bert, tokenizer, CLEAN, CORRUPT, graph, k=0)


def test_branches_start_where_most_histories_do(bert, tokenizer):
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    two = decision_branches(graph, 2)
    mass = visit_probability(graph)[0]
    assert [p[0] for p in two] == np.argsort(-mass, kind="stable")[:2].tolist()
    assert decision_path(graph).positions in decision_branches(graph, 6)
    with pytest.raises(ValueError, match="count=0"):
        decision_branches(graph, 0)


def test_negation_is_an_exclusive_or():
    pairs = negation_pairs(200, np.random.default_rng(0))
    table = {}
    for pair in pairs:
        differ = {
            i
            for i, (a, b) in enumerate(zip(pair.clean, pair.corrupt, strict=True))
            if a != b
        }
        assert differ == {*pair.cause, *pair.bait}
        assert pair.corrupt[3:5] == NEUTRAL
        negated = pair.clean[3] in ("not", "never")
        good = pair.clean[4] in "great good nice fine fun happy".split()
        table.setdefault((negated, good), set()).add(pair.label)
    assert table == {
        (False, True): {"good"},
        (False, False): {"bad"},
        (True, True): {"bad"},
        (True, False): {"good"},
    }
    only = negation_pairs(20, np.random.default_rng(0), negated=True)
    assert all(p.clean[3] in ("not", "never") for p in only)
    with pytest.raises(ValueError, match="n=0"):
        negation_pairs(0, np.random.default_rng(0))
