"""Folders of models that are broken, or that could run code: one clear refusal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from qglib.data import Examples
from qglib.models import build_tagger, load_model, load_tagger, save_head, train
from qglib.models.encoder import load_encoder
from qglib.models.heads import build_head
from qglib.models.tokenizer import load_tokenizer

HEADS = {"whole": "quantum", "head": "linear"}


@pytest.fixture(scope="module")
def sound(tiny_encoder, tmp_path_factory) -> Path:
    """Three folders as they are saved: a whole tagger, a head, a model."""
    folder = tmp_path_factory.mktemp("sound")
    options = {"hidden_layers": (1, 2), "qubits": 2, "layers": 1}
    model, tokenizer = build_tagger(tiny_encoder, head=HEADS["whole"], **options)
    model.save_pretrained(folder / "whole")
    tokenizer.save_pretrained(folder / "whole")
    model, _ = build_tagger(tiny_encoder, head=HEADS["head"], **options)
    save_head(model, folder / "head")
    rows = np.random.default_rng(0).normal(size=(30, 2))
    split = np.repeat(["train", "dev", "test"], 10)
    examples = Examples(rows, ["left", "right"] * 15, split)
    train(examples, "quantum", epochs=1, qubits=2, layers=1).save(folder / "model")
    return folder


Load = Callable[[], object]


@pytest.fixture(params=["whole", "head", "model"])
def copy(request, sound, tiny_encoder, tmp_path) -> tuple[Path, Load]:
    """A copy to break, and the call that loads it."""
    folder = tmp_path / request.param
    shutil.copytree(sound / request.param, folder)
    if request.param == "model":
        return folder, lambda: load_model(folder)
    return folder, lambda: load_tagger(folder, tiny_encoder)


def weights_of(folder: Path) -> Path:
    (file,) = folder.glob("*.safetensors")
    return file


def change(folder: Path, **settings: object) -> None:
    content = json.loads((folder / "config.json").read_text()) | settings
    (folder / "config.json").write_text(json.dumps(content))


def refused(copy: tuple[Path, Load], match: str) -> None:
    folder, load = copy
    with pytest.raises(ValueError, match=match) as caught:
        load()
    said = str(caught.value)
    assert str(folder) in said
    assert "save or fetch the folder again" in said
    assert "weights_only=False" not in said and "remote_code" not in said


def test_as_saved_they_load(copy) -> None:
    copy[1]()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_named(copy, value) -> None:
    state = load_file(weights_of(copy[0]))
    state["feature_mean"][1] = value
    save_file(state, weights_of(copy[0]), metadata={"format": "pt"})
    refused(copy, "the weight feature_mean is missing, NaN or infinite")


def test_weights_of_another_size_are_named(copy) -> None:
    state = load_file(weights_of(copy[0]))
    state["feature_mean"] = torch.zeros(5)
    save_file(state, weights_of(copy[0]), metadata={"format": "pt"})
    refused(copy, "(?s)size|mismatch")


@pytest.mark.parametrize("keep", [0, 7, 100, -10])
def test_a_torn_file_of_weights_is_named(copy, keep) -> None:
    file = weights_of(copy[0])
    file.write_bytes(file.read_bytes()[:keep])
    refused(copy, "(?i)header|deserializ|offset|buffer|incomplete")


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", '{"model_type": "\xff"}'])
def test_a_broken_configuration_is_named(copy, text) -> None:
    (copy[0] / "config.json").write_bytes(text.encode("latin-1"))
    refused(copy, r"config\.json: not the JSON expected|'bert' model|None model")


@pytest.mark.parametrize(
    "wrong",
    [lambda labels: labels[::-1], lambda labels: [labels[0], *labels[:-1]]],
    ids=["swapped", "repeated"],
)
def test_labels_swapped_or_repeated_are_refused(copy, wrong) -> None:
    labels = json.loads((copy[0] / "config.json").read_text())["labels"]
    change(copy[0], labels=wrong(labels))
    refused(copy, "labels in config.json are .* expected")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"dropout": float("nan")}, "dropout nan"),
        ({"dropout": 1.5}, "dropout 1.5"),
        ({"layers": 100_000}, "qubits 2, layers 100000: give each 1 to 1000"),
        ({"layers": "3"}, "layers is '3'|not supported between"),
        ({"labels": "O"}, "labels is 'O', expected <class 'list'>"),
        ({"head": "forest"}, "head must be one of"),
    ],
)
def test_a_setting_out_of_range_is_named(copy, settings, match) -> None:
    change(copy[0], **settings)
    refused(copy, match)


def test_a_head_is_bounded_where_it_is_built() -> None:
    with pytest.raises(ValueError, match="layers 1001: give each 1 to 1000"):
        build_head("quantum", 4, 2, layers=1001)
    for dropout in (float("nan"), -0.1, 1.0):
        with pytest.raises(ValueError, match="dropout"):
            build_head("linear", 4, 2, dropout=dropout)


def pickled(folder: Path) -> None:
    """The weights as an honest pytorch_model.bin in place of safetensors."""
    file = weights_of(folder)
    torch.save(load_file(file), folder / "pytorch_model.bin")
    file.unlink()


def test_pickled_weights_are_refused_with_the_remedy(
    sound, tiny_encoder, tmp_path
) -> None:
    for source in (Path(tiny_encoder), sound / "whole"):
        folder = tmp_path / source.name
        shutil.copytree(source, folder)
        pickled(folder)
        load = build_tagger if source == Path(tiny_encoder) else load_tagger
        with pytest.raises(ValueError, match="can run code") as caught:
            load(str(folder))
        said = str(caught.value)
        assert str(folder / "pytorch_model.bin") in said
        assert "save_file(torch.load(..., weights_only=True)" in said
    # the remedy works
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    save_file(state, folder / "model.safetensors")
    load_tagger(folder)


MARK = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


@pytest.mark.parametrize("kind", ["bert", "strange", 3])
def test_code_in_a_folder_never_runs(tiny_encoder, tmp_path, monkeypatch, kind) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, folder)
    classes = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    change(folder, model_type=kind, auto_map=classes)
    (folder / "own.py").write_text(MARK)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(ValueError, match=rf"asks for its own code \({kind}\)") as told:
        load_encoder(str(folder))
    assert str(folder) in str(told.value)
    assert "trust_remote_code" not in str(told.value)
    assert not list(tmp_path.rglob("ran"))


def test_a_model_type_that_nobody_knows_is_refused(tiny_encoder, tmp_path) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "encoder")
    change(tmp_path / "encoder", model_type="strange")
    with pytest.raises(ValueError, match=r"own code \(strange\), not run .*; save"):
        load_encoder(str(tmp_path / "encoder"))


def test_an_encoder_that_lacks_a_weight_is_no_random_one(
    tiny_encoder, tmp_path
) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "encoder")
    file = tmp_path / "encoder" / "model.safetensors"
    state = load_file(file)
    del state["embeddings.word_embeddings.weight"]
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"word_embeddings\.weight is missing"):
        load_encoder(str(tmp_path / "encoder"))


def test_a_broken_tokenizer_is_named(tiny_encoder, tmp_path) -> None:
    model = load_encoder(tiny_encoder)
    shutil.copytree(tiny_encoder, tmp_path / "encoder")
    (tmp_path / "encoder" / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match=str(tmp_path / "encoder")):
        load_tokenizer(str(tmp_path / "encoder"), model)
