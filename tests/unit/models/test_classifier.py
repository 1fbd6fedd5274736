"""The text classifier as a transformers model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, pipeline

from qglib.models import build_classifier
from qglib.models.classifier import TextClassifier
from qglib.models.features import text_features
from qglib.models.heads import HEADS

TEXTS = ["Anna met the bank.", "Paris", "acme of france visited x-ray 7 !", "Paris"]
LABELS = ("no", "yes")


def classifier(tiny_encoder, head="quantum", **options):
    return build_classifier(tiny_encoder, LABELS, head, qubits=3, layers=2, **options)


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


def test_bad_labels(tiny_encoder) -> None:
    with pytest.raises(ValueError, match="two different names"):
        build_classifier(tiny_encoder, ("a", "a"))
