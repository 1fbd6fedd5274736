"""The student, the rankings it is shown, and the rules that rank edges."""

import numpy as np
import pytest

from qglib.explain import (
    attribution_network,
    attributions,
    decision,
    decision_graph,
    removal_changes,
    shown_words,
    start_shares,
    student_agreement,
    student_trial,
    word_rankings,
)
from qglib.explain.blank_graphs import blank_graphs
from qglib.explain.edge_removal import removed_logits
from qglib.explain.planted_pairs import PlantedPair

CLEAN = ("jordan", "said", "the", "plan")
CORRUPT = ("paris", "scored", "the", "plan")


def test_what_is_shown():
    case = (("Mr", "Hill", "spoke"), 1, "B-PER")
    assert shown_words(case, np.array([0.5, 0.1, 0.9]), 2) == {
        "mr": 1, "mr|left": 1, "ending mr|left": 1,
        "spoke": 1, "spoke|right": 1, "ending ke|right": 1,
    }  # fmt: skip
    assert "hill|name" in shown_words(case, np.array([0.0, 1.0, 0.0]), 1)
    with pytest.raises(ValueError, match="k=0"):
        shown_words(case, np.zeros(3), 0)


def test_a_student_needs_the_word_that_decides():
    """One word of six decides: shown, the student is right; hidden, it guesses."""
    rng = np.random.default_rng(0)

    def cases(n):
        found, scores = [], []
        for _ in range(n):
            words = [str(w) for w in rng.choice(list("uvwxyz"), 6)]
            place = int(rng.integers(1, 6))
            words[place] = str(rng.choice(["yes", "no"]))
            found.append((tuple(words), 0, words[place]))
            scores.append(np.arange(6) == place)
        return found, scores

    (train, learned), (test, asked) = cases(200), cases(200)
    assert student_agreement(train, test, learned, asked, 1).mean() == 1
    rng = np.random.default_rng(1)
    said = student_trial(train, test, {"all": learned}, {"all": asked}, 1, rng, 2)
    assert said["all"].mean() == 1
    assert said["random"].shape == (200,)
    assert said["random"].mean() < 0.75  # the word is shown in one of six
    with pytest.raises(ValueError, match="draws=0"):
        student_trial(train, test, {}, {}, 1, rng, 0)
    blind = [[~s for s in part] for part in (learned, asked)]
    guess = student_agreement(train, test, *blind, 5).mean()
    assert 0.35 < guess < 0.65
    with pytest.raises(ValueError, match="fewer than two decisions"):
        student_agreement(train[:1], test, learned[:1], asked, 1)


def test_rankings_are_those_of_their_methods(bert, tokenizer):
    case = (CLEAN, 2, "B-PER")
    got = word_rankings(bert, tokenizer, [case, case])
    (graph,) = blank_graphs(bert, tokenizer, [CLEAN], [(2, "B-PER")])
    this = decision(bert, tokenizer, CLEAN, (2, "B-PER"))
    np.testing.assert_allclose(
        got["D"][0], start_shares(graph, this.word_of, 4), atol=1e-12
    )
    # one sub-word for each word: the row of the target without [CLS] and [SEP]
    np.testing.assert_allclose(got["attention"][1], graph.attention[-1, 3, 1:5])
    np.testing.assert_allclose(got["nearness"][0], [1 / 3, 1 / 2, 1, 1 / 2])
    lost = attributions(bert, tokenizer, CLEAN, (2, "B-PER"), "occlusion").scores
    np.testing.assert_allclose(got["occlusion"][0], np.abs(lost))
    with pytest.raises(ValueError, match="lime"):
        word_rankings(bert, tokenizer, [case], ["D", "lime"])


def test_all_edges_are_the_same_edges(bert, tokenizer):
    """With every candidate removed no rule differs; one edge is removed by hand."""
    pair = PlantedPair(CLEAN, CORRUPT, (2, "B-PER"), "O", (0, 1), ())
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, pair.target)
    got = removal_changes(
        bert, tokenizer, [pair], [graph], np.random.default_rng(0), ks=(1, 10**6),
        most=20, random_draws=3,
    )  # fmt: skip
    assert set(got) == {
        "betweenness", "flow", "curvature_even", "curvature_lazy",
        "curvature_flow", "curvature_lazy_flow", "random",
    }  # fmt: skip
    every = [values[0, 1] for values in got.values()]
    np.testing.assert_allclose(every, every[0], atol=1e-12)
    network = attribution_network(graph, 20)
    inner = [
        (data["flow"], a, b)
        for a, b, data in network.edges(data=True)
        if b != "label" and a[1] != b[1]
    ]
    _, a, b = max(inner)
    this = decision(bert, tokenizer, CLEAN, pair.target)
    full, less = removed_logits(this, [[], [(a[0], b[1], a[1])]])
    share = abs(less - full) / abs(graph.clean_logit - graph.corrupt_logit)
    assert got["flow"][0, 0] == pytest.approx(share, abs=1e-12)
    with pytest.raises(ValueError, match="at least one edge"):
        removal_changes(
            bert, tokenizer, [pair], [graph], np.random.default_rng(0), ks=(0,)
        )
