import numpy as np
import pytest
import torch

from qglib.causal.reading import at_precision
from qglib.explain import METHODS, attributions, decision
from qglib.models import load_tagger
from qglib.reference import REFERENCE

TEXT = ["jordan", "said", "the", "plan"]
RNG = np.random.default_rng


@pytest.mark.parametrize("method", METHODS)
def test_linear_model_has_one_answer(method, bag_of_words, tokenizer):
    """Without interactions each word adds w . (its embedding - the baseline's)."""
    blank = [tokenizer.mask_token] * len(TEXT)
    got = attributions(
        bag_of_words,
        tokenizer,
        TEXT,
        (None, "B-PER"),
        method,
        background=[blank],
        rng=RNG(0),
    )
    ids = tokenizer.convert_tokens_to_ids(TEXT)
    table, weight = bag_of_words.table.weight, bag_of_words.head.weight[1]
    expected = (table[ids] - table[tokenizer.mask_token_id]) @ weight
    np.testing.assert_allclose(got.scores, expected.detach(), atol=1e-10)
    assert abs(got.completeness_gap) < 1e-7  # quadrature nodes of single precision


@pytest.mark.parametrize(
    ("method", "gap"),
    [("shapley", 1e-6), ("shapley_sampled", 1e-6), ("integrated_gradients", 1e-2)],
)
@pytest.mark.parametrize("baseline", ["mask", "pad", "unk"])
def test_complete(method, gap, baseline, bert, tokenizer):
    got = attributions(
        bert, tokenizer, TEXT, (0, "B-PER"), method, baseline=baseline, rng=RNG(0)
    )
    assert abs(got.completeness_gap) < gap


def test_occlusion_is_the_logit_lost(bert, tokenizer):
    got = attributions(bert, tokenizer, TEXT, (1, "B-LOC"), "occlusion")
    without = decision(bert, tokenizer, ["jordan", "said", "[MASK]", "plan"], (1, 2))
    lost = without.logits(without.inputs)[0]
    assert got.scores[2] == pytest.approx(got.logit - lost, abs=1e-12)


def test_gradient_x_input_is_the_derivative_towards_the_baseline(bert, tokenizer):
    got = attributions(bert, tokenizer, TEXT, (0, 1), "gradient_x_input")
    this = decision(bert, tokenizer, TEXT, (0, 1))
    table = bert.get_input_embeddings()
    end = table(this.inputs["input_ids"]).detach()
    start = end.clone()
    start[0, 1:-1] = table.weight[tokenizer.mask_token_id].detach()
    step = 1e-5
    values = [
        bert(inputs_embeds=end + h * (end - start)).logits[0, 1, 1].item()
        for h in (step, -step)
    ]
    slope = (values[0] - values[1]) / (2 * step)
    assert got.scores.sum() == pytest.approx(slope, rel=1e-5)


def test_sub_words_belong_to_their_word(bert, tokenizer):
    words = ["planner", "said", "jordan"]
    this = decision(bert, tokenizer, words, (1, "O"))
    assert this.tokens == ("[CLS]", "plan", "##ner", "said", "jordan", "[SEP]")
    assert this.position == 3
    blank = this.without_words(np.array([[False, True, True]]))["input_ids"][0]
    assert blank[1:3].tolist() == [tokenizer.mask_token_id] * 2
    got = attributions(bert, tokenizer, words, (1, "O"), "shapley")
    assert got.scores.shape == (3,)
    assert abs(got.completeness_gap) < 1e-9


def test_groups_share_their_value(bert, tokenizer):
    groups = [[0], [1, 2], [3]]
    got = attributions(bert, tokenizer, TEXT, (0, 1), "shapley", players=groups)
    assert got.scores[1] == got.scores[2]
    assert abs(got.completeness_gap) < 1e-9
    with pytest.raises(ValueError, match="exactly once"):
        attributions(bert, tokenizer, TEXT, (0, 1), "shapley", players=[[0, 1]])


def test_model_is_left_as_it_was(bert, tokenizer):
    bert.train()
    before = [p.grad for p in bert.parameters()]
    attributions(bert, tokenizer, TEXT, (0, 1), "integrated_gradients", steps=3)
    assert bert.training
    assert all(a is b.grad for a, b in zip(before, bert.parameters(), strict=True))
    assert not bert.get_input_embeddings()._forward_hooks


def test_pretrained_tagger_is_complete(encoder_dir):
    from qglib.models import build_tagger

    model, tokenizer = build_tagger(str(encoder_dir), seed=1)
    words = "Jordan scored twice against Lyon .".split()
    total = attributions(model, tokenizer, words, (0, "B-PER"), "shapley")
    # single precision: six words, logits of order one
    assert abs(total.completeness_gap) < 1e-6
    path = attributions(model, tokenizer, words, (0, "B-PER"), "integrated_gradients")
    assert abs(path.completeness_gap) < 1e-2
    assert path.logit == total.logit


@pytest.mark.parametrize(
    ("words", "target", "error", "message"),
    [
        (TEXT, (4, "O"), IndexError, "beyond the sentence of 4 words"),
        (TEXT, (-1, "O"), IndexError, "beyond"),
        ([], (0, "O"), ValueError, "no text"),
        (["", " "], (0, "O"), ValueError, "no text"),
        ("jordan said", (0, "O"), ValueError, "one string"),
        (["jordan", " "], (0, "O"), ValueError, "no sub-word"),
        (TEXT, (0, "B-ORG"), ValueError, "not one of the model's: O, B-PER"),
        (TEXT, (0, 3), ValueError, "outside 0 to 2"),
        (["the"] * 30, (0, "O"), ValueError, "32 sub-words"),
    ],
)
def test_bad_input(words, target, error, message, bert, tokenizer):
    with pytest.raises(error, match=message):
        attributions(bert, tokenizer, words, target, "occlusion")


def test_bad_method_baseline_and_players(bert, tokenizer):
    def ask(**settings):
        return attributions(bert, tokenizer, TEXT, (0, "O"), **settings)

    with pytest.raises(ValueError, match="unknown"):
        ask(method="lime")
    with pytest.raises(ValueError, match="baseline='zero'"):
        ask(method="occlusion", baseline="zero")
    with pytest.raises(ValueError, match="rng"):
        ask(method="shapley_sampled")
    with pytest.raises(ValueError, match="steps=0"):
        ask(method="integrated_gradients", steps=0)
    with pytest.raises(ValueError, match="shapley_sampled"):
        attributions(bert, tokenizer, ["the"] * 13, (0, "O"), "shapley")


def test_deterministic(bert, tokenizer):
    torch.manual_seed(0)
    a = attributions(bert, tokenizer, TEXT, (0, 1), "shapley_sampled", rng=RNG(5))
    torch.manual_seed(1)
    b = attributions(bert, tokenizer, TEXT, (0, 1), "shapley_sampled", rng=RNG(5))
    np.testing.assert_array_equal(a.scores, b.scores)
    assert a.stderr.shape == (4,)


def test_half_precision_moves_shapley_values_little():
    """The promise of the docstring, on the project's tagger; completeness stays."""
    model, tokenizer = load_tagger(REFERENCE / "02_model_training" / "model")
    words = "Jordan scored twice against Lyon".split()
    full, half = (
        attributions(at_precision(model, p), tokenizer, words, (0, "B-PER"), "shapley")
        for p in ("fp32", "bf16")
    )
    error = np.abs(full.scores - half.scores).max() / np.abs(full.scores).max()
    assert 0 < error < 0.01, "bfloat16 keeps eight bits"
    assert abs(half.completeness_gap) < 1e-6
