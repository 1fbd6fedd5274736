from __future__ import annotations

import pytest
import torch
from transformers import AutoTokenizer

from qglib.models import build_tagger, word_shape
from qglib.models.tokenizer import ShapeTokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder):
    return build_tagger(tiny_encoder, hidden_layers=(1, 2))[1]


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("1984", 1), ("3-1", 1), ("B2", 2), ("2nd", 2), ("...", 3), ("%", 3),
        ("A", 4), ("U.S.", 5), ("NATO", 5), ("Paris", 6), ("O'neil", 6),
        ("Anglo-american", 6), ("the", 7), ("n't", 7), ("iPhone", 8),
        ("McDonald", 8), ("Anglo-American", 8), ("Éva", 6), ("東京", 8),
    ],
)  # fmt: skip
def test_word_shapes(word, shape) -> None:
    assert word_shape(word) == shape


WORDS = ["Anna", "'s", "U.S.", "team", "met", "J.", "O'Neil", "in", "PARIS", "2-1", "."]


def test_shapes_of_presplit_words(tokenizer) -> None:
    out = tokenizer(WORDS, is_split_into_words=True)
    expected = [0 if w is None else word_shape(WORDS[w]) for w in out.word_ids()]
    assert out["token_type_ids"] == expected
    assert set(expected) == {0, 1, 3, 4, 5, 6, 7, 8}


def test_raw_text_gets_the_same_shapes(tokenizer) -> None:
    split = tokenizer(WORDS, is_split_into_words=True)
    assert tokenizer(" ".join(WORDS))["token_type_ids"] == split["token_type_ids"]
    raw = tokenizer("Anna's U.S. team met J. O'Neil\tin  PARIS 2-1.")
    assert raw["input_ids"] == split["input_ids"]
    assert raw["token_type_ids"] == split["token_type_ids"]


def test_batches_padding_tensors_and_pairs(tokenizer) -> None:
    texts = ["Anna met", "the U.S. bank of Paris"]
    out = tokenizer(texts, padding=True, return_tensors="pt")
    assert out["token_type_ids"].shape == out["input_ids"].shape
    assert (out["token_type_ids"][out["attention_mask"] == 0] == 0).all()
    for row, text in enumerate(texts):
        alone = tokenizer(text)["token_type_ids"]
        assert out["token_type_ids"][row, : len(alone)].tolist() == alone
    single = tokenizer("Anna met", return_tensors="pt")
    assert single["token_type_ids"].shape == single["input_ids"].shape
    assert single["token_type_ids"].dtype == torch.int64
    split = tokenizer([["Anna"], ["the", "U.S."]], is_split_into_words=True)
    assert [t[1] for t in split["token_type_ids"]] == [6, 7]
    padded = tokenizer.pad([tokenizer("Anna"), tokenizer("the bank")])
    assert padded["token_type_ids"][0][-1] == 0
    assert "token_type_ids" not in tokenizer("Anna", return_token_type_ids=False)


def test_overflowing_tokens_keep_their_shapes(tokenizer) -> None:
    out = tokenizer(
        ["the bank of Anna", "Paris"],
        truncation=True,
        max_length=4,
        return_overflowing_tokens=True,
    )
    assert out["token_type_ids"] == [[0, 7, 7, 0], [0, 7, 6, 0], [0, 6, 0]]


def test_save_and_load_through_auto(tokenizer, tmp_path) -> None:
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert type(again) is ShapeTokenizer
    assert again.model_max_length == tokenizer.model_max_length
    text = "Anna met the U.S. bank in PARIS."
    assert dict(again(text)) == dict(tokenizer(text))
