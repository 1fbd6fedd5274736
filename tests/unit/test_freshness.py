"""Normalising, stamping, and finding outputs that are stale or made by hand."""

from __future__ import annotations

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from qglib import freshness
from tests.staleness import staleness


@pytest.fixture
def executed() -> nbformat.NotebookNode:
    """A notebook as papermill leaves it."""
    cells = [
        new_markdown_cell("# T", metadata={"tags": []}),
        new_code_cell("a = 1", metadata={"tags": ["parameters"]}, execution_count=1),
        new_code_cell(
            "a = 2",
            metadata={"tags": ["injected-parameters"]},
            execution_count=2,
        ),
        new_code_cell(
            "a",
            execution_count=3,
            metadata={"papermill": {"duration": 1.2}, "ExecuteTime": {"x": 1}},
            outputs=[
                new_output(
                    "execute_result",
                    {"text/plain": "2"},
                    execution_count=3,
                    metadata={},
                )
            ],
        ),
    ]
    for index, cell in enumerate(cells):
        cell["id"] = f"c{index}"
        cell.metadata.setdefault("papermill", {"duration": 0.1})
    notebook = new_notebook(cells=cells)
    notebook.metadata = nbformat.from_dict(
        {
            "papermill": {"duration": 3.2},
            "language_info": {"name": "python", "version": "3.12.4"},
            "kernelspec": {"name": "mine", "display_name": "m", "language": "python"},
            "widgets": {"x": 1},
        }
    )
    return notebook


def stamped(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return freshness.normalise(notebook, profile="quick", device="lightning.qubit")


def test_nothing_of_the_run_is_left(executed) -> None:
    clean = stamped(executed)
    assert [cell["id"] for cell in clean.cells] == ["c0", "c1", "c3"]
    assert [c.execution_count for c in clean.cells[1:]] == [1, 2]
    assert clean.cells[2].outputs[0]["execution_count"] == 2
    assert [dict(c.metadata) for c in clean.cells] == [{}, {"tags": ["parameters"]}, {}]
    assert set(clean.metadata) == {"kernelspec", "language_info", "qglib"}
    assert clean.metadata.kernelspec.name == "python3"
    assert clean.metadata.qglib.profile == "quick"
    assert clean.metadata.qglib.device == "lightning.qubit"


def test_normalising_twice_changes_nothing(executed) -> None:
    once = stamped(executed)
    assert stamped(once) == once
    assert staleness(once) == ""


def test_timings_do_not_matter(executed) -> None:
    other = copy.deepcopy(executed)
    other.metadata.papermill.duration = 99
    other.cells[3].metadata.papermill.duration = 99
    assert stamped(other) == stamped(executed)


def test_a_changed_cell_is_found(executed) -> None:
    clean = stamped(executed)
    clean.cells[2].source = "a + 1"
    assert "cells changed" in staleness(clean)
    assert "make notebooks" in staleness(clean)


def test_a_changed_tag_is_found(executed) -> None:
    clean = stamped(executed)
    clean.cells[1].metadata["tags"] = []
    assert "cells changed" in staleness(clean)


def test_outputs_made_by_hand_are_found(executed) -> None:
    clean = stamped(executed)
    clean.cells[2].outputs[0].data["text/plain"] = "3"
    assert "not made by the runner" in staleness(clean)


def test_a_notebook_without_stamp_is_stale(executed) -> None:
    assert "never refreshed" in staleness(executed)
