from __future__ import annotations

import math

import numpy as np
import pytest

from qglib.causal.naturalness import (
    CausalLanguageModel,
    NgramModel,
    naturalness,
    order_sense,
)
from qglib.causal.order_search import minimal_order_change
from qglib.data import load_corpus

LINES = [s.split() for s in ("the cat sat", "the dog sat", "the cat ran", "a dog ran")]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("min_count", [1, 2])
def test_probabilities_sum_to_one(order: int, min_count: int) -> None:
    model = NgramModel(LINES, order=order, min_count=min_count)
    for context in ((), ("the",), ("a", "dog"), ("unseen", "cat"), ("\x02", "\x02")):
        total = sum(model.probability(w, context) for w in model.vocabulary)
        assert total == pytest.approx(1, abs=1e-12)


def test_bigram_is_that_of_kneser_and_ney() -> None:
    """By hand: continuation counts below, one discount, uniform at the bottom."""
    model = NgramModel(LINES, order=2, discount=0.5, min_count=1)
    # bigrams of kinds: <s> the, <s> a, the cat, the dog, a dog, cat sat, cat ran,
    # dog sat, dog ran, sat </s>, ran </s>: 11 kinds, 'cat' ends 1 of them
    size = len(model.vocabulary)  # the a cat dog sat ran, end, unknown
    assert size == 8
    kinds = 7  # different last words
    unigram = (1 - 0.5) / 11 + 0.5 * kinds / 11 / size
    assert model.probability("cat") == pytest.approx(unigram)
    # 'the' is followed by cat twice and dog once: 3 times, 2 kinds
    expected = (2 - 0.5) / 3 + 0.5 * 2 / 3 * unigram
    assert model.probability("cat", ["the"]) == pytest.approx(expected)
    assert model.probability("CAT", ["The"]) == pytest.approx(expected)


def test_sentence_is_the_product_of_its_words() -> None:
    model = NgramModel(LINES, order=2, min_count=1)
    steps = [("the", "\x02"), ("cat", "the"), ("\x03", "cat")]
    product = sum(math.log(model.probability(w, [c])) for w, c in steps)
    assert model.log_probability(["the", "cat"]) == pytest.approx(product)
    assert naturalness(model, ["the", "cat", "sat"], ["sat", "the", "cat"]) < 0
    assert naturalness(model, ["the", "cat"], ["the", "cat"]) == 0


def test_order_sense_on_held_out_sentences() -> None:
    corpus = load_corpus("newswire")
    held_out = [s.words for s in corpus.test]
    model = NgramModel([s.words for s in corpus.train])
    share, n = order_sense(model, held_out, np.random.default_rng(0))
    assert n > 200 and share > 0.5 + 5 * np.sqrt(0.25 / n)  # far above chance
    blind = NgramModel([s.words for s in corpus.train], order=1)
    share, n = order_sense(blind, held_out, np.random.default_rng(0))
    assert abs(share - 0.5) < 0.1  # words alone know no order (up to rounding)


def test_causal_language_model_from_a_folder(tmp_path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["<s>", "the", "cat", "sat", "dog"]
    inner = Tokenizer(models.WordLevel({w: k for k, w in enumerate(words)}, "<s>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", unk_token="<s>"
    ).save_pretrained(tmp_path)
    shape = {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 16}
    config = GPT2Config(vocab_size=5, bos_token_id=0, eos_token_id=0, **shape)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    model = CausalLanguageModel(tmp_path)
    # the four one-word texts and <s> share the probability
    total = sum(math.exp(model.log_probability([w])) for w in words[1:])
    assert 0 < total < 1
    two = model.log_probability(["the", "cat"])
    assert two < model.log_probability(["the"])
    with pytest.raises(FileNotFoundError, match="save_pretrained"):
        CausalLanguageModel(tmp_path / "none")


@pytest.mark.parametrize(
    ("moves", "goal", "steps"),
    [
        ("adjacent", (3, 1, 2, 0), 5),
        ("transposition", (3, 1, 2, 0), 1),
        ("transposition", (1, 2, 3, 0), 3),
        ("block", (2, 3, 0, 1), 1),
    ],
)
def test_moves_count_as_they_should(moves, goal, steps) -> None:
    def score(orders):
        return np.array([-1.0 if p == goal else 1.0 for p in orders])

    found = minimal_order_change(4, score, moves=moves, exact_to=6)
    assert found.order == goal and found.swaps == steps and found.exact


def test_a_level_beyond_the_budget_starts_the_beam() -> None:
    def score(orders):  # reversal, reached by a beam that follows the inversions
        return np.array(
            [
                14.5 - sum(p[i] > p[j] for j in range(6) for i in range(j))
                for p in orders
            ]
        )

    found = minimal_order_change(
        6, score, moves="transposition", exact_to=6, budget=20, beam=20
    )
    assert found is not None and not found.exact
    with pytest.raises(ValueError, match="moves must be"):
        minimal_order_change(3, score, moves="teleport")
    with pytest.raises(ValueError, match="budget"):
        minimal_order_change(3, score, budget=0)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="hold no words"):
        NgramModel([])
    with pytest.raises(ValueError, match="order and min_count"):
        NgramModel(LINES, order=0)
    with pytest.raises(ValueError, match="discount"):
        NgramModel(LINES, discount=1)
    with pytest.raises(ValueError, match="must hold words"):
        naturalness(NgramModel(LINES), [], ["a"])
    with pytest.raises(ValueError, match="two different neighbours"):
        order_sense(NgramModel(LINES), [["a", "A"]], np.random.default_rng(0))
    with pytest.raises(ValueError, match="swaps"):
        order_sense(NgramModel(LINES), LINES, np.random.default_rng(0), 0)
