"""Background Shapley values; integrated gradients by Captum are complete."""

import numpy as np
import pytest

from qglib.explain import attributions, decision
from qglib.explain.background import background_shapley

CLEAN = ["jordan", "said", "the", "plan"]
OTHERS = [["paris", "scored", "in", "plan"], ["said", "the", "the", "jordan"]]
TARGET = (2, "B-PER")


def logit(model, tokenizer, words):
    this = decision(model, tokenizer, words, TARGET)
    return this.logits(this.inputs)[0]


def test_complete_and_against_the_mean_background(bert, tokenizer):
    found = background_shapley(bert, tokenizer, CLEAN, TARGET, OTHERS)
    assert abs(found.completeness_gap) < 1e-6
    assert found.logit == pytest.approx(logit(bert, tokenizer, CLEAN))
    mean = np.mean([logit(bert, tokenizer, w) for w in OTHERS])
    assert found.baseline_logit == pytest.approx(mean)
    # Shapley values are linear in the game: the mean over single backgrounds
    each = [background_shapley(bert, tokenizer, CLEAN, TARGET, [w]) for w in OTHERS]
    np.testing.assert_allclose(
        found.scores, np.mean([e.scores for e in each], 0), atol=1e-9
    )


def test_a_word_that_never_changes_gets_nothing(bert, tokenizer):
    found = background_shapley(bert, tokenizer, CLEAN, TARGET, OTHERS[:1])
    assert found.scores[3] == pytest.approx(0, abs=1e-12)


def test_sampled_comes_with_an_error_bar(bert, tokenizer):
    exact = background_shapley(bert, tokenizer, CLEAN, TARGET, OTHERS)
    found = background_shapley(
        bert,
        tokenizer,
        CLEAN,
        TARGET,
        OTHERS,
        permutations=60,
        rng=np.random.default_rng(0),
    )
    assert abs(found.completeness_gap) < 1e-6
    assert (abs(found.scores - exact.scores) <= 5 * found.stderr + 1e-9).all()


def test_the_one_interface_asks_for_it(bert, tokenizer):
    exact = background_shapley(bert, tokenizer, CLEAN, TARGET, OTHERS)
    method = "background_shapley"
    found = attributions(bert, tokenizer, CLEAN, TARGET, method, background=OTHERS)
    np.testing.assert_array_equal(found.scores, exact.scores)
    assert found.stderr is None
    with pytest.raises(ValueError, match="background is empty"):
        attributions(bert, tokenizer, CLEAN, TARGET, method)
    long, others = ["said", *["the"] * 12], [["plan", *["in"] * 12]]
    options = {"background": others, "permutations": 40}
    with pytest.raises(ValueError, match="error bar"):
        attributions(bert, tokenizer, long, (0, "B-PER"), method, **options)
    options["rng"] = np.random.default_rng(0)
    found = attributions(bert, tokenizer, long, (0, "B-PER"), method, **options)
    assert found.stderr.shape == (13,)
    assert abs(found.completeness_gap) < 1e-6


def test_captum_is_complete(bert, two_layer_reader, tokenizer):
    for model in (bert, two_layer_reader):
        found = attributions(model, tokenizer, CLEAN, TARGET, steps=50)
        assert abs(found.completeness_gap) < 1e-2


def test_bad_backgrounds(bert, tokenizer):
    with pytest.raises(ValueError, match="empty"):
        background_shapley(bert, tokenizer, CLEAN, TARGET, [])
    with pytest.raises(ValueError, match="sub-words"):
        background_shapley(
            bert, tokenizer, CLEAN, TARGET, [["paris", "in", "the", "planner"]]
        )
    with pytest.raises(ValueError, match="rng"):
        background_shapley(bert, tokenizer, CLEAN, TARGET, OTHERS, permutations=8)
    many = ["said"] * 13
    with pytest.raises(ValueError, match="error bar"):
        background_shapley(bert, tokenizer, many, TARGET, [many])
