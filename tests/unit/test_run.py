"""Settings, seeds, artefacts and the record of a run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from qglib import devices, run
from qglib import record as records
from qglib.record import Record

pytestmark = pytest.mark.usefixtures("clean_process")
PROFILES = {"quick": {"n": 10, "noise": 0.2}, "full": {"n": 100, "noise": 0.2}}


def begin(out_dir: Path, **changes: Any) -> Record:
    asked: dict[str, Any] = {
        "profile": "quick",
        "seed": 7,
        "device": "auto",
        "out_dir": out_dir,
        "profiles": PROFILES,
    }
    return run.start("01_test", **(asked | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profile": "fast"}, "profile is 'fast': 01_test knows 'quick', 'full'"),
        ({"device": "lightning.gp"}, "choose one of auto, lightning.gpu"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": True}, "seed is True"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"n": -3}, "n is -3: give a number from 0"),
        ({"noise": float("nan")}, "noise is nan: give a number from 0"),
        ({"noise": float("inf")}, "noise is inf: give a number from 0"),
        ({"count": -1}, "count is -1: give a number from 0"),
        ({"profiles": {"quick": {"a": 1}, "full": {}}}, "must all set the same names"),
    ],
)
def test_a_wrong_start_is_refused(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        begin(tmp_path, **changes)


@pytest.mark.parametrize(
    ("knobs", "settings"),
    [
        ({}, {"n": 10, "noise": 0.2}),
        ({"n": 0, "noise": 0.0}, {"n": 10, "noise": 0.2}),
        ({"n": 3, "noise": 0.5}, {"n": 3, "noise": 0.5}),
        ({"head": ""}, {"n": 10, "noise": 0.2, "head": ""}),
        ({"noise": False}, {"n": 10, "noise": False}),
    ],
)
def test_knobs_replace_the_profile(tmp_path: Path, knobs: dict, settings: dict) -> None:
    assert begin(tmp_path, **knobs).settings == settings


def test_an_empty_text_takes_the_profile(tmp_path: Path) -> None:
    profiles = {"quick": {"corpus": "small"}}
    assert begin(tmp_path, profiles=profiles, corpus="").settings["corpus"] == "small"


def test_a_generator_depends_on_seed_and_name_only(tmp_path: Path) -> None:
    first, second = begin(tmp_path), begin(tmp_path)
    second.rng("something else").normal(size=5)
    drawn = first.rng("events").normal(size=4)
    assert np.array_equal(drawn, second.rng("events").normal(size=4))
    assert np.array_equal(drawn, first.rng("events").normal(size=4))
    assert not np.array_equal(drawn, first.rng("event").normal(size=4))
    assert not np.array_equal(drawn, begin(tmp_path, seed=8).rng("events").normal(4))


def test_named_generators_are_independent(tmp_path: Path) -> None:
    record = begin(tmp_path)
    drawn = np.array([record.rng(f"use {i}").normal(size=2000) for i in range(20)])
    off = np.corrcoef(drawn)[~np.eye(20, dtype=bool)]
    assert np.abs(off).max() < 5 / np.sqrt(2000)


def test_the_generator_is_numpys_own_recipe(tmp_path: Path) -> None:
    """The stream of a seed and a name never changes between versions."""
    assert begin(tmp_path, seed=7).rng("a").integers(0, 100, 3).tolist() == [76, 87, 84]


def test_global_generators_are_seeded(tmp_path: Path) -> None:
    draws = []
    for _ in range(2):
        begin(tmp_path, torch=True)
        legacy = np.random.random()  # noqa: NPY002 (what is tested)
        draws.append((random.random(), legacy, torch.rand(1).item()))
    assert draws[0] == draws[1]
    assert torch.are_deterministic_algorithms_enabled()


def test_the_record_holds_what_was_asked_and_found(tmp_path: Path) -> None:
    record = begin(tmp_path / "run" / "01_test", n=0, noise=0.3)
    record.rng("events")
    record.use_device(devices.Device(None, "default.qubit", "a test", 2))
    table = record.finish(
        {"f1": np.float32(0.5), "count": np.int64(3), "ok": np.True_, "head": "mlp"},
        headline="entity F1 0.50",
    )
    assert list(table.index) == ["f1", "count", "ok", "head"]
    assert list(table["value"]) == ["0.5", "3", "True", "mlp"]
    content = json.loads((record.folder / "record.json").read_text())
    assert content["schema"] == 1
    assert content["notebook"] == "01_test"
    assert content["headline"] == "entity F1 0.50"
    assert content["parameters"]["noise"] == 0.3
    assert content["settings"] == {"n": 10, "noise": 0.3}
    assert content["results"] == {"f1": 0.5, "count": 3, "ok": True, "head": "mlp"}
    made = content["provenance"]
    assert made["device"] == "default.qubit"
    assert made["device_reason"] == "a test"
    assert made["threads"] == devices.default_threads()
    assert made["generators"] == ["events"]
    assert made["versions"]["numpy"] == np.__version__
    assert made["deterministic"] is True
    assert made["seconds"] >= 0
    assert {"python", "platform", "seed", "commit", "hash_seed", "key"} <= made.keys()


def test_only_the_record_is_left(tmp_path: Path) -> None:
    begin(tmp_path).finish({"a": 1}, headline="a 1")
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_an_old_record_does_not_vouch_for_a_new_run(tmp_path: Path) -> None:
    begin(tmp_path).finish({"a": 1}, headline="a 1")
    begin(tmp_path)
    assert not (tmp_path / "record.json").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan")])
def test_a_number_that_is_not_finite_is_named(tmp_path: Path, value: float) -> None:
    record = begin(tmp_path)
    with pytest.raises(ValueError, match=r"f1 is .*only finite"):
        record.finish({"f1": value}, headline="x")
    assert not (tmp_path / "record.json").exists()


@pytest.mark.parametrize("value", [[1], None, np.ones(2), {"a": 1}])
def test_a_table_is_no_result(tmp_path: Path, value: object) -> None:
    with pytest.raises(TypeError, match=r"f1 is a .*record\.folder"):
        begin(tmp_path).finish({"f1": value}, headline="x")


@pytest.mark.parametrize("name", ["F1", "f 1", "1f", "f-1", ""])
def test_result_names_are_snake_case(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="lower-case"):
        begin(tmp_path).finish({name: 1}, headline="x")


@pytest.mark.parametrize("headline", ["", "  ", "a\nb", "x" * 121])
def test_the_headline_is_one_line(tmp_path: Path, headline: str) -> None:
    with pytest.raises(ValueError, match="headline"):
        begin(tmp_path).finish({"a": 1}, headline=headline)


def test_claims_go_into_the_record(tmp_path: Path) -> None:
    record = begin(tmp_path)
    numbers = {"effect": np.float64(0.2), "low": 0.1, "high": 0.3}
    record.claim("ner_table", **numbers, unit="F1", rival=0.1, detail="5 seeds")
    record.finish({"a": 1}, headline="x")
    claims = json.loads((tmp_path / "record.json").read_text())["claims"]
    assert claims["ner_table"] == {
        "effect": 0.2,
        "low": 0.1,
        "high": 0.3,
        "unit": "F1",
        "rival": 0.1,
        "detail": "5 seeds",
    }
    for low, high in ((2, 1), (2, 3), (0, 0.5)):
        with pytest.raises(ValueError, match=rf"'x': 1 is not in \[{low}, {high}\]"):
            record.claim("x", effect=1, low=low, high=high, unit="")
    with pytest.raises(ValueError, match=r"x\.effect is nan"):
        record.claim("x", effect=float("nan"), low=0, high=1, unit="")


def test_a_figure_is_saved_and_closed(tmp_path: Path) -> None:
    record = begin(tmp_path)
    fig, ax = plt.subplots()
    ax.plot([1, 2])
    record.figure(fig, "walk")
    first = (tmp_path / "figures" / "walk.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert not plt.fignum_exists(fig.number)
    record.figure(fig, "walk")
    assert (tmp_path / "figures" / "walk.png").read_bytes() == first
    assert record.figures == ["walk.png"]
    with pytest.raises(ValueError, match="figure name"):
        record.figure(fig, "../walk")


def test_a_relative_folder_counts_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run.folder_of("mine/01_test") == tmp_path / "mine" / "01_test"
    assert run.folder_of("../x") == tmp_path.parent / "x"
    assert run.folder_of(tmp_path) == tmp_path


@pytest.mark.parametrize("here", [run.NOTEBOOKS, run.ROOT])
def test_no_folder_inside_the_notebooks(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    for inside in (run.NOTEBOOKS / "mine", run.NOTEBOOKS.relative_to(here) / "mine"):
        with pytest.raises(ValueError, match=r"inside notebooks/.*data/runs/mine"):
            run.folder_of(inside)


def test_every_session_has_a_run_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """make lab, a JupyterLab, a shell and a second shell, without another word."""
    own = "../data/runs/lab/01_test"
    say = f"from qglib import run; print(run.folder_of({own!r}), end='')"

    def folder(new_shell: bool = False, **environment: str) -> str:
        return subprocess.run(
            # a kernel of papermill is the grandchild of its shell
            [sys.executable, "-c", f"{AS_KERNEL}({say!r})"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(run.ROOT)} | environment,
            start_new_session=new_shell,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    monkeypatch.delenv("QGLIB_SESSION", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    shell = [folder(), folder()]
    assert shell[0] == shell[1], "one shell, one run: 03 finds what 02 wrote"
    others = [folder(new_shell=True), folder(JPY_SESSION_NAME="01.ipynb")]
    assert len({*shell, *others}) == 3
    for path in map(Path, (*shell, *others)):
        assert path.parents[1] == run.ROOT / "data" / "runs"
        assert path.name == "01_test"
    assert folder(QGLIB_SESSION=str(tmp_path)) == str(tmp_path / "01_test")


def test_a_session_led_from_outside_the_container_has_a_run_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Linux says 0 for a leader it does not show; one that has ended is unknown."""
    for name in ("QGLIB_SESSION", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    own = "../data/runs/lab/01_test"
    for leader in (0, 2**22 + 1):
        monkeypatch.setattr(os, "getsid", lambda _, leader=leader: leader)
        folder = run.folder_of(own)
        assert folder == run.folder_of(own)
        assert folder.parent.name.endswith(f"-{leader}")


AS_KERNEL = (
    "import subprocess, sys; "
    "(lambda code: subprocess.run([sys.executable, '-c', code], check=True))"
)


def test_controls_are_there_where_they_can_be_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, shown = [], []
    monkeypatch.setattr(run, "display", shown.append)
    text = widgets.Text("a")

    def show(text: str) -> str:
        asked.append(text)
        return text.upper()

    monkeypatch.delenv(run.LAB, raising=False)
    assert run.explore(show, text=text) is None
    assert (asked, shown) == (["a"], ["A"])

    monkeypatch.setenv(run.LAB, "01.ipynb")
    box = run.explore(show, text=text)
    assert box.children[0] is text and text.description == "text"
    text.value = "b"
    assert (asked[-1], shown[-1]) == ("b", "B")
    assert box.children[1].value == "ready"


def test_a_figure_has_an_alternative_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    fig, (left, right) = plt.subplots(1, 2)  # before there seems to be a kernel
    monkeypatch.setattr("IPython.get_ipython", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    left.set_title("Loss falls", loc="left")
    left.set(xlabel="epoch", ylabel="loss")
    right.set_title("F1 rises")
    records.display(fig)
    assert shown[0].alt == "Loss falls; F1 rises; epoch / loss"
    assert not plt.fignum_exists(fig.number)


def test_json_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    run.write_json(path, {"α": 1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"α": 1}
    with pytest.raises(ValueError, match="JSON"):
        run.write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"α": 1}
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


BROKEN = {
    b"{": "JSON expected: Expecting property name",
    b'{"a": "\xff"}': "'utf-8' codec can't decode",
    b"[]": "a list, expected an object",
    b"{}": "parameters is None, expected <class 'dict'>",
    b"[" * 100_000: "recursion",
}


@pytest.mark.parametrize("content", BROKEN)
def test_json_that_is_broken_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(run, "REFERENCE", tmp_path)
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=BROKEN[content]) as caught:
        run.read_json(path, "write it again", parameters=dict)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith("; write it again")
    if content == b"{}":
        return
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "study.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"study\.json.*git checkout"):
        run.recorded("study")
    for name in ("graph.json", "01_test/record.json"):
        (tmp_path / "01_test").mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=r"run 01_test again|make it again"):
            run.artefact(tmp_path / "02_later", "01_test", Path(name).name)


ROWS = {
    "{}": "a dict, expected a list",
    "[3]": "row 1: a int, expected an object",
    '[{"id": "a"}, {"id": 3}]': "row 2: id is 3, expected <class 'str'>",
}


@pytest.mark.parametrize("content", ROWS)
def test_a_broken_row_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=ROWS[content]) as caught:
        run.read_json(path, "restore it", rows=True, id=str)
    assert str(caught.value).startswith(f"{path}: ")
    path.write_text('[{"id": "a"}]')
    assert run.read_json(path, rows=True, id=str) == [{"id": "a"}]


def test_an_artefact_of_the_same_run_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, runs = tmp_path / "reference", tmp_path / "runs"
    monkeypatch.setattr(run, "REFERENCE", reference)
    here = runs / "03_later"
    with pytest.raises(FileNotFoundError, match="python -m qglib run 01"):
        run.artefact(here, "01_test", "table.csv")

    (reference / "01_test").mkdir(parents=True)
    (reference / "01_test" / "table.csv").write_text("old")
    found = run.artefact(here, "01_test", "table.csv")
    assert (found.origin, found.path.read_text()) == ("reference", "old")

    record = begin(runs / "01_test")
    (record.folder / "table.csv").write_text("new")
    unfinished = run.artefact(here, "01_test", "table.csv")
    assert unfinished.origin == "reference"

    record.finish({"a": 1}, headline="x")
    found = run.artefact(here, "01_test", "table.csv")
    assert (found.origin, found.path.read_text()) == ("this run", "new")
    assert "profile quick, seed 7" in repr(found)
    assert str(tmp_path) not in repr(found)


def test_a_shared_reference_needs_no_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "REFERENCE", tmp_path)
    (tmp_path / "model").mkdir()
    assert run.artefact(tmp_path / "x", "02_m", "model").path == tmp_path / "model"
