"""Several notebooks, one after the other or side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

import nbformat

from qglib import execute


def sources(notebooks: Sequence[Path]) -> dict[Path, set[Path]]:
    """Each notebook with those among ``notebooks`` that must end before it starts.

    Read from its calls ``run.artefact(out_dir, "02_model_training", ...)``;
    ``00_start_here`` shows the records of all others.
    """
    found = {}
    for path in notebooks:
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(c.source for c in cells if c.cell_type == "code")
        names = set(re.findall(r'\brun\.artefact\(\s*\w+,\s*"(\w+)"', code))
        last = path.stem.startswith(execute.LAST)
        found[path] = {q for q in notebooks if q != path and (last or q.stem in names)}
    return found


def run_notebooks(
    notebooks: Sequence[Path],
    folder: Path | str,
    given: Mapping[Path, Mapping[str, Any]],
    *,
    jobs: int = 1,
    on_end: Callable[[Path, Any], object] = lambda path, result: None,
) -> dict[Path, dict[str, Any] | Exception]:
    """Run notebooks into ``folder/<name>``; each gives its record or its error.

    A notebook starts when its `sources` have ended; one whose source failed takes the
    reference artefacts.  ``on_end`` hears of each as it ends.  ``jobs`` at a time,
    below 1 a ValueError.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}: give a whole number from 1.")
    calls = {p: (p, Path(folder) / p.stem, dict(given.get(p, {}))) for p in notebooks}
    ended: dict[Path, dict[str, Any] | Exception] = {}
    if jobs == 1:
        for path, call in calls.items():
            try:
                ended[path] = execute.run_notebook(*call, progress=True)
            except RuntimeError as error:
                ended[path] = error
            on_end(path, ended[path])
        return ended
    before, waiting = sources(notebooks), list(notebooks)
    running: dict[Future, Path] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        while waiting or running:
            ready = [p for p in waiting if before[p] <= ended.keys()]
            for path in ready[: jobs - len(running)]:
                running[pool.submit(execute.run_notebook, *calls[path])] = path
                waiting.remove(path)
            for task in wait(running, return_when=FIRST_COMPLETED).done:
                path = running.pop(task)
                ended[path] = task.exception() or task.result()
                on_end(path, ended[path])
    return ended
