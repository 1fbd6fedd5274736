from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from qglib.data import Sentence, load_corpus
from qglib.models import (
    build_tagger,
    decode_all,
    entity_f1,
    frozen_features,
    head_logits,
    train_head,
    train_tagger,
    word_logits,
)
from qglib.models import fine_tuning as module
from qglib.models.fine_tuning import choose_precision
from qglib.models.heads import HEADS
from qglib.models.tags import training_numbers

NAMES = {"PER": ["Anna", "Bo"], "LOC": ["Paris", "France"]}


def sentences(n, seed=0):
    """The type is decided by the word before the name."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        kind = rng.choice(["PER", "LOC"])
        name = str(rng.choice(NAMES[kind]))
        before = {"PER": ["said", "met"], "LOC": ["to", "in"]}[kind]
        words = (*["the"] * rng.integers(0, 4), str(rng.choice(before)), name, "bank")
        tags = (*["O"] * (len(words) - 2), f"B-{kind}", "O")
        out.append(Sentence(words, tags))
    return out


@pytest.fixture
def build(tiny_encoder):
    def make(head="linear", **options):
        return build_tagger(
            tiny_encoder, types=("LOC", "PER"), head=head, hidden_layers=(1, 2),
            qubits=4, layers=2, **options,
        )  # fmt: skip

    return make


OPTIONS = {"rate": 2e-3, "batch_size": 8, "precision": "fp32"}


def weights(model):
    return {k: v.clone() for k, v in model.state_dict().items()}


def same(a, b):
    return all(torch.equal(v, b[k]) for k, v in a.items())


def columns(history):
    return history.drop(columns="seconds")


def test_learns_and_reports(build) -> None:
    model, tokenizer = build("mlp")
    train, dev = sentences(60), sentences(20, 1)
    history = train_tagger(model, tokenizer, train, dev, epochs=4, **OPTIONS)
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["loss"].iloc[-1] < 0.2 < history["loss"].iloc[0]
    assert history["dev_f1"].iloc[-1] > 0.95
    assert history.attrs["precision"] == "float32"
    assert not model.training
    logits = word_logits(model, tokenizer, [s.words for s in dev])
    found = decode_all(logits, model.config.labels)
    best = history["dev_f1"].max()
    assert entity_f1([s.tags for s in dev], found) == pytest.approx(best)


def test_same_seed_same_result_and_the_global_generator_rests(build) -> None:
    results = []
    for seed in (3, 3, 4):
        model, tokenizer = build()
        torch.manual_seed(0)
        state = torch.get_rng_state()
        history = train_tagger(
            model, tokenizer, sentences(30), sentences(5, 1), epochs=2, seed=seed,
            **OPTIONS,
        )  # fmt: skip
        assert torch.equal(torch.get_rng_state(), state)
        assert not torch.are_deterministic_algorithms_enabled()
        results.append((weights(model), columns(history)))
    assert same(results[0][0], results[1][0])
    pd.testing.assert_frame_equal(results[0][1], results[1][1])
    assert not same(results[0][0], results[2][0])


def test_best_epoch_is_kept(build, monkeypatch) -> None:
    scores = iter([0.2, 0.9, 0.4, 0.3, 0.8])
    states = []
    model, tokenizer = build()

    def score(gold, predicted):
        states.append(weights(model))
        return next(scores)

    monkeypatch.setattr(module, "entity_f1", score)
    history = train_tagger(
        model, tokenizer, sentences(16), sentences(4), epochs=5, **OPTIONS
    )
    assert history["dev_f1"].tolist() == [0.2, 0.9, 0.4, 0.3, 0.8]
    assert history.attrs["best_epoch"] == 2
    assert same(states[1], weights(model))


def test_every_word_of_a_long_sentence_is_learnt_from(build) -> None:
    """Only its last word, far beyond one window, tells the type."""
    model, tokenizer = build()
    long = [
        Sentence(("the",) * 60 + (name,), ("O",) * 60 + (tag,))
        for name, tag in (("Anna", "B-PER"), ("Paris", "B-LOC"))
    ]
    history = train_tagger(model, tokenizer, long * 5, [], epochs=6, **OPTIONS)
    assert history["dev_f1"].isna().all()
    logits = word_logits(model, tokenizer, [s.words for s in long])
    found = decode_all(logits, model.config.labels)
    assert entity_f1([s.tags for s in long], found) == 1


ONE = [Sentence(("a",), ("O",))]


@pytest.mark.parametrize(
    ("train", "dev", "match"),
    [
        ([], [], "train is empty"),
        (ONE * 3, [], r"one class only \(O\)"),
        ([*sentences(9), Sentence((), ())], [], "is empty"),
        (sentences(9), [Sentence((), ())], "is empty"),
        (
            sentences(9),
            [Sentence(("a",), ("B-ORG",))],
            "dev: sentence 0 has the tag 'B-ORG'",
        ),
        ([*sentences(9), Sentence(("a",), ("I-PER",))], [], "without its B-"),
    ],
)
def test_data_that_cannot_be_learnt(build, train, dev, match) -> None:
    model, tokenizer = build()
    with pytest.raises(ValueError, match=match):
        train_tagger(model, tokenizer, train, dev, epochs=1, **OPTIONS)


def test_a_type_without_examples_is_told() -> None:
    labels = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    with pytest.warns(UserWarning, match=r"types \['LOC'\] never occur in the 1 "):
        training_numbers(labels, [("B-PER", "O")])


def test_broken_weights_and_settings(build) -> None:
    model, tokenizer = build()
    with pytest.raises(ValueError, match="at least 1, got 0"):
        train_tagger(model, tokenizer, sentences(5), [], epochs=0)
    with pytest.raises(ValueError, match="precision must be"):
        train_tagger(model, tokenizer, sentences(9), [], precision="int8")
    model.head[1].weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="loss became nan in epoch 1"):
        train_tagger(model, tokenizer, sentences(9), [], epochs=1, **OPTIONS)


def test_bfloat16_only_where_the_processor_has_it(monkeypatch) -> None:
    cpu = torch.device("cpu")
    for amx, avx, expected in ((0, 1, True), (1, 0, True), (0, 0, False)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda a=amx: bool(a))
        monkeypatch.setattr(
            torch.cpu, "_is_avx512_bf16_supported", lambda a=avx: bool(a)
        )
        assert choose_precision(cpu) is expected
    assert choose_precision(cpu, "fp32") is False
    assert choose_precision(cpu, "bf16") is True


@pytest.mark.parametrize("head", HEADS)
def test_head_alone_on_frozen_features(build, head) -> None:
    model, tokenizer = build(head)
    before = weights(model.encoder)
    train, dev = sentences(60), sentences(20, 1)
    tags = [[s.tags for s in part] for part in (train, dev)]
    features = [
        frozen_features(model, tokenizer, [s.words for s in part], dtype=np.float32)
        for part in (train, dev)
    ]
    options = {"epochs": 25, "batch_size": 64, "rate": 8e-3}
    dev_pair = (features[1], tags[1])
    history = train_head(model, features[0], tags[0], dev_pair, **options)
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    assert history["dev_f1"].max() > 0.9
    assert same(before, weights(model.encoder))
    cached = head_logits(model, features[1])
    whole = word_logits(model, tokenizer, [s.words for s in dev])
    for a, b in zip(cached, whole, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    twin, _ = build(head)
    again = train_head(twin, features[0], tags[0], dev_pair, **options)
    pd.testing.assert_frame_equal(columns(again), columns(history))
    assert same(weights(model), weights(twin))


def test_a_warm_up_of_one_step(build) -> None:
    model, tokenizer = build()
    train = sentences(9)
    features = frozen_features(model, tokenizer, [s.words for s in train])
    history = train_head(model, features, [s.tags for s in train], epochs=10)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]


def test_features_are_checked(build) -> None:
    model, tokenizer = build()
    train = sentences(9)
    features = frozen_features(model, tokenizer, [s.words for s in train])
    assert features.hidden.dtype == np.float16
    assert features.hidden.shape == (sum(map(len, train)), 64)
    assert [len(r) for r in features.split(features.shapes)] == list(map(len, train))
    with pytest.raises(ValueError, match="give the tags of the sentences"):
        train_head(model, features, [s.tags for s in train[:-1]])
    features.hidden[0, 0] = np.nan
    with pytest.raises(ValueError, match="features hold NaN"):
        train_head(model, features, [s.tags for s in train])


def test_real_text_trains(shared_data, encoder_dir) -> None:
    corpus = load_corpus(shared_data / "wnut17")
    train = [s for s in corpus.train if any(t != "O" for t in s.tags)][:24]
    model, tokenizer = build_tagger(types=corpus.types, head="linear")
    dev = corpus.dev[:12]
    history = train_tagger(model, tokenizer, train, dev, epochs=2)
    assert history["loss"].iloc[1] < history["loss"].iloc[0] < np.log(13)  # labels
    assert history["dev_f1"].between(0, 1).all()


def test_adapters_learn_with_the_head(build) -> None:
    """Low-rank adapters freeze the encoder; PEFT trains the classifier unasked."""
    from peft import LoraConfig, get_peft_model

    model, _ = build("quantum")
    lora = LoraConfig("TOKEN_CLS", r=2, target_modules=["query", "value"])
    adapted = get_peft_model(model, lora)
    learning = {k for k, p in adapted.named_parameters() if p.requires_grad}
    assert any("classifier" in k for k in learning), "the head must learn"
    assert all("lora_" in k or "classifier" in k for k in learning), learning
    assert any("lora_" in k for k in learning), "and the adapters too"
