"""Several notebooks at a time, each in a process of its own.

papermill changes the folder of the whole process, so threads will not do.
"""

from __future__ import annotations

import ast
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

import nbformat

from qglib import execute

OnEnd = Callable[[Path, "dict[str, Any] | BaseException"], None]
"""Called with a notebook and its record, or the error that stopped it."""


def needs(notebook: Path | str) -> set[str]:
    """Names of the notebooks whose artefacts a notebook reads.

    Read from its calls ``run.artefact(out_dir, "02_model_training", ...)``, so that no
    second list can be wrong.  ``00_start_here`` shows the records of all others.
    """
    found = set()
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "run.artefact":
                name = node.args[1] if len(node.args) > 1 else None
                if isinstance(name, ast.Constant):
                    found.add(str(name.value))
    return found


def sources(notebooks: Sequence[Path]) -> dict[Path, set[Path]]:
    """Each notebook with those among ``notebooks`` that must end before it starts."""
    last = {p for p in notebooks if p.stem.startswith(execute.LAST)}
    return {
        p: set(notebooks) - last
        if p in last
        else {q for q in notebooks if q.stem in needs(p) and q != p}
        for p in notebooks
    }


def run_notebooks(
    notebooks: Sequence[Path],
    folder: Path | str,
    given: Mapping[Path, Mapping[str, Any]],
    *,
    jobs: int = 1,
    on_end: OnEnd | None = None,
) -> dict[Path, dict[str, Any] | BaseException]:
    """Run notebooks into ``folder/<name>``, at most ``jobs`` at a time.

    A notebook starts when those it reads from have ended, if they are among
    ``notebooks``; one whose source failed takes the reference artefacts.

    Returns:
        The record of each notebook, or the error that stopped it.

    Raises:
        ValueError: if ``jobs`` is below 1.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}: give a whole number from 1.")
    before = sources(notebooks)
    waiting, ended = list(notebooks), {}
    running: dict[Future, Path] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        while waiting or running:
            ready = [p for p in waiting if before[p] <= ended.keys()]
            for path in ready[: jobs - len(running)]:
                out = Path(folder) / path.stem
                values = dict(given.get(path, {}))
                task = pool.submit(execute.run_notebook, path, out, values)
                running[task] = path
                waiting.remove(path)
            for task in wait(running, return_when=FIRST_COMPLETED).done:
                path, error = running.pop(task), task.exception()
                ended[path] = task.result() if error is None else error
                if on_end is not None:
                    on_end(path, ended[path])
    return ended
