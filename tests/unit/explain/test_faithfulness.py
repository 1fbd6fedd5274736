import numpy as np
import pytest
import torch

from qglib.explain import (
    attributions,
    decision,
    faithfulness_curve,
    input_only_scores,
    randomised,
    rank_agreement,
)

TEXT = ["jordan", "said", "the", "plan", "in", "paris"]
TARGET = (None, "B-PER")


def test_curves_start_and_end_where_they_must(bag_of_words, tokenizer):
    got = faithfulness_curve(bag_of_words, tokenizer, TEXT, TARGET, np.arange(6.0))
    this = decision(bag_of_words, tokenizer, TEXT, TARGET)
    full = this.probabilities(this.inputs)[0]
    assert got.deletion[0] == got.insertion[-1] == pytest.approx(full)
    assert got.deletion[-1] == pytest.approx(got.insertion[0])
    np.testing.assert_allclose(got.fraction, np.arange(7) / 6)


def test_true_order_beats_its_reverse(bag_of_words, tokenizer):
    scores = attributions(
        bag_of_words, tokenizer, TEXT, TARGET, "occlusion", baseline="unk"
    ).scores
    best = faithfulness_curve(bag_of_words, tokenizer, TEXT, TARGET, scores)
    worst = faithfulness_curve(bag_of_words, tokenizer, TEXT, TARGET, -scores)
    assert best.gain > 0 > worst.gain
    assert best.comprehensiveness > worst.comprehensiveness
    assert best.sufficiency < worst.sufficiency
    # Deleting in one order is inserting in the reverse one, read backwards.
    np.testing.assert_allclose(best.deletion, worst.insertion[::-1])


def test_order_and_its_reverse_cancel(bert, tokenizer):
    """So a random order has gain 0 on average."""
    scores = np.random.default_rng(0).normal(size=6)
    one = faithfulness_curve(bert, tokenizer, TEXT, (0, "B-PER"), scores)
    two = faithfulness_curve(bert, tokenizer, TEXT, (0, "B-PER"), -scores)
    assert one.gain == pytest.approx(-two.gain, abs=1e-12)


def test_scores_must_fit(bert, tokenizer):
    with pytest.raises(ValueError, match="for 6 words"):
        faithfulness_curve(bert, tokenizer, TEXT, (0, "O"), np.ones(5))
    with pytest.raises(ValueError, match="finite"):
        faithfulness_curve(bert, tokenizer, TEXT, (0, "O"), np.full(6, np.nan))


def test_input_only_scores(bag_of_words, tokenizer):
    this = decision(bag_of_words, tokenizer, TEXT, TARGET)
    got = input_only_scores(this)
    table = bag_of_words.table.weight.detach()
    ids = tokenizer.convert_tokens_to_ids(TEXT)
    expected = (table[ids] - table[tokenizer.mask_token_id]).norm(dim=1)
    np.testing.assert_allclose(got, expected)


@pytest.mark.parametrize("part", ["encoder", "head", "both"])
def test_randomised_changes_its_part_only(part, bert):
    before = {name: p.detach().clone() for name, p in bert.named_parameters()}
    other = randomised(bert, part, torch.Generator().manual_seed(0))
    for name, parameter in other.named_parameters():
        assert torch.equal(before[name], bert.get_parameter(name))
        in_layers, in_head = "encoder.layer" in name, name.startswith("classifier")
        drawn = (in_layers and part != "head") or (in_head and part != "encoder")
        drawn = drawn and "LayerNorm" not in name
        changed = not torch.equal(parameter, before[name])
        if parameter.ndim > 1:
            assert changed == drawn, name
        elif drawn:
            assert not parameter.any(), name
        else:
            assert not changed, name


def test_randomised_is_repeatable(bert):
    pair = [
        randomised(bert, "both", torch.Generator().manual_seed(4)) for _ in range(2)
    ]
    for a, b in zip(pair[0].parameters(), pair[1].parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="unknown"):
        randomised(bert, "tail", torch.Generator())


def test_rank_agreement():
    scores = np.array([1.0, -5.0, 2.0])
    assert rank_agreement(scores, -10 * scores) == pytest.approx(1)
    assert rank_agreement(scores, 1 / scores) == pytest.approx(-1)
    assert rank_agreement(scores, np.ones(3)) == 0
