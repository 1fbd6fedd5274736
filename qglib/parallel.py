"""Many runs in processes of their own: notebooks in order, points in any.

papermill changes the folder of the whole process, and a process that dies takes no
other run with it.  The folder of a point is named by the hash of all that decides its
result, so what was stopped goes on where it was, and sweeps share points.
"""

import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import nbformat

from qglib import execute

PATIENCE = 30  # seconds for a scheduler to answer
ONE = futures.FIRST_COMPLETED
Result = dict[str, Any] | Exception  # the record of a run, or what stopped it
SPAWN = multiprocessing.get_context("spawn")


class Point(NamedTuple):
    """One run of a sweep or a search."""

    notebook: Path
    folder: Path  # named by `execute.run_key`
    given: dict[str, Any]  # parameters by name, checked


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
) -> dict[Path, Result]:
    """Run notebooks into ``folder/<name>``; each gives its record or its error.

    A notebook starts when its `sources` have ended; one whose source failed takes the
    reference artefacts.  ``on_end`` hears of each as it ends.  ``jobs`` at a time,
    below 1 a ValueError.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}: give a whole number from 1.")
    calls = {p: (p, Path(folder) / p.stem, dict(given.get(p, {}))) for p in notebooks}
    ended: dict[Path, Result] = {}
    if jobs == 1:
        for path, call in calls.items():
            try:
                ended[path] = execute.run_notebook(*call, progress=True)
            except RuntimeError as error:
                ended[path] = error
            on_end(path, ended[path])
        return ended
    before, waiting = sources(notebooks), list(notebooks)
    running: dict[futures.Future, Path] = {}
    with futures.ProcessPoolExecutor(jobs, mp_context=SPAWN) as pool:
        while waiting or running:
            ready = [p for p in waiting if before[p] <= ended.keys()]
            for path in ready[: jobs - len(running)]:
                running[pool.submit(execute.run_notebook, *calls[path])] = path
                waiting.remove(path)
            for task in futures.wait(running, return_when=ONE).done:
                path = running.pop(task)
                ended[path] = cast(Result, task.exception() or task.result())
                on_end(path, ended[path])
    return ended


def point(notebook: Path, given: Mapping[str, Any], out: Path) -> Point:
    """The run of ``notebook`` with these parameters, in its folder under ``out``."""
    key = execute.run_key(notebook, given)
    return Point(notebook, out.resolve() / key, dict(given))


def run_point(one: Point) -> dict[str, Any]:
    """Run a point, or read its record if it is finished; wait if it runs elsewhere.

    A RuntimeError where notebook, library or packages are not those of the caller.
    """
    if one.folder.name != execute.run_key(one.notebook, one.given):
        raise RuntimeError(
            f"{one.notebook.stem}: this worker has another version of the notebook, of "
            "qglib or of a package: start it in the checkout and environment of the "
            "machine that sent the point."
        )
    while True:
        try:
            lock = execute.hold(one.folder)
            break
        except ValueError:  # another process runs this point
            time.sleep(1)
    with lock:
        return execute.finished(*one) or execute.run_notebook(*one)


def run_points(
    points: Sequence[Point],
    *,
    workers: int = 1,
    scheduler: str = "",
    on_end: Callable[[Point, Result], object] = lambda *_: None,
) -> list[Result]:
    """Run the points; each gives its record, or the error that stopped it.

    Twice the same one runs once.  ``workers`` run at a time on this machine, or those
    of the Dask cluster at the address ``scheduler``: same checkout, environment and
    path, one thread each.  ``on_end`` hears of each point as it ends.

    Raises:
        ValueError: ``workers`` below 1.
        ImportError, OSError: a cluster without its extra, or that does not answer.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}: give a whole number from 1.")
    results: dict[Path, Result] = {}
    work = _on_worker if scheduler else _in_own_process
    with _pool(workers, scheduler) as pool:
        different = {one.folder: one for one in points}.values()
        running = {pool.submit(work, one): one for one in different}
        for task in futures.as_completed(running):
            one, result = running[task], cast(Result, task.exception() or task.result())
            results[one.folder] = result
            on_end(one, result)
    return [results[one.folder] for one in points]


@contextmanager
def _pool(workers: int, scheduler: str) -> Iterator[futures.Executor]:
    if not scheduler:
        pool = futures.ThreadPoolExecutor(workers)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
        return
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "--scheduler needs Dask: pip install -c constraints.txt -e '.[cluster]'"
        ) from None
    with Client(scheduler, timeout=PATIENCE) as client:
        yield client.get_executor(pure=False)  # a call again is a task of its own


def _in_own_process(one: Point) -> dict[str, Any]:
    if done := execute.finished(*one):
        return done
    with futures.ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        return pool.submit(run_point, one).result()


def _on_worker(one: Point) -> dict[str, Any]:
    from distributed import get_worker

    threads = get_worker().state.nthreads
    if threads > 1:
        raise ValueError(
            f"a Dask worker has {threads} threads, but a notebook needs a process of "
            "its own: start the workers with --nthreads 1."
        )
    return run_point(one)
