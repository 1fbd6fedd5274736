"""Case inside words, and sentences read with their neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import pipeline

from qglib.data import Sentence
from qglib.models import (
    build_tagger,
    decode_all,
    entity_f1,
    load_tagger,
    save_head,
    train_tagger,
    word_logits,
)
from qglib.models import windows as reading
from qglib.models.tokenizer import BUCKETS, PARTS, spelling, word_shape
from qglib.models.windows import together, windows

OPTIONS = {"rate": 2e-3, "batch_size": 8, "precision": "fp32"}


@pytest.fixture
def build(tiny_encoder):
    def make(**options):
        options = {"head": "linear", "hidden_layers": (1, 2)} | options
        return build_tagger(tiny_encoder, ("LOC", "PER"), **options)

    return make


def f1(model, tokenizer, sentences, documents=None) -> float:
    words = [s.words for s in sentences]
    logits = word_logits(model, tokenizer, words, documents=documents)
    found = decode_all(logits, model.config.labels)
    return entity_f1([s.tags for s in sentences], found)


@given(st.text(min_size=1, max_size=30))
def test_a_spelling_holds_the_shape_and_five_parts(word) -> None:
    code = spelling(word)
    assert 0 < code < 2**60
    assert code % 16 == word_shape(word)
    parts = [code // 16 // BUCKETS**k % BUCKETS for k in range(PARTS)]
    assert all(0 < part < BUCKETS for part in parts)


def test_a_spelling_knows_case_and_repeats() -> None:
    assert len({spelling(w) for w in ("al-ain", "Al-Ain", "AL-AIN", "Al-ain")}) == 4
    pattern = [spelling(w) // 16 % BUCKETS for w in ("Al-Ain", "Bo-Hus", "Bo-hus")]
    assert pattern[0] == pattern[1] != pattern[2]


def spelt(n, seed):
    """The last letter of a name that the vocabulary lacks decides its type."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        kind = str(rng.choice(["PER", "LOC"]))
        name = (
            "Q"
            + "".join(rng.choice(list("zxvq"), 3))
            + {"PER": "son", "LOC": "ton"}[kind]
        )
        words = (*["the"] * int(rng.integers(1, 4)), name, "met")
        tags = (*["O"] * (len(words) - 2), f"B-{kind}", "O")
        out.append(Sentence(words, tags))
    return out


@pytest.mark.parametrize("characters", [0, 8])
def test_characters_tell_what_the_vocabulary_cannot(build, characters) -> None:
    model, tokenizer = build(characters=characters)
    train_tagger(model, tokenizer, spelt(80, 0), [], epochs=6, **OPTIONS)
    found = f1(model, tokenizer, spelt(40, 1))
    assert found > 0.9 if characters else found < 0.8


def test_characters_start_as_nothing_and_are_saved(build, tmp_path) -> None:
    plain, _ = build()
    model, tokenizer = build(characters=8)
    words = [["Anna", "met", "the", "McBank"]]
    ours, theirs = word_logits(model, tokenizer, words), word_logits(plain, _, words)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-6)
    train_tagger(model, tokenizer, spelt(20, 0), [], epochs=1, **OPTIONS)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    wanted = word_logits(model, tokenizer, words)[0]
    for pair in (load_tagger(tmp_path),):
        np.testing.assert_array_equal(word_logits(*pair, words)[0], wanted)
    tag = pipeline("word-tagging", model=str(tmp_path))
    np.testing.assert_array_equal(
        word_logits(tag.model, tag.tokenizer, words)[0], wanted
    )


def test_characters_in_a_head_alone(build, tiny_encoder, tmp_path) -> None:
    model, tokenizer = build(characters=8)
    torch.nn.init.normal_(model.spelled.weight)
    save_head(model, tmp_path)
    words = [["Anna", "met", "the", "McBank"]]
    found = word_logits(*load_tagger(tmp_path, tiny_encoder), words)[0]
    np.testing.assert_array_equal(found, word_logits(model, tokenizer, words)[0])


def test_tokenizer_and_windows_write_the_same(build) -> None:
    _, tokenizer = build(characters=8)
    words = ["Anna", "met", "McBank", "!"]
    (window,) = windows(tokenizer, [words])
    assert tokenizer(words, is_split_into_words=True)["token_type_ids"] == window.shapes
    assert tokenizer("Anna met McBank !")["token_type_ids"] == window.shapes
    assert max(window.shapes) == max(spelling(w) for w in words)


names = st.sampled_from(["", "a", "b"])


@given(st.lists(st.tuples(st.integers(1, 9), names), min_size=1, max_size=30))
def test_runs_hold_every_sentence_once_and_one_document(drawn) -> None:
    sentences = [["w"] * n for n, _ in drawn]
    documents = [name for _, name in drawn]
    runs = together(sentences, documents, 12)
    assert [k for run in runs for k in run] == list(range(len(drawn)))
    for run in runs:
        assert len({documents[k] for k in run}) == 1
        assert len(run) == 1 or sum(len(sentences[k]) for k in run) <= 12
        assert documents[run[0]] or len(run) == 1
    alone = [range(k, k + 1) for k in range(len(drawn))]
    assert together(sentences, documents, 0) == alone
    assert together(sentences, None, 12) == alone


@pytest.mark.parametrize("crf", [False, True])
def test_training_reads_documents_as_prediction_does(build, crf, monkeypatch) -> None:
    model, tokenizer = build(context=20, crf=crf)
    sizes = [5, 9, 4, 6, 3]  # 18 words in the first document, 9 in the second
    spelt_ones = spelt(5, 0)
    train = [
        Sentence((*s.words, *["the"] * n)[:n], (*s.tags, *["O"] * n)[:n], name)
        for s, n, name in zip(spelt_ones, sizes, "aaabb", strict=True)
    ]
    seen, cut = [], windows
    monkeypatch.setattr(
        reading,
        "windows",
        lambda t, words, *a, **k: seen.append(words) or cut(t, words, *a, **k),
    )
    history = train_tagger(model, tokenizer, train, train, epochs=2, **OPTIONS)
    assert [len(words) for words in seen[0]] == [18, 9]
    assert [w for words in seen[0] for w in words] == [
        w for s in train for w in s.words
    ]
    assert sorted(map(len, seen[1])) == [9, 18], "dev is read in the same way"
    documents = [s.document for s in train]
    assert f1(model, tokenizer, train, documents) == history["dev_f1"].max()
    words = [s.words for s in train]
    near = word_logits(model, tokenizer, words, documents=documents)
    alone = word_logits(model, tokenizer, words)
    assert [len(rows) for rows in near] == sizes
    assert not np.allclose(near[0], alone[0], atol=1e-4)
    both = word_logits(model, tokenizer, words, documents=[""] * len(words))
    np.testing.assert_array_equal(both[0], alone[0])


def test_the_pipeline_takes_documents(build) -> None:
    model, tokenizer = build(context=20)
    tag = pipeline("word-tagging", model=model, tokenizer=tokenizer)
    words = [["Anna", "met"], [], ["the", "bank", "in", "Paris"]]
    read, near = tag._forward(tag.preprocess(words), documents="aaa")
    alone = tag(words)
    both = [words[0], words[2]]
    wanted = word_logits(model, tokenizer, both, documents="aa")
    np.testing.assert_array_equal(near[2], wanted[1])
    assert len(tag(words, documents=[*"aaa"])) == len(alone) == len(read) == 3
    with pytest.raises(ValueError, match="names 1 sentences, there are 2"):
        word_logits(model, tokenizer, both, documents=["a"])
    with pytest.raises(ValueError, match="documents, not text"):
        tag(words, text=1)


def test_a_document_read_whole_is_its_sentences_read_together(build) -> None:
    model, tokenizer = build(context=50)
    sentences = [["Anna", "met"], ["the", "bank", "in", "Paris"]]
    apart = word_logits(model, tokenizer, sentences, documents=["a", "a"])
    (whole,) = word_logits(model, tokenizer, [[*sentences[0], *sentences[1]]])
    np.testing.assert_allclose(np.concatenate(apart), whole, atol=1e-6)
    assert [len(rows) for rows in apart] == [2, 4]
