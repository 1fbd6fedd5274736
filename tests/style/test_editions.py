"""The Chinese edition: the same cells and outputs, every text translated."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from qglib.freshness import digest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
ENGLISH = sorted(NOTEBOOKS.glob("0[0-5]*.ipynb"))
CHINESE = re.compile("[\u4e00-\u9fff]")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"```.*?```|`[^`\n]*`|\$[^$]*\$", re.DOTALL)


def cells(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?", LINK.sub("]", FENCED.sub("", text))))


def test_the_walk_is_there_in_both() -> None:
    found = {p.name for p in (NOTEBOOKS / "zh").glob("*.ipynb")}
    assert found == {p.name for p in ENGLISH} and len(found) == 6


@pytest.mark.parametrize("path", ENGLISH, ids=lambda p: p.stem)
def test_code_and_outputs_are_equal(path: Path) -> None:
    ours, theirs = cells(path), cells(path.parent / "zh" / path.name)
    assert [c.cell_type for c in ours] == [c.cell_type for c in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        if mine.cell_type == "code":
            assert mine == other, mine.source


@pytest.mark.parametrize("path", ENGLISH, ids=lambda p: p.stem)
def test_each_text_is_translated_as_it_stands(path: Path) -> None:
    theirs = cells(path.parent / "zh" / path.name)
    for k, (mine, other) in enumerate(zip(cells(path), theirs, strict=True)):
        if mine.cell_type == "markdown":
            where = f"cell {k}: translate it anew: {mine.source[:60]!r}"
            assert other.metadata.translates == digest(mine.source), where
            assert CHINESE.search(other.source), where
            assert numbers(other.source) == numbers(mine.source), where


@pytest.mark.parametrize("path", ENGLISH, ids=lambda p: p.stem)
def test_each_links_to_the_other(path: Path) -> None:
    other = path.parent / "zh" / path.name
    for book, target in ((path, f"zh/{path.name}"), (other, f"../{path.name}")):
        assert f"]({target})" in "\n".join(cells(book)[0].source.splitlines()[:3])
    for cell in cells(other):
        for link in LINK.findall(cell.source if cell.cell_type == "markdown" else ""):
            if not link.startswith(("http", "#")):
                assert (other.parent / link.partition("#")[0]).exists(), link
