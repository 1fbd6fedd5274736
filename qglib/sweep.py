"""Sweeps: one notebook over a grid of parameters, on this machine or a Dask cluster.

The folder of a point is named by the hash of all that decides its result, so a sweep
that was stopped goes on where it was, and two sweeps share the points they have in
common.  Each point has a process of its own: papermill changes the folder of the whole
process, and a process that dies takes no other point with it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import contextmanager
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qglib import execute, parameters

if TYPE_CHECKING:  # a worker need not load them
    import pandas as pd
    from matplotlib.figure import Figure

RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")  # both ends belong to it
MOST_PANELS = 4
PATIENCE = 30  # seconds for a scheduler to answer


class Point(NamedTuple):
    """One run of a sweep."""

    notebook: Path
    folder: Path  # named by `execute.run_key`
    given: dict[str, Any]  # parameters by name, checked


def axes(notebook: Path, texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read ``name=1,2,4`` and ``name=0..9`` by the declared types.

    A value twice, and what `parameters.assign` refuses, is a ValueError or TypeError.
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        words: Sequence[Any] = values.split(",")
        if span := RANGE.fullmatch(values):
            words = range(int(span[1]), int(span[2]) + 1)
        if not words:
            raise ValueError(f"{text!r}: the range ends before it begins.")
        assigned = (
            parameters.assign([notebook], [f"{name}{equals}{word}"]) for word in words
        )
        read = [given[notebook][name] for given in assigned]
        if name in found or len({str(one) for one in read}) < len(read):
            raise ValueError(f"{text!r}: {name} or one of its values is given twice.")
        found[name] = read
    return found


def grid(
    notebook: Path,
    varied: Mapping[str, Sequence[Any]],
    fixed: Mapping[str, Any],
    out: Path,
) -> list[Point]:
    """Every combination of the varied values, the last name fastest.

    Nothing varied, or a name that is varied and fixed, is a ValueError.
    """
    both = varied.keys() & fixed.keys()
    if not varied or both:
        fault = f"{', '.join(both)} is varied and fixed" if both else "nothing varies"
        raise ValueError(f"{fault}: give -g name=value,value for what varies.")
    combined = itertools.product(*varied.values())
    chosen = (dict(zip(varied, values, strict=True)) for values in combined)
    return [point(notebook, {**fixed, **one}, out) for one in chosen]


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
            "qglib or of a package than the machine that sent the point: start the "
            "workers in the same checkout and environment."
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
    on_end: Callable[[Point, dict[str, Any] | Exception], object] = lambda *_: None,
) -> list[dict[str, Any] | Exception]:
    """Run the points; each gives its record, or the error that stopped it.

    Finished points are read, twice the same one runs once.  ``workers`` run at a time
    on this machine, or those of the Dask cluster at the address ``scheduler``: same
    checkout, environment and path, one thread each.  A point whose worker died runs on
    another one.  ``on_end`` hears of each point as it ends.

    Raises:
        ValueError: ``workers`` below 1.
        ImportError, OSError: a cluster without its extra, or that does not answer.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}: give a whole number from 1.")
    results: dict[Path, dict[str, Any] | Exception] = {}

    def end(one: Point, result: dict[str, Any] | Exception) -> None:
        results[one.folder] = result
        on_end(one, result)

    left = list({p.folder: p for p in points}.values())
    for one in left[:]:
        if done := execute.finished(*one):
            left.remove(one)
            end(one, done)
    if left:
        work = _on_worker if scheduler else _in_own_process
        with _pool(workers, scheduler) as pool:
            running = {pool.submit(work, one): one for one in left}
            for task in futures.as_completed(running):
                end(running[task], task.exception() or task.result())
    return [results[p.folder] for p in points]


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
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(1, mp_context=context) as pool:
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


def table(points: Sequence[Point], results: Sequence[Any]) -> pd.DataFrame:
    """One row a point: parameters, results, simulator and seconds; or why it failed.

    A result that is called like a parameter gets the ending ``_result``.
    """
    import pandas as pd

    rows = []
    for one, result in zip(points, results, strict=True):
        row = {"point": one.folder.name, "status": "failed", "error": "", **one.given}
        if isinstance(result, Exception):
            row["error"] = str(result) or type(result).__name__
        else:
            asked, ran = dict(result["parameters"]), result["provenance"]
            asked.pop("out_dir", None)
            found = result["results"].items()
            named = {f"{k}_result" if k in asked else k: v for k, v in found}
            row |= {"status": "done", **asked, **named, "headline": result["headline"]}
            row |= {"ran_on": ran["device"], "seconds": ran["seconds"]}
        rows.append(row)
    return pd.DataFrame(rows)


def save(frame: pd.DataFrame, out: Path) -> None:
    """Write ``table.csv`` and ``table.parquet``; values of several types as text."""
    out.mkdir(parents=True, exist_ok=True)
    whole = frame.convert_dtypes()
    whole = whole.astype(dict.fromkeys(whole.select_dtypes("object"), "string"))
    whole.to_csv(out / "table.csv", index=False)
    whole.to_parquet(out / "table.parquet", index=False)


def compared(
    frame: pd.DataFrame, varied: Sequence[str], results: Sequence[str] = ()
) -> pd.DataFrame:
    """Mean of results over the seeds with its 95 % t interval, by what else varies.

    Args:
        frame: from `table`, with a finished point.
        varied: names of the grid; ``seed`` is the independent unit.
        results: columns; without any, the first four numbers that differ by point.
            An unknown one, or one that is no number, is a ValueError.

    Returns:
        One row for each setting and result: setting, result, n, mean, low, high; one
        run of a setting has no interval, low and high are NaN.
    """
    import pandas as pd

    from qglib import stats

    done = frame[frame["status"] == "done"]
    hidden = ["seconds", *varied]
    numbers = done.select_dtypes("number").drop(columns=hidden, errors="ignore")
    moved = numbers.max() - numbers.min() > 1e-9 * numbers.abs().max()
    differing = list(numbers.columns[moved]) or list(numbers)
    chosen = list(results) or differing[:MOST_PANELS]
    if not chosen or set(chosen) - set(numbers):
        raise ValueError(f"results {chosen}: choose among {', '.join(numbers)}.")
    settings = done[[name for name in varied if name != "seed"]].to_dict("records")
    said = [", ".join(f"{k}={v}" for k, v in one.items()) for one in settings]
    long = done[chosen].assign(setting=[text or "all points" for text in said])
    long = long.melt("setting", var_name="result").dropna()
    rows = []
    for names, part in long.groupby(["setting", "result"], sort=False)["value"]:
        mean, *ends = stats.mean_interval(part)
        rows.append((*names, len(part), mean, *(ends if len(part) > 1 else (nan, nan))))
    return pd.DataFrame(rows, columns=["setting", "result", "n", *stats.COLUMNS])


def draw(means: pd.DataFrame) -> Figure:
    """One panel for each result of `compared`, one interval for each setting."""
    from qglib import plots

    plots.style()
    panels = means.groupby("result", sort=False)
    size = (2.5 + 3.5 * len(panels), 1.4 + 0.38 * means["setting"].nunique())
    fig, row = plots.plt.subplots(
        1, len(panels), figsize=size, sharey=True, squeeze=False
    )
    for ax, (name, part) in zip(row[0], panels, strict=True):
        numbers = (part[key] for key in ("mean", "low", "high"))
        label = name.replace("_", " ")
        plots.intervals(
            list(part["setting"]), *numbers, reference=None, xlabel=label, ax=ax
        )
        ax.locator_params(axis="x", nbins=5)
    seeds = " to ".join(map(str, sorted({means["n"].min(), most := means["n"].max()})))
    said = f"Mean over {seeds} seeds with 95 % interval"
    fig.suptitle(said if most > 1 else "One run each: no interval", x=0.01, ha="left")
    return fig
