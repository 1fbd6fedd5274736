import numpy as np
import pytest

from qglib.explain import attribute, faithfulness
from qglib.explain.decision import decision

TEXT = ["jordan", "said", "the", "plan", "in", "paris"]
TARGET = (None, "B-PER")


def test_curves_start_and_end_where_they_must(bag_of_words, tokenizer):
    got = faithfulness((bag_of_words, tokenizer), TEXT, TARGET, np.arange(6.0))
    this = decision(bag_of_words, tokenizer, TEXT, TARGET)
    full = this.logits(this.inputs, probability=True)[0]
    assert got.deletion[0] == got.insertion[-1] == pytest.approx(full)
    assert got.deletion[-1] == pytest.approx(got.insertion[0])
    np.testing.assert_allclose(got.fraction, np.arange(7) / 6)


def test_true_order_beats_its_reverse(bag_of_words, tokenizer):
    scores = attribute((bag_of_words, tokenizer), TEXT, TARGET, "occlusion").scores
    best = faithfulness((bag_of_words, tokenizer), TEXT, TARGET, scores)
    worst = faithfulness((bag_of_words, tokenizer), TEXT, TARGET, -scores)
    assert best.gain > 0 > worst.gain
    area = np.trapezoid(best.insertion, best.fraction)
    assert best.gain == pytest.approx(area - np.trapezoid(best.deletion, best.fraction))
    # Deleting in one order is inserting in the reverse one, read backwards.
    np.testing.assert_allclose(best.deletion, worst.insertion[::-1])


def test_order_and_its_reverse_cancel(bert, tokenizer):
    """So a random order has gain 0 on average."""
    scores = np.random.default_rng(0).normal(size=6)
    one = faithfulness((bert, tokenizer), TEXT, (0, "B-PER"), scores)
    two = faithfulness((bert, tokenizer), TEXT, (0, "B-PER"), -scores)
    assert one.gain == pytest.approx(-two.gain, abs=1e-12)


def test_scores_must_fit(bert, tokenizer):
    with pytest.raises(ValueError, match="for 6 parts"):
        faithfulness((bert, tokenizer), TEXT, (0, "O"), np.ones(5))
    with pytest.raises(ValueError, match="finite"):
        faithfulness((bert, tokenizer), TEXT, (0, "O"), np.full(6, np.nan))


class Columns:
    """Numbers, each a part; absent ones are zero."""

    @staticmethod
    def parts(x):
        return [f"x{i}" for i in range(len(x))]

    @staticmethod
    def blank(x, keep, background=None):
        return np.where(keep, x, 0.0)


def test_any_function_from_inputs_to_probabilities():
    """A sigmoid of w . x: Shapley order gains, its reverse loses as much."""
    rng = np.random.default_rng(0)
    w, rows = rng.normal(size=6), rng.normal(size=(12, 6))

    def predict(inputs):
        return 1 / (1 + np.exp(-np.array(inputs) @ w))

    for x in rows:
        scores = attribute(predict, x, None, "shapley", kind=Columns).scores
        one, two, other = (
            faithfulness(predict, x, None, s, kind=Columns).gain
            for s in (scores, -scores, rng.normal(size=6))
        )
        assert one == pytest.approx(-two)
        assert one >= other
