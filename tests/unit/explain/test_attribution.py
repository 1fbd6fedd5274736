import numpy as np
import pytest
import torch

from bench._reading import at_precision
from qglib import data
from qglib.explain import attribute
from qglib.explain.attribution import METHODS
from qglib.explain.decision import decision
from qglib.models import load_tagger
from qglib.run import REFERENCE

TEXT = ["jordan", "said", "the", "plan"]
RNG = np.random.default_rng


@pytest.mark.parametrize("method", METHODS)
def test_linear_model_has_one_answer(method, bag_of_words, tokenizer):
    """Without interactions each word adds w . (its embedding - the baseline's)."""
    got = attribute(
        (bag_of_words, tokenizer),
        TEXT,
        (None, "B-PER"),
        method,
        rng=RNG(0),
    )
    ids = tokenizer.convert_tokens_to_ids(TEXT)
    table, weight = bag_of_words.table.weight, bag_of_words.head.weight[1]
    expected = (table[ids] - table[tokenizer.mask_token_id]) @ weight
    np.testing.assert_allclose(got.scores, expected.detach(), atol=1e-10)
    assert abs(got.completeness_gap) < 1e-9


@pytest.mark.parametrize(
    ("method", "gap"),
    [("shapley", 1e-6), ("shapley_sampled", 1e-6), ("integrated_gradients", 1e-2)],
)
def test_complete(method, gap, bert, tokenizer):
    got = attribute((bert, tokenizer), TEXT, (0, "B-PER"), method, rng=RNG(0))
    assert abs(got.completeness_gap) < gap


def test_occlusion_is_the_logit_lost(bert, tokenizer):
    got = attribute((bert, tokenizer), TEXT, (1, "B-LOC"), "occlusion")
    without = decision(bert, tokenizer, ["jordan", "said", "[MASK]", "plan"], (1, 2))
    lost = without.logits(without.inputs)[0]
    assert got.scores[2] == pytest.approx(got.full - lost, abs=1e-12)


def test_gradient_x_input_is_the_derivative_towards_the_baseline(bert, tokenizer):
    got = attribute((bert, tokenizer), TEXT, (0, 1), "gradient_x_input")
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
    got = attribute((bert, tokenizer), words, (1, "O"), "shapley")
    assert got.scores.shape == (3,)
    assert abs(got.completeness_gap) < 1e-9


def test_model_is_left_as_it_was(bert, tokenizer):
    bert.train()
    before = [p.grad for p in bert.parameters()]
    attribute((bert, tokenizer), TEXT, (0, 1), "integrated_gradients", steps=3)
    assert bert.training
    assert all(a is b.grad for a, b in zip(before, bert.parameters(), strict=True))
    assert not bert.get_input_embeddings()._forward_hooks


def test_pretrained_tagger_is_complete(encoder_dir):
    from qglib.models import build_tagger

    model, tokenizer = build_tagger(str(encoder_dir), seed=1)
    words = "Jordan scored twice against Lyon .".split()
    total = attribute((model, tokenizer), words, (0, "B-PER"), "shapley")
    # single precision: six words, logits of order one
    assert abs(total.completeness_gap) < 1e-6
    path = attribute((model, tokenizer), words, (0, "B-PER"), "integrated_gradients")
    assert abs(path.completeness_gap) < 1e-2
    assert path.full == pytest.approx(total.full, rel=1e-6)


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
        (TEXT, None, TypeError, "target=None: give"),
        (TEXT, 3, TypeError, "target=3: give"),
        (TEXT, (0, 3), ValueError, "label 3 is not one of the model's: O"),
        (["the"] * 30, (0, "O"), ValueError, "32 sub-words"),
    ],
)
def test_bad_input(words, target, error, message, bert, tokenizer):
    with pytest.raises(error, match=message):
        attribute((bert, tokenizer), words, target, "occlusion")


def test_bad_method_and_players(bert, tokenizer):
    def ask(**settings):
        return attribute((bert, tokenizer), TEXT, (0, "O"), **settings)

    with pytest.raises(ValueError, match="unknown"):
        ask(method="lime")
    with pytest.raises(ValueError, match="rng"):
        ask(method="shapley_sampled")
    with pytest.raises(ValueError, match="background is for other models"):
        ask(method="occlusion", background=[TEXT])
    with pytest.raises(ValueError, match="steps=0"):
        ask(method="integrated_gradients", steps=0)
    with pytest.raises(ValueError, match="shapley_sampled"):
        attribute((bert, tokenizer), ["the"] * 13, (0, "O"), "shapley")


def test_deterministic(bert, tokenizer):
    torch.manual_seed(0)
    a = attribute((bert, tokenizer), TEXT, (0, 1), "shapley_sampled", rng=RNG(5))
    torch.manual_seed(1)
    b = attribute((bert, tokenizer), TEXT, (0, 1), "shapley_sampled", rng=RNG(5))
    np.testing.assert_array_equal(a.scores, b.scores)
    assert a.stderr.shape == (4,)


def test_half_precision_moves_shapley_values_little():
    """The promise of the docstring, on the project's tagger; completeness stays."""
    model, tokenizer = load_tagger(REFERENCE / "02_model_training" / "model")
    words = "Jordan scored twice against Lyon".split()
    full, half = (
        attribute((at_precision(model, p), tokenizer), words, (0, "B-PER"), "shapley")
        for p in ("fp32", "bf16")
    )
    error = np.abs(full.scores - half.scores).max() / np.abs(full.scores).max()
    assert 0 < error < 0.01, "bfloat16 keeps eight bits"
    assert abs(half.completeness_gap) < 1e-6


# ------------------------------------------------------------------ every kind

KINDS = {  # an input, and a stand-in for absent parts
    "text": ("one two three four", None),
    "image": (np.arange(64.0).reshape(8, 8), np.zeros((8, 8))),
    "table": (np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, 0.0])),
    "series": (np.sin(np.arange(64.0)), np.zeros(64)),
}


def linear(kind, x, other):
    """A predict that is linear in what the parts hold, and each part's own effect."""
    n = len(kind.parts(x))
    keep = np.eye(n, dtype=bool)

    def flat(y):
        if isinstance(y, str):
            return np.array([len(w) * (w != "[MASK]") for w in y.split()], float)
        return np.asarray(y, float).ravel()

    weight = np.random.default_rng(3).normal(size=flat(x).size)

    def predict(inputs):
        total = np.array([flat(y) @ weight for y in inputs])
        return np.stack([total, -total], 1)

    nothing = predict([kind.blank(x, np.zeros(n, bool), other)])[0, 1]
    only = [predict([kind.blank(x, row, other)])[0, 1] - nothing for row in keep]
    return predict, np.array(only)


@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("method", ["occlusion", "shapley", "shapley_sampled"])
def test_linear_model_of_every_kind_has_one_answer(name, method):
    kind, (x, other) = data.KINDS[name], KINDS[name]
    predict, expected = linear(kind, x, other)
    background = [] if other is None else [other]
    if method == "shapley" and len(expected) > 12:
        method = "shapley_sampled"
    got = attribute(predict, x, 1, method, kind=name, background=background, rng=RNG(0))
    np.testing.assert_allclose(got.scores, expected, atol=1e-9)
    assert got.parts == tuple(kind.parts(x))


class Columns:
    """The smallest kind: numbers, each a part."""

    @staticmethod
    def parts(x):
        return [f"x{i}" for i in range(len(x))]

    @staticmethod
    def blank(x, keep, background=None):
        return np.where(keep, x, 0.0 if background is None else background)


def test_shapley_of_a_linear_model_is_weight_times_distance_from_the_mean():
    rng = np.random.default_rng(0)
    rows, x, w = rng.normal(size=(20, 5)), rng.normal(size=5), rng.normal(size=5)

    def predict(inputs):
        return np.array(inputs) @ w

    got = attribute(predict, x, None, "shapley", kind=Columns, background=rows)
    np.testing.assert_allclose(got.scores, w * (x - rows.mean(0)), atol=1e-12)
    assert got.full == pytest.approx(w @ x)
    assert got.empty == pytest.approx((rows @ w).mean())


def test_other_models_need_a_kind_and_a_way_to_ask():
    x = np.ones(3)
    with pytest.raises(ValueError, match="kind='cube'"):
        attribute(lambda rows: np.zeros(len(rows)), x, 0, "occlusion", kind="cube")
    with pytest.raises(TypeError, match="model of type int"):
        attribute(3, x, 0, "occlusion", kind=Columns)
    with pytest.raises(ValueError, match="2 columns"):
        attribute(lambda r: np.zeros((len(r), 2)), x, 2, "occlusion", kind=Columns)
    with pytest.raises(ValueError, match="follows gradients"):
        attribute(
            lambda r: np.zeros(len(r)), x, 0, "integrated_gradients", kind=Columns
        )
