from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qglib import freshness as reference


def finished(folder: Path, notebook: str) -> Path:
    (folder / notebook).mkdir(parents=True)
    record = {"parameters": {"out_dir": str(folder / notebook), "seed": 7}}
    (folder / notebook / "record.json").write_text(json.dumps(record))
    return folder / notebook


@pytest.fixture
def with_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reference.KEPT, "02_model_training", ("head/head.safetensors",))


def test_the_head_that_studies_are_measured_on_stays() -> None:
    assert "02_model_training" not in reference.KEPT
    assert (reference.REFERENCE / "02_model_training/model/config.json").is_file()


@pytest.mark.usefixtures("with_head")
def test_artefacts_are_kept_under_the_names_readers_look_for(tmp_path: Path) -> None:
    run, kept = tmp_path / "run", tmp_path / "reference"
    head = finished(run, "02_model_training") / "head"
    head.mkdir()
    (head / "head.safetensors").write_text("new")
    old = kept / "02_model_training" / "head.safetensors"
    old.parent.mkdir(parents=True)
    old.write_text("of an earlier run")
    copied = reference.keep(run, kept)
    assert [p.relative_to(kept).as_posix() for p in copied] == [
        "02_model_training/head.safetensors",
        "02_model_training/record.json",
    ]
    assert old.read_text() == "new"
    record = json.loads((kept / "02_model_training" / "record.json").read_text())
    assert record["parameters"]["seed"] == 7
    assert str(tmp_path) not in json.dumps(record)


def test_an_unfinished_notebook_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "run" / "03_causal_analysis").mkdir(parents=True)
    assert reference.keep(tmp_path / "run", tmp_path / "reference") == []


@pytest.mark.usefixtures("with_head")
def test_a_large_file_is_refused(tmp_path: Path) -> None:
    head = finished(tmp_path / "run", "02_model_training") / "head"
    head.mkdir()
    (head / "head.safetensors").write_bytes(b"0" * (reference.LIMIT + 1))
    with pytest.raises(ValueError, match=r"head\.safetensors has 1048577 bytes"):
        reference.keep(tmp_path / "run", tmp_path / "reference")
    assert not (tmp_path / "reference" / "02_model_training").exists()


def test_what_is_kept_is_there_and_names_no_machine() -> None:
    for path in (reference.ROOT / "notebooks").glob("*.ipynb"):
        notebook, folder = path.stem, reference.REFERENCE / path.stem
        for kept in (*reference.KEPT.get(notebook, ()), "record.json"):
            name = Path(kept).name
            assert (folder / name).exists(), f"{notebook}/{name}: run make notebooks"
        record = json.loads((folder / "record.json").read_text())
        assert record["parameters"]["out_dir"].startswith("../data/runs/")
    for file in reference.REFERENCE.rglob("*.json"):
        assert not re.search(r'"(/|[A-Z]:)[\w.]+[/\\]', file.read_text()), file
