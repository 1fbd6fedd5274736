from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.models import build_tagger, frozen_features, word_logits
from qglib.models.windows import _spans, length_batches


@pytest.fixture(scope="module")
def pair(tiny_encoder):
    return build_tagger(tiny_encoder, head="mlp", hidden_layers=(1, 2))


@given(st.lists(st.integers(1, 10), min_size=1, max_size=60))
def test_windows_fit_and_hold_every_word_once(sizes) -> None:
    spans = _spans(sizes, 12)
    assert all(sum(sizes[k] for k in span) <= 12 for span in spans)
    assert [k for span in spans for k in span] == list(range(len(sizes)))


def test_a_long_sentence_is_cut_into_like_parts() -> None:
    assert [len(span) for span in _spans([1] * 30, 12)] == [10, 10, 10]
    assert _spans([1] * 12, 12) == [range(12)]


def test_long_sentences_are_read_whole(pair) -> None:
    words = ["the", "bank", "of", "paris", "met", "Anna"] * 30
    found = word_logits(*pair, [words])[0]
    assert found.shape == (180, 9)
    short = word_logits(*pair, [words[:30]])[0]
    np.testing.assert_array_equal(found[0].shape, short[0].shape)
    assert np.isfinite(found).all()


def test_a_word_longer_than_the_encoder_keeps_its_place(pair) -> None:
    monster = "!" * 300
    with pytest.warns(UserWarning, match="1 single words are longer than 46"):
        found = word_logits(*pair, [["anna", monster, "met"]])[0]
    assert found.shape == (3, 9)


def test_words_without_characters_become_unknown(pair) -> None:
    model, tokenizer = pair
    assert tokenizer.tokenize("\u200b") == []
    found = word_logits(model, tokenizer, [["anna", "\u200b", "met"]])
    assert found[0].shape == (3, 9)


def test_special_token_as_a_word(pair) -> None:
    assert word_logits(*pair, [["[SEP]", "met", "[CLS]"]])[0].shape == (3, 9)


def test_equal_sentences_are_computed_once(pair, monkeypatch) -> None:
    model, tokenizer = pair
    rows = []
    whole = model.hidden
    monkeypatch.setattr(
        model, "hidden", lambda **x: rows.append(len(x["input_ids"])) or whole(**x)
    )
    found = word_logits(model, tokenizer, [["anna"], ["met", "anna"], ["anna"]] * 5)
    assert sum(rows) == 2
    assert [len(f) for f in found] == [1, 2, 1] * 5


@pytest.mark.parametrize(
    ("sentences", "error", "match"),
    [
        ([["a"], []], ValueError, "sentence 1 is empty"),
        (["a b"], TypeError, "sentence 0 is a string"),
        ("a b", TypeError, "got a string"),
        ([["a", ""]], ValueError, "is no word"),
        ([["a", None]], ValueError, "is no word"),
    ],
)
def test_bad_sentences(pair, sentences, error, match) -> None:
    with pytest.raises(error, match=match):
        word_logits(*pair, sentences)


def test_nothing_to_do(pair) -> None:
    assert word_logits(*pair, []) == []
    with pytest.raises(ValueError, match="nothing to compute"):
        frozen_features(*pair, [])


def test_broken_weights_are_reported(tiny_encoder) -> None:
    model, tokenizer = build_tagger(tiny_encoder, head="linear", hidden_layers=(1, 2))
    model.head[1].bias.data[0] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinity"):
        word_logits(model, tokenizer, [["anna"]])


def padded(lengths, batches):
    return sum(len(b) * max(lengths[k] for k in b) for b in batches)


@settings(deadline=None)
@given(st.lists(st.integers(3, 60), min_size=1, max_size=300), st.integers(1, 16))
def test_every_sentence_once_per_epoch(lengths, size) -> None:
    for rng in (None, np.random.default_rng(0)):
        batches = list(length_batches(lengths, size, rng))
        assert sorted(k for b in batches for k in b) == list(range(len(lengths)))
        assert all(len(b) <= size for b in batches)


def test_reading_starts_with_the_longest() -> None:
    assert list(length_batches([3, 9, 5, 9], 3)) == [[1, 3, 2], [0]]


def test_bucketing_pads_less_and_depends_on_the_seed_alone() -> None:
    rng = np.random.default_rng(1)
    lengths = rng.integers(4, 60, size=2000).tolist()
    bucketed = list(length_batches(lengths, 16, np.random.default_rng(5)))
    order = rng.permutation(2000)
    dynamic = [order[k : k + 16].tolist() for k in range(0, 2000, 16)]
    assert padded(lengths, bucketed) < 0.7 * padded(lengths, dynamic)
    assert padded(lengths, bucketed) < 1.06 * sum(lengths)
    assert bucketed == list(length_batches(lengths, 16, np.random.default_rng(5)))
    assert bucketed != list(length_batches(lengths, 16, np.random.default_rng(6)))


def test_a_word_joins_the_part_that_holds_its_middle() -> None:
    # 15 sub-words in two parts of 7.5: the third word, 6 to 9, has its middle there
    assert _spans([3] * 5, 12) == [range(3), range(3, 5)]
    assert _spans([3, 3, 4, 5], 12) == [range(2), range(2, 4)]
