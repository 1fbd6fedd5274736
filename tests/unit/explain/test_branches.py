"""Branches of D on a classifier where two words decide together."""

import numpy as np
import pytest

from qglib.explain import (
    branch_controls,
    decision,
    decision_branches,
    decision_graphs,
    head_gate_shapley,
    negation_classifier,
    negation_pairs,
    wire_graph,
)
from qglib.explain.patching import patched_logits


@pytest.fixture(scope="module", params=["linear", "quantum"])
def trained(request, encoder_dir):
    return negation_classifier(request.param, encoder=str(encoder_dir))


@pytest.fixture(scope="module")
def pairs():
    return negation_pairs(24, np.random.default_rng(3))


def target(pair):
    return None, pair.label


def test_learns_an_exclusive_or_it_has_not_seen(trained, pairs):
    right = []
    for pair in pairs:
        this = decision(*trained, pair.clean, target(pair))
        right.append(this.probabilities(this.inputs)[0] > 0.5)
    assert np.mean(right) > 0.9


def test_two_branches_carry_what_pinned_ends_do_not(trained, pairs):
    texts = [(p.clean, p.corrupt) for p in pairs]
    graphs = decision_graphs(*trained, texts, [target(p) for p in pairs])
    found = branch_controls(*trained, pairs, graphs, np.random.default_rng(0))
    count, layers = found.by_layer["stay"].shape
    assert count == len(found.used) >= 10
    assert layers == 7
    two = found.by_layer["two branches"]
    # all start where the branches start, and pinned ends end where they end
    for control in ("stay", "pinned ends"):
        np.testing.assert_allclose(two[:, 0], found.by_layer[control][:, 0], atol=1e-4)
    np.testing.assert_allclose(two[:, -1], found.by_layer["pinned ends"][:, -1])
    # [CLS] is all that is read at the top, and no start lies there
    np.testing.assert_allclose(two[:, -1], 1, atol=1e-3)
    assert found.over("pinned ends", 5).mean() > 0.3
    assert found.over("one branch", 5).mean() > 0
    # recomputed by hand for one pair
    i = found.used[0]
    first, second = (
        decision(*trained, words, target(pairs[i]))
        for words in (pairs[i].clean, pairs[i].corrupt)
    )
    nodes = [(3, path[3]) for path in decision_branches(graphs[i], 2)]
    low, high = patched_logits(first, second, [[], nodes])
    gap = graphs[i].clean_logit - graphs[i].corrupt_logit
    assert two[0, 3] == pytest.approx((high - low) / gap, abs=1e-4)
    words = found.word_alone.sum(1)
    np.testing.assert_allclose(found.interaction, 1 - words)
    with pytest.raises(ValueError, match="at least two pairs"):
        branch_controls(*trained, pairs, graphs, np.random.default_rng(0), least=1e6)


def test_the_circuit_of_the_classifier_is_explained(encoder_dir, pairs):
    model, tokenizer = negation_classifier("quantum", encoder=str(encoder_dir))
    pair = pairs[0]
    wires = wire_graph(model, tokenizer, pair.clean, pair.corrupt, target(pair))
    assert abs(wires.completeness_gap) < 1e-4  # single precision
    this = decision(model, tokenizer, pair.clean, target(pair))
    vector = model.pooled(this.inputs["input_ids"])
    vector = (vector - model.feature_mean) / model.feature_scale
    gates = head_gate_shapley(model.head, vector[0], this.label)
    assert gates.full == pytest.approx(this.logits(this.inputs)[0], abs=1e-5)
    assert abs(gates.completeness_gap) < 1e-6


def test_same_seed_same_weights_and_bad_input(encoder_dir):
    options = {"encoder": str(encoder_dir), "sentences": 20, "epochs": 2}
    one, _ = negation_classifier("linear", seed=4, **options)
    two, _ = negation_classifier("linear", seed=4, **options)
    for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="pool='max'"):
        negation_classifier("linear", pool="max", **options)
    with pytest.raises(ValueError, match="head must be"):
        negation_classifier("tree", **options)
