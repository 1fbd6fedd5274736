from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, pipeline

from qglib.data import Sentence, entities
from qglib.data.examples import check_examples
from qglib.models import build_tagger, decode, train_tagger, word_logits
from qglib.models.heads import HEADS
from qglib.tasks import (
    TASKS,
    Examples,
    TextClassifier,
    add_lora,
    as_transformers,
    build_text_classifier,
    fine_tune_classifier,
    load_adapter,
    load_task_model,
    predict,
    read_labelled,
    save_adapter,
    save_task_model,
    text_features,
    train_task,
    trainable_share,
    unwrapped,
)

TEXTS = ["Anna met the bank.", "Paris", "acme of france visited x-ray 7 !", "Paris"]
LABELS = ("no", "yes")


def classifier(tiny_encoder, head="quantum", **options):
    return build_text_classifier(
        tiny_encoder, LABELS, head, qubits=3, layers=2, **options
    )


def scores(model, tokenizer, texts=TEXTS):
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        return model(**batch).logits


@pytest.mark.parametrize("head", HEADS)
def test_classifier_through_auto_classes(tiny_encoder, tmp_path, head) -> None:
    model, tokenizer = classifier(tiny_encoder, head)
    with torch.no_grad():
        model.feature_mean.normal_()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    names = {f.name for f in tmp_path.iterdir()}
    assert "model.safetensors" in names
    assert not any(n.endswith((".bin", ".pt", ".pkl")) for n in names)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert type(loaded) is TextClassifier
    torch.testing.assert_close(
        scores(loaded, tokenizer), scores(model, tokenizer), atol=1e-6, rtol=0
    )
    found = pipeline("text-classification", model=str(tmp_path))(TEXTS)
    most = scores(model, tokenizer).argmax(1)
    assert [f["label"] for f in found] == [LABELS[k] for k in most]


def test_padding_and_windows_change_nothing(tiny_encoder) -> None:
    model, tokenizer = classifier(tiny_encoder, "linear")
    together = scores(model, tokenizer)
    for text, row in zip(TEXTS, together, strict=True):
        alone = scores(model, tokenizer, [text])[0]
        torch.testing.assert_close(row, alone, atol=1e-5, rtol=0)
    rows = text_features(TEXTS, tiny_encoder)
    with torch.no_grad():
        mine = model.head(torch.from_numpy(rows))
    torch.testing.assert_close(mine, together, atol=1e-5, rtol=0)
    long = text_features(["the bank " * 100, "Paris"], tiny_encoder)
    assert long.shape == (2, 32)
    assert np.isfinite(long).all()
    with pytest.raises(ValueError, match=r"202 sub-words, the encoder reads 48"):
        scores(model, tokenizer, ["the bank " * 100])


def shuffled_adapters(model) -> None:
    """Updates that are not zero, as after training."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name or "modules_to_save" in name:
                weight.normal_(std=0.2)
        for name in ("feature_mean", "shape_embedding"):
            part = getattr(unwrapped(model), name, None)
            if isinstance(part, torch.Tensor):
                part.normal_()


@pytest.mark.parametrize("head", ["quantum", "bottleneck"])
def test_adapters_of_the_classifier(tiny_encoder, tmp_path, head) -> None:
    plain, tokenizer = classifier(tiny_encoder, head)
    before = scores(plain, tokenizer)
    model = add_lora(plain, rank=4)
    torch.testing.assert_close(scores(model, tokenizer), before)  # B starts at zero
    learning, every = trainable_share(model)
    assert 0 < learning < 0.2 * every
    shuffled_adapters(model)
    changed = scores(model, tokenizer)
    assert (changed - before).abs().max() > 1e-3
    save_adapter(model, tmp_path)
    assert {f.suffix for f in tmp_path.iterdir()} == {".json", ".safetensors"}
    loaded, words = load_adapter(tmp_path, tiny_encoder)
    torch.testing.assert_close(scores(loaded, words), changed, atol=1e-6, rtol=0)
    merged = loaded.merge_and_unload()
    assert type(merged) is TextClassifier
    torch.testing.assert_close(scores(merged, words), changed, atol=1e-5, rtol=0)
    merged.save_pretrained(tmp_path / "merged")
    words.save_pretrained(tmp_path / "merged")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "merged")
    torch.testing.assert_close(scores(again.eval(), words), changed, atol=1e-5, rtol=0)


def test_adapters_of_the_tagger(tiny_encoder, tmp_path) -> None:
    plain, tokenizer = build_tagger(
        tiny_encoder, ("PER",), "quantum", qubits=3, layers=2, hidden_layers=(1, 2)
    )
    model = add_lora(plain, rank=2)
    frozen = {
        name: weight.detach().clone()
        for name, weight in model.named_parameters()
        if not weight.requires_grad
    }
    sentences = [
        Sentence(("Anna", "met", "the", "bank"), ("B-PER", "O", "O", "O")),
        Sentence(("the", "bank", "said"), ("O", "O", "O")),
    ]
    train_tagger(
        unwrapped(model), tokenizer, sentences, sentences, epochs=2, rate=1e-2,
        precision="fp32", progress=False,
    )  # fmt: skip
    for name, weight in model.named_parameters():
        if name in frozen:
            assert torch.equal(weight, frozen[name]), name
    words = [s.words for s in sentences]
    before = word_logits(unwrapped(model), tokenizer, words)
    save_adapter(model, tmp_path)
    loaded, theirs = load_adapter(tmp_path, tiny_encoder)
    after = word_logits(unwrapped(loaded), theirs, words)
    merged = word_logits(loaded.merge_and_unload().eval(), theirs, words)
    for a, b, c in zip(before, after, merged, strict=True):
        np.testing.assert_allclose(b, a, atol=1e-6, rtol=0)
        np.testing.assert_allclose(c, a, atol=1e-5, rtol=0)


def test_fine_tuning_learns_through_adapters(encoder_dir) -> None:
    examples = TASKS["sentiment"].load(0)
    texts, labels = np.array(examples.inputs), np.array(examples.labels)
    parts = {
        p: (texts[examples.split == p].tolist(), labels[examples.split == p].tolist())
        for p in ("train", "dev", "test")
    }
    plain, tokenizer = build_text_classifier(
        labels=sorted(set(examples.labels)), head="bottleneck"
    )
    model = add_lora(plain)
    history = fine_tune_classifier(
        model, tokenizer, parts["train"], parts["dev"], epochs=8, rate=2e-3
    )
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    found = scores(model, tokenizer, parts["test"][0]).argmax(1).numpy()
    gold = [plain.config.labels.index(y) for y in parts["test"][1]]
    assert np.mean(found == gold) > 0.5  # chance is a third


def test_sentiment_task_as_a_pipeline(encoder_dir, tmp_path) -> None:
    found = train_task("sentiment", "quantum", 0)
    assert found.test.value > found.baselines["majority"].value
    texts = ["A wonderful day.", "The report has nine pages."]
    save_task_model(found.model, tmp_path / "task")
    again = load_task_model(tmp_path / "task")
    assert predict(again, texts) == predict(found.model, texts)
    model, tokenizer = as_transformers(found.model)
    model.save_pretrained(tmp_path / "whole")
    tokenizer.save_pretrained(tmp_path / "whole")
    stock = pipeline("text-classification", model=str(tmp_path / "whole"))
    assert [f["label"] for f in stock(texts)] == predict(found.model, texts)


def test_language_task_as_a_pipeline(encoder_dir, tmp_path) -> None:
    found = train_task("language", "bottleneck", 0, epochs=10, baselines=False)
    assert found.test.value > 0.4
    words = next(s for s in TASKS["language"].load(0).inputs if "." in s)
    tags = predict(found.model, [words])
    assert len(tags[0]) == len(words)
    model, tokenizer = as_transformers(found.model)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    stock = pipeline(
        "token-classification", model=str(tmp_path), aggregation_strategy="simple"
    )
    groups = stock("Anna Smith flew to Paris with Lufthansa.")
    assert groups
    assert {"entity_group", "score", "word", "start", "end"} <= groups[0].keys()
    logits = word_logits(model, tokenizer, [words])[0]
    assert decode(logits, model.config.labels) == tags[0]
    assert all(stop > start for _, start, stop in entities(tags[0]))


def test_tagged_words_that_training_lacks_warn() -> None:
    tags = [("B-PER",), ("O",), ("O", "B-PER"), ("B-LOC",)]
    split = np.array(["train", "dev", "train", "test"])
    words = [tuple("x" * len(t)) for t in tags]
    with pytest.warns(UserWarning, match=r"\['B-LOC'\] occur in dev or test"):
        check_examples(Examples(words, tags, split))


def test_bad_text_input(tiny_encoder, tmp_path) -> None:
    model, tokenizer = classifier(tiny_encoder)
    with pytest.raises(ValueError, match="text 1 is ' '"):
        text_features(["Paris", " "], tiny_encoder)
    with pytest.raises(ValueError, match="one string"):
        text_features("Paris", tiny_encoder)
    with pytest.raises(ValueError, match="label 'maybe' is not one of"):
        fine_tune_classifier(model, tokenizer, (["Paris"], ["maybe"]))
    with pytest.raises(ValueError, match="one class only"):
        fine_tune_classifier(model, tokenizer, (["Paris"], ["yes"]))
    with pytest.raises(ValueError, match="1 texts and 0 labels"):
        fine_tune_classifier(model, tokenizer, (["Paris"], []))
    with pytest.raises(ValueError, match="two different names"):
        build_text_classifier(tiny_encoder, ("a", "a"))
    with pytest.raises(ValueError, match="no maps named"):
        add_lora(model, targets=("nothing",))
    with pytest.raises(ValueError, match="rank is 0"):
        add_lora(model, rank=0)
    with pytest.raises(TypeError, match="without adapters"):
        save_adapter(model, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        load_adapter(tmp_path)
    save_adapter(add_lora(model), tmp_path)
    with pytest.raises(ValueError, match="adapters already added"):
        add_lora(model)
    config = (tmp_path / "config.json").read_text()
    digest = model.config.encoder_sha256
    (tmp_path / "config.json").write_text(config.replace(digest, "f" * 64))
    with pytest.raises(ValueError, match="name that encoder"):
        load_adapter(tmp_path, tiny_encoder)
    with pytest.raises(ValueError, match="does not read text"):
        as_transformers(train_task("product_origin", "linear", 0, epochs=1).model)
    broken = tmp_path / "train.csv"
    broken.write_text("text,label\nhello,\n")
    with pytest.raises(ValueError, match=r"train\.csv, row 1: expected a text"):
        read_labelled(broken)
    broken.write_text("sentence,label\nhello,yes\n")
    with pytest.raises(ValueError, match="expected the columns text and label"):
        read_labelled(broken)
    with pytest.raises(FileNotFoundError, match=r"no test\.csv"):
        read_labelled(tmp_path / "test.csv")
