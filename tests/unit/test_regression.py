"""Comparison with expected values and their update."""

from __future__ import annotations

import json

import pytest

from tests import regression

EXPECTED = {
    "f1": {"value": 0.80, "abs": 0.03, "why": "5 seeds", "gpu": {"abs": 0.1}},
    "links": {"value": 415, "abs": 0, "why": "a count"},
    "fraction": {"value": 0.5, "rel": 1e-3, "why": "1/2 in two dimensions"},
    "head": {"value": "mlp", "why": "the default"},
    "exact": {"value": True, "why": "checked"},
}
RESULTS = {"f1": 0.81, "links": 415, "fraction": 0.5002, "head": "mlp", "exact": True}


def names(results: dict, device: str = "") -> list[str]:
    found = regression.compare(results, EXPECTED, device=device)
    return [difference.name for difference in found]


def test_within_tolerance_nothing_differs() -> None:
    assert names(RESULTS) == []


@pytest.mark.parametrize(
    "change",
    [
        {"f1": 0.84},
        {"links": 416},
        {"fraction": 0.5006},
        {"head": "linear"},
        {"exact": False},
        {"exact": 1},
        {"links": "415"},
        {"f1": True},
        {"extra": 1},
    ],
)
def test_each_change_is_found(change: dict) -> None:
    assert names(RESULTS | change) == list(change)


def test_a_missing_result_is_found() -> None:
    assert names({k: v for k, v in RESULTS.items() if k != "f1"}) == ["f1"]


def test_the_gpu_has_its_own_tolerance() -> None:
    assert names(RESULTS | {"f1": 0.88}) == ["f1"]
    assert names(RESULTS | {"f1": 0.88}, "lightning.gpu") == []
    assert names(RESULTS | {"f1": 0.88}, "lightning.qubit") == ["f1"]


def test_the_table_tells_name_got_want_allowed_and_why() -> None:
    found = regression.compare(RESULTS | {"links": 416, "f1": 0.5}, EXPECTED)
    lines = regression.table(found).splitlines()
    assert lines[0].split() == ["name", "got", "want", "allowed", "why"]
    assert lines[1].split() == ["f1", "0.5", "0.8", "±", "0.03", "5", "seeds"]
    assert lines[2].split() == ["links", "416", "415", "±", "0", "a", "count"]


def test_an_update_keeps_tolerance_and_why() -> None:
    new = regression.updated(RESULTS | {"f1": 0.9}, EXPECTED)
    assert new["f1"] == EXPECTED["f1"] | {"value": 0.9}
    # Within its tolerance a value stays, so that a file does not drift.
    assert new["fraction"] == EXPECTED["fraction"]
    assert regression.compare(RESULTS | {"f1": 0.9}, new) == []


def test_an_update_adds_and_removes() -> None:
    results = {k: v for k, v in RESULTS.items() if k != "head"} | {"new": 2, "x": 0.5}
    new = regression.updated(results, EXPECTED)
    assert list(new) == ["f1", "links", "fraction", "exact", "new", "x"]
    assert new["new"] == {"value": 2, "abs": 0, "why": regression.UNEXPLAINED}
    assert new["x"] == {"value": 0.5, "rel": 1e-6, "why": regression.UNEXPLAINED}


@pytest.mark.parametrize("change", [{"f1": 1.2}, {"links": 416}, {"head": "linear"}])
def test_an_update_beyond_ten_tolerances_needs_force(change: dict) -> None:
    with pytest.raises(ValueError, match=f"--force: {next(iter(change))} from"):
        regression.updated(RESULTS | change, EXPECTED)
    new = regression.updated(RESULTS | change, EXPECTED, force=True)
    assert regression.compare(RESULTS | change, new) == []


def test_files(tmp_path) -> None:
    path = regression.expected_file("01_one", "quick", tmp_path)
    assert path.name == "01_one.quick.json"
    regression.update_file(path, {"a": 1.5})
    assert regression.load(path)["a"]["value"] == 1.5
    regression.update_file(path, {"a": 1.6}, force=True)
    assert regression.load(path)["a"]["value"] == 1.6


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"value": 1, "why": "x"}, "needs rel or abs"),
        ({"value": 1, "abs": 0}, "a value and a why"),
        ({"value": 1, "abs": 0, "why": " "}, "a value and a why"),
        ({"abs": 0, "why": "x"}, "a value and a why"),
        (3, "a value and a why"),
    ],
)
def test_an_incomplete_entry_is_refused(tmp_path, entry: object, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"n": entry}))
    with pytest.raises(ValueError, match=f"a.json: n needs.*{message.split()[-1]}"):
        regression.load(path)
