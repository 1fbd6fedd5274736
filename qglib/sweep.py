"""Sweeps: one notebook over a grid of parameters, on this machine or a Dask cluster.

The folder of a point is named by the hash of all that decides its result, so a sweep
that was stopped goes on where it was, and two sweeps share the points they have in
common.  Each point has a process of its own: papermill changes the folder of the whole
process, and a process that dies takes no other point with it.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
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

    Raises:
        ValueError, TypeError: what `parameters.assign` refuses, and a value twice.
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        span = RANGE.fullmatch(values)
        first, last = map(int, span.groups()) if span else (0, 0)
        words = [str(n) for n in range(first, last + 1)] if span else values.split(",")
        if not words:
            raise ValueError(f"{text!r}: the range ends before it begins.")
        read = [
            parameters.assign([notebook], [f"{name}{equals}{w}"])[notebook]
            for w in words
        ]
        if name in found or len({str(one) for one in read}) < len(read):
            raise ValueError(f"{text!r}: {name} or one of its values is given twice.")
        found[name] = [one[name] for one in read]
    return found


def grid(
    notebook: Path,
    varied: Mapping[str, Sequence[Any]],
    fixed: Mapping[str, Any],
    out: Path,
) -> list[Point]:
    """Every combination of the varied values, the last name fastest.

    Raises:
        ValueError: nothing is varied, or a name is varied and fixed.
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

    Args:
        points: what to run; finished ones are read, twice the same one runs once.
        workers: processes at a time on this machine.
        scheduler: address of a Dask cluster, ``"tcp://host:8786"``, whose workers
            then run the points: in the same checkout and environment under the same
            path, of one thread each. A point whose worker died runs on another one.
        on_end: called with each point and its result as they come.

    Raises:
        ValueError: ``workers`` below 1.
        ImportError: ``scheduler`` without the extra ``cluster``.
        OSError: nothing answers at the address.
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
    run = _on_cluster(left, scheduler) if scheduler else None
    for one, result in run or _on_this_machine(left, workers):
        end(one, result)
    return [results[p.folder] for p in points]


def _in_own_process(one: Point) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(run_point, one).result()


def _on_this_machine(points: list[Point], workers: int) -> Iterator[tuple[Point, Any]]:
    pool = ThreadPoolExecutor(workers)
    try:
        running = {pool.submit(_in_own_process, one): one for one in points}
        for task in as_completed(running):
            yield running[task], task.exception() or task.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _on_worker(one: Point) -> dict[str, Any]:
    from distributed import get_worker

    threads = get_worker().state.nthreads
    if threads > 1:
        raise ValueError(
            f"a Dask worker has {threads} threads, but a notebook needs a process of "
            "its own: start the workers with --nthreads 1."
        )
    return run_point(one)


def _on_cluster(points: list[Point], scheduler: str) -> Iterator[tuple[Point, Any]]:
    try:
        from distributed import Client
        from distributed import as_completed as cluster_completed
    except ImportError:
        raise ImportError(
            "--scheduler needs Dask: pip install -c constraints.txt -e '.[cluster]'"
        ) from None
    with Client(scheduler, timeout=PATIENCE) as client:
        keys = {f"qglib-{one.folder.name}": one for one in points}
        tasks = [client.submit(_on_worker, one, key=key) for key, one in keys.items()]
        for task in cluster_completed(tasks):
            # Asked for again, a lost result is read from the folder of its point.
            yield keys[task.key], task.exception() or task.result()
            task.release()


def table(points: Sequence[Point], results: Sequence[Any]) -> pd.DataFrame:
    """One row a point: parameters, results, simulator and seconds; or why it failed.

    A result that is called like a parameter gets the ending ``_result``.
    """
    import pandas as pd

    rows = []
    for one, result in zip(points, results, strict=True):
        row: dict[str, Any] = {"point": one.folder.name}
        if isinstance(result, Exception):
            told = str(result) or type(result).__name__
            row |= {"status": "failed", **one.given, "error": told}
        else:
            asked, ran = dict(result["parameters"]), result["provenance"]
            asked.pop("out_dir", None)
            found = result["results"].items()
            named = {f"{k}_result" if k in asked else k: v for k, v in found}
            row |= {"status": "done", **asked, **named, "headline": result["headline"]}
            row |= {"ran_on": ran["device"], "seconds": ran["seconds"], "error": ""}
        rows.append(row)
    return pd.DataFrame(rows)


def save(frame: pd.DataFrame, out: Path) -> None:
    """Write ``table.csv`` and ``table.parquet``, each complete or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    whole = frame.convert_dtypes()
    for name in whole.select_dtypes("object"):  # values of several types
        whole[name] = whole[name].map(str, na_action="ignore").astype("string")
    for name, write in (("csv", whole.to_csv), ("parquet", whole.to_parquet)):
        beside = out / f".table.{os.getpid()}"
        write(beside, index=False)
        os.replace(beside, out / f"table.{name}")


def compared(
    frame: pd.DataFrame, varied: Sequence[str], results: Sequence[str] = ()
) -> pd.DataFrame:
    """Mean of results over the seeds with its 95 % t interval, by what else varies.

    Args:
        frame: from `table`.
        varied: names of the grid; ``seed`` is the independent unit.
        results: columns; without any, the first four numbers that differ by point.

    Returns:
        One row for each setting and result: setting, result, n, mean, low, high; one
        run of a setting has no interval, low and high are NaN.

    Raises:
        ValueError: an unknown result, or none that is a number.
    """
    import pandas as pd

    from qglib import stats

    done = frame[frame["status"] == "done"] if len(frame) else frame
    numbers = done.select_dtypes("number").drop(columns="seconds", errors="ignore")
    known = [name for name in numbers if name not in varied]
    moved = numbers.max() - numbers.min() > 1e-9 * numbers.abs().max()
    differing = [name for name in known if moved[name]] or known
    chosen = list(results) or differing[:MOST_PANELS]
    if not chosen or set(chosen) - set(known):
        raise ValueError(f"results {chosen}: choose among {', '.join(known)}.")
    others = [name for name in varied if name != "seed"]
    rows = []
    for values, part in done.groupby(others, sort=False) if others else [((), done)]:
        setting = ", ".join(f"{k}={v}" for k, v in zip(others, values, strict=True))
        for name in chosen:
            n = int(part[name].notna().sum())
            mean, *ends = stats.mean_interval(part[name].dropna()) if n else (nan,)
            ends = ends if n > 1 else (nan, nan)
            rows.append((setting or "all points", name, n, mean, *ends))
    return pd.DataFrame(rows, columns=["setting", "result", "n", *stats.COLUMNS])


def draw(means: pd.DataFrame) -> Figure:
    """One panel for each result of `compared`, one interval for each setting."""
    from qglib import plots

    plots.style()
    names = list(means["result"].unique())
    height = 1.4 + 0.38 * means["setting"].nunique()
    fig, row = plots.plt.subplots(
        1, len(names), figsize=(2.5 + 3.5 * len(names), height), sharey=True
    )
    for ax, name in zip([row] if len(names) == 1 else row, names, strict=True):
        part = means[means["result"] == name]
        low, high = (part[end].fillna(part["mean"]) for end in ("low", "high"))
        plots.intervals(
            list(part["setting"]), part["mean"], low, high, reference=None, ax=ax
        )
        ax.set_xlabel(name.replace("_", " "))
        ax.locator_params(axis="x", nbins=5)
    seeds = " to ".join(map(str, sorted({means["n"].min(), most := means["n"].max()})))
    said = f"Mean over {seeds} seeds with 95 % interval"
    fig.suptitle(said if most > 1 else "One run each: no interval", x=0.01, ha="left")
    return fig
