"""Expected values: complete, explained, and one file per notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import regression

FOLDER = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(p.stem for p in (FOLDER / "notebooks").glob("*.ipynb"))
FILES = sorted((FOLDER / "tests" / "expected").glob("*.json"))


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
