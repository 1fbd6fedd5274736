"""Expected values: complete, explained, and one file per notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import regression

FOLDER = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(p.stem for p in (FOLDER / "notebooks").glob("*.ipynb"))
FILES = sorted((FOLDER / "tests" / "expected").glob("*.json"))
NOTHING = "may be nothing"  # the entry says why 0 would be a right answer
ROUNDING = 1e-6  # the most that a value of exactly 0 may be off


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_value_says_where_it_comes_from(path: Path) -> None:
    for name, entry in regression.load(path).items():
        assert entry["why"] != regression.UNEXPLAINED, f"{name}: write the why"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_file_belongs_to_a_notebook(path: Path) -> None:
    notebook, profile, _ = path.name.split(".")
    assert notebook in NOTEBOOKS
    assert profile in ("quick", "full")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_notebook_has_expected_values(notebook: str) -> None:
    path = regression.expected_file(notebook, "quick")
    assert path.exists(), "make it: pytest tests/notebooks --update-expected"


def holds_nothing(entry: dict[str, Any], device: str = "") -> bool:
    """Whether a wrong result near 0 would pass as well as the value."""
    value = entry["value"]
    if isinstance(value, (str, bool)):
        return False
    rel, absolute = regression.tolerance(entry, device)
    if value == 0:
        return absolute > ROUNDING
    return rel >= 1 or absolute >= abs(value)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_result_of_nothing_would_be_noticed(path: Path) -> None:
    wide = [
        name
        for name, entry in regression.load(path).items()
        if not str(entry.get(NOTHING, "")).strip()
        and (holds_nothing(entry) or holds_nothing(entry, "lightning.gpu"))
    ]
    assert not wide, f"a tolerance holds the value and 0; tighten, or say {NOTHING!r}"


@pytest.mark.parametrize(
    ("value", "limits", "expected"),
    [
        (0.5, {"abs": 0.49}, False),
        (-0.5, {"abs": 0.49}, False),
        (-0.5, {"abs": 0.5}, True),
        (0.5, {"rel": 0.9}, False),
        (0.5, {"rel": 1.0}, True),
        (0.0, {"abs": 1e-6}, False),
        (0, {"abs": 1}, True),
        (0.5, {"abs": 0.1, "gpu": {"abs": 0.6}}, True),
        ("a word", {}, False),
        (True, {}, False),
    ],
)
def test_what_holds_nothing(value: Any, limits: dict, expected: bool) -> None:
    assert holds_nothing({"value": value, **limits}, "lightning.gpu") is expected
