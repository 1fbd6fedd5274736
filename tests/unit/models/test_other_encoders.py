"""Encoders other than BERT, tiny and random, at and beyond their longest input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
import transformers

from qglib.data import Sentence
from qglib.models import build_tagger, load_tagger, save_head, train_tagger, word_logits
from qglib.models.encoder import load_encoder
from qglib.models.features import mean_hidden
from qglib.models.tokenizer import load_tokenizer

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
# kind: its configuration and how many sub-words it reads, special ones included
KINDS = {
    "roberta": ({**SIZES, "max_position_embeddings": 50}, 48),
    "xlm-roberta": ({**SIZES, "max_position_embeddings": 50}, 48),
    "distilbert": (
        {"dim": 32, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 48},
        48,
    ),
    "deberta-v2": (
        {
            **SIZES,
            "max_position_embeddings": 48,
            "relative_attention": True,
            "position_buckets": 8,
            "pos_att_type": ["p2c", "c2p"],
            "norm_rel_ebd": "layer_norm",
            "position_biased_input": False,
        },
        48,
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def made(request, tiny_encoder, tmp_path_factory):
    """Folder of a tiny encoder, and the length it can read."""
    settings, limit = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(tiny_encoder)
    # as on the hub: the tokenizer of some of these names no limit, or a larger one
    tokenizer.model_max_length = 10**30
    tokenizer.save_pretrained(folder)
    config = transformers.AutoConfig.for_model(
        request.param, vocab_size=len(tokenizer), intermediate_size=64, **settings
    )
    config.pad_token_id = 1 if "roberta" in request.param else 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers.AutoModel.from_config(config).save_pretrained(folder)
    return str(folder), limit


def test_the_longest_input_is_read_whole_and_a_longer_one_in_windows(made) -> None:
    folder, limit = made
    model, tokenizer = build_tagger(folder, head="linear", hidden_layers=(1, 2))
    assert tokenizer.model_max_length == limit
    for words in (["the"] * (limit - 2), ["the"] * (limit - 1), ["bank"] * 200):
        found = word_logits(model, tokenizer, [words])[0]
        assert found.shape == (len(words), 9)
        assert np.isfinite(found).all()
    whole = ["anna", "met", "paris"] * 15  # 45 of at most 46 words
    batch = tokenizer(whole, is_split_into_words=True, return_tensors="pt")
    with torch.inference_mode():
        alone = model(**batch).logits[0, 1:-1]
    together = word_logits(model, tokenizer, [whole, ["anna"]])[0]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_beyond_the_longest_input_the_error_names_the_limit(made) -> None:
    folder, limit = made
    model, _ = build_tagger(folder, head="linear", hidden_layers=(1, 2))
    model(torch.full((1, limit), 5))
    if "deberta" in folder:  # distances in place of positions: no end
        assert model(torch.full((1, 2 * limit), 5)).logits.shape == (1, 2 * limit, 9)
        return
    with pytest.raises(ValueError, match=f"{limit + 1} sub-words.* at most {limit}"):
        model(torch.full((1, limit + 1), 5))


def test_it_trains_and_comes_back(made, tmp_path) -> None:
    folder, limit = made
    model, tokenizer = build_tagger(
        folder, types=("LOC", "PER"), head="linear", hidden_layers=(1, 2)
    )
    save_head(model, tmp_path / "head")
    fresh = word_logits(model, tokenizer, [["anna", "met"]])[0]
    back = word_logits(*load_tagger(tmp_path / "head", folder), [["anna", "met"]])[0]
    np.testing.assert_array_equal(back, fresh)
    long = ("the",) * (limit - 3)
    sentences = [
        Sentence((*long, name), ("O",) * len(long) + (tag,))
        for name, tag in (("anna", "B-PER"), ("paris", "B-LOC"))
    ]
    history = train_tagger(
        model, tokenizer, sentences * 6, [], epochs=4, rate=2e-3, precision="fp32"
    )
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    again, reader = load_tagger(tmp_path / "model")
    assert reader.model_max_length == limit
    words = [list(s.words) for s in sentences]
    for a, b in zip(
        word_logits(model, tokenizer, words),
        word_logits(again, reader, words),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_text_is_read_whole(made) -> None:
    folder, limit = made
    encoder = load_encoder(folder).eval()
    tokenizer = load_tokenizer(folder, encoder)
    texts = ["the " * (limit - 2), "bank " * 150, "paris"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = mean_hidden(encoder, tokenizer, texts)
    for row, text in zip(found, texts, strict=True):
        alone = mean_hidden(encoder, tokenizer, [text])[0]
        np.testing.assert_allclose(row, alone, atol=1e-5)
