from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import pipeline

from qglib import run
from qglib.data import entities, load_corpus
from qglib.models import build_tagger, decode_all, entity_f1, load_tagger, word_logits
from qglib.models.tokenizer import word_spans
from qglib.models.windows import windows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mr Okonjo-Barr left the U.S. for Amman.", None),
        ("J. O'Neil's (AP) 3-1 win, at $5.", "J. O'Neil 's ( AP ) 3-1 win , at $ 5 ."),
        ('"Yes..." -- she', '" Yes ... " -- she'),
        (" \n ", ""),
        ("?!", "? !"),
    ],
)
def test_words_of_raw_text(text, words) -> None:
    found = [text[a:b] for a, b in word_spans(text)]
    wanted = "Mr Okonjo-Barr left the U.S. for Amman ." if words is None else words
    assert found == wanted.split()


@pytest.fixture(scope="module")
def tagger(encoder_dir):
    return load_tagger(run.REFERENCE / "02_model_training" / "model")


def test_the_documented_call_gives_the_reported_score(tagger) -> None:
    """Over the test part of newswire, as words and as raw text."""
    model, tokenizer = tagger
    test = load_corpus("newswire").test[:60]
    tag = pipeline("word-tagging", model=model, tokenizer=tokenizer)
    words, gold = ([list(getattr(s, k)) for s in test] for k in ("words", "tags"))
    reported = entity_f1(
        gold, decode_all(word_logits(model, tokenizer, words), model.config.labels)
    )
    assert reported > 0.4
    for inputs in (words, [" ".join(w) for w in words]):
        hits = predicted = true = 0
        for w, tags, found in zip(words, gold, tag(inputs), strict=True):
            ends = np.cumsum([len(word) + 1 for word in w]) - 1
            starts = ends - [len(word) for word in w]
            own = {(k, starts[a], ends[b - 1]) for k, a, b in entities(tags)}
            said = {(e["entity_group"], e["start"], e["end"]) for e in found}
            hits, predicted = hits + len(own & said), predicted + len(said)
            true += len(own)
        assert 2 * hits / (predicted + true) == pytest.approx(reported, abs=0.005)


def test_names_stay_whole_and_texts_of_no_words_have_none(tagger) -> None:
    tag = pipeline("word-tagging", model=tagger[0], tokenizer=tagger[1])
    text = "Mr Okonjo-Barr flew home to Amman."
    found = tag(text)
    assert [(e["word"], e["words"]) for e in found] == [
        ("Okonjo-Barr", (1, 2)),
        ("Amman", (5, 6)),
    ]
    assert all(text[e["start"] : e["end"]] == e["word"] for e in found)
    assert all(0 < e["score"] < 1 for e in found)
    assert tag(["", text, " "]) == [[], found, []]
    with pytest.raises(ValueError, match="stride, batch_size and documents, not"):
        tag(text, top_k=3)


def test_a_saved_folder_loads_by_name_and_reads_all_of_a_long_text(
    tiny_encoder, tmp_path
) -> None:
    model, tokenizer = build_tagger(tiny_encoder, head="linear", hidden_layers=(1, 2))
    with torch.no_grad():  # names are what starts with a capital
        model.head[1].weight.zero_()
        model.head[1].weight[model.config.labels.index("B-PER"), -9 + 6] = 9.0
        model.head[1].bias[0] = 5.0
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    tag = pipeline("word-tagging", model=str(tmp_path))
    text = " ".join(["the bank met Anna ."] * 300)
    for stride in (0, 8):
        found = tag(text, stride=stride)
        assert [e["start"] for e in found] == [13 + 20 * k for k in range(300)]
    with pytest.raises(ValueError, match="stride is 400: give 0 to"):
        tag(text, stride=400)


def test_context_surrounds_the_windows_of_a_long_text(tiny_encoder) -> None:
    _, tokenizer = build_tagger(tiny_encoder, head="linear", hidden_layers=(1, 2))
    words = ["the", "bank", "met", "Anna", "of"] * 8
    first_ids = [tokenizer.encode(w, add_special_tokens=False)[0] for w in words]
    pieces = windows(tokenizer, [words], longest=26, stride=7)
    assert [k for w in pieces for k in w.words] == list(range(40))
    for w in pieces:
        assert len(w.ids) == len(w.shapes) <= 26
        assert [w.ids[k] for k in w.first] == [first_ids[k] for k in w.words]
        before, after = w.first[0] - 1, len(w.ids) - 2 - w.first[-1]
        assert (before > 3) == (w.words.start > 0)
        assert (after > 3) == (w.words.stop < 40)
    plain = windows(tokenizer, [words[:5]], longest=26)
    assert windows(tokenizer, [words[:5]], longest=26, stride=7) == plain
