import numpy as np
import pytest

from qglib.explain import attribute, faithfulness, faithfulness_curve
from qglib.explain.decision import decision

TEXT = ["jordan", "said", "the", "plan", "in", "paris"]
TARGET = (None, "B-PER")


def test_curves_start_and_end_where_they_must(bag_of_words, tokenizer):
    got = faithfulness_curve((bag_of_words, tokenizer), TEXT, TARGET, np.arange(6.0))
    this = decision(bag_of_words, tokenizer, TEXT, TARGET)
    full = this.logits(this.inputs, probability=True)[0]
    assert got.deletion[0] == got.insertion[-1] == pytest.approx(full)
    assert got.deletion[-1] == pytest.approx(got.insertion[0])
    np.testing.assert_allclose(got.fraction, np.arange(7) / 6)


def test_true_order_beats_its_reverse(bag_of_words, tokenizer):
    scores = attribute(
        (bag_of_words, tokenizer), TEXT, TARGET, "occlusion", baseline="unk"
    ).scores
    best = faithfulness_curve((bag_of_words, tokenizer), TEXT, TARGET, scores)
    worst = faithfulness_curve((bag_of_words, tokenizer), TEXT, TARGET, -scores)
    assert best.gain > 0 > worst.gain
    assert best.comprehensiveness > worst.comprehensiveness
    assert best.sufficiency < worst.sufficiency
    # Deleting in one order is inserting in the reverse one, read backwards.
    np.testing.assert_allclose(best.deletion, worst.insertion[::-1])


def test_order_and_its_reverse_cancel(bert, tokenizer):
    """So a random order has gain 0 on average."""
    scores = np.random.default_rng(0).normal(size=6)
    one = faithfulness_curve((bert, tokenizer), TEXT, (0, "B-PER"), scores)
    two = faithfulness_curve((bert, tokenizer), TEXT, (0, "B-PER"), -scores)
    assert one.gain == pytest.approx(-two.gain, abs=1e-12)


def test_scores_must_fit(bert, tokenizer):
    with pytest.raises(ValueError, match="for 6 parts"):
        faithfulness_curve((bert, tokenizer), TEXT, (0, "O"), np.ones(5))
    with pytest.raises(ValueError, match="finite"):
        faithfulness_curve((bert, tokenizer), TEXT, (0, "O"), np.full(6, np.nan))


class Columns:
    """Numbers, each a part; absent ones are zero."""

    @staticmethod
    def parts(x):
        return [f"x{i}" for i in range(len(x))]

    @staticmethod
    def blank(x, keep, background=None):
        return np.where(keep, x, 0.0)


def test_the_verb_puts_explanations_beside_controls():
    """A sigmoid of w . x: Shapley order is the best one, its reverse the worst."""
    rng = np.random.default_rng(0)
    w, rows = rng.normal(size=6), rng.normal(size=(12, 6))

    def predict(inputs):
        return 1 / (1 + np.exp(-np.array(inputs) @ w))

    explained = [attribute(predict, x, None, "shapley", kind=Columns) for x in rows]
    reverse = {"reverse": [-a.scores for a in explained]}
    table = faithfulness(predict, rows, explained, rng, controls=reverse, kind=Columns)
    assert list(table.index) == [
        "explanation",
        "reverse",
        "random",
        "minus reverse",
        "minus random",
    ]
    assert table["low"]["minus random"] > 0
    mean = table["mean"]
    assert mean["explanation"] == pytest.approx(-mean["reverse"])
    with pytest.raises(ValueError, match="give one each"):
        faithfulness(predict, rows[:3], explained, rng, kind=Columns)


def test_nearness_is_a_control_where_there_is_a_word(bert, tokenizer):
    pair = bert, tokenizer
    one = attribute(pair, TEXT, (2, "B-PER"), "occlusion")
    table = faithfulness(pair, [TEXT] * 2, [one] * 2, np.random.default_rng(0))
    near = faithfulness_curve(pair, TEXT, (2, "B-PER"), [-2, -1, 0, -1, -2, -3])
    assert table["mean"]["nearness"] == pytest.approx(near.gain)
