"""Small notebooks for the tests of the runner, and a process left as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
profile: str = "quick"  # quick or full
seed: int = 7  # seed of every random choice
device: str = "auto"  # auto or a name
out_dir: str = "../data/runs/lab/{name}"  # where results are written
n_events: int = 0  # 0 takes the profile's number
rate: float = 0.5  # share of events kept
label: str = ""  # any text
shuffle: bool = False  # order or none"""

START = """\
from qglib import run
profiles = {{"quick": {{"n_events": 10}}, "full": {{"n_events": 20}}}}
record = run.start("{name}", profile=profile, seed=seed, device=device,
    out_dir=out_dir, profiles=profiles, n_events=n_events, rate=rate, label=label,
    shuffle=shuffle)"""

FINISH = """\
drawn = record.rng("events").normal(size=record.settings["n_events"])
record.finish({"mean": drawn.mean(), "events": drawn.size}, headline="mean found")"""

WriteNotebook = Callable[..., Path]


@pytest.fixture
def write_notebook(tmp_path: Path) -> WriteNotebook:
    """Write a notebook with the house's cells and some code of the test's."""

    def write(
        name: str, *code: str, finish: bool = True, parameters: str = PARAMETERS
    ) -> Path:
        cells = [
            new_markdown_cell("# 1 · A title"),
            new_code_cell(
                parameters.replace("{name}", name), metadata={"tags": ["parameters"]}
            ),
            new_code_cell(START.format(name=name)),
            new_markdown_cell("Text\n\n## Counting `events`\n\n```\n# no heading\n```"),
            *map(new_code_cell, code),
        ]
        if finish:
            cells.append(new_code_cell(FINISH, metadata={"tags": ["results"]}))
        for index, cell in enumerate(cells):
            cell["id"] = f"cell-{index}"
        notebook = new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {
            "name": "somebodys-own",
            "display_name": "x",
            "language": "python",
        }
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def clean_process() -> Iterator[None]:
    """Undo what a run sets for the whole process."""
    import torch

    environment = os.environ.copy()
    threads = torch.get_num_threads()
    yield
    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
