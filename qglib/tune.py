"""Search a notebook's parameters with Optuna.

A run that reports its steps (`qglib.record.Record.report`) can be pruned: it is asked
to stop by a file in its folder, so that a cluster prunes as one machine does.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from qglib import execute, parallel, record, sweep

SPAN = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)\.\.(-?[\d.]+(?:e[+-]?\d+)?)(:log)?")
KINDS = {int: IntDistribution, float: FloatDistribution}


def space(notebook: Path, texts: Sequence[str]) -> dict[str, BaseDistribution]:
    """Read ``rate=1e-4..1e-1:log``, ``qubits=2..8`` and ``head=linear,mlp``.

    What `sweep.axes` refuses, a range of words, and one that Optuna refuses (ends in
    the wrong order, not above 0 with ``:log``) are a ValueError or TypeError.
    """
    found: dict[str, BaseDistribution] = {}
    for text in texts:
        name, _, values = text.partition("=")
        span = SPAN.fullmatch(values)
        listed = f"{name}={span[1]},{span[2]}" if span else text
        read = sweep.axes(notebook, [listed])[name]
        if not span:
            found[name] = CategoricalDistribution(read)
        elif kind := KINDS.get(type(read[0])):
            found[name] = kind(read[0], read[1], log=bool(span[3]))
        else:
            raise ValueError(f"{text!r}: {name} has no range, list its values.")
    if not found:
        raise ValueError("nothing to search: give -s name=low..high or name=a,b.")
    return found


def tune(
    notebook: Path,
    searched: Mapping[str, BaseDistribution],
    fixed: Mapping[str, Any],
    out: Path,
    *,
    result: str,
    maximise: bool = False,
    prune: str = "",
    trials: int = 20,
    storage: str = "",
    workers: int = 1,
    **how: Any,
) -> optuna.Study:
    """Run more trials of the study that betters ``result`` of the notebook.

    A failed run is a failed trial and the search goes on.  The study stays in
    ``storage``, any URL that Optuna takes, by default ``sqlite:///<out>/tune.db``;
    several machines may share one on a server.  ``prune`` names a number that the
    notebook reports at each step, better in the same direction: a run below the median
    of the earlier ones is stopped (Optuna's ``MedianPruner``, after five trials).
    ``how`` is for `parallel.run_points`.

    Raises:
        ValueError: a name is searched and fixed; a finished run has no such number, or
            reported none; trials or workers below 1.
    """
    if both := searched.keys() & fixed.keys():
        raise ValueError(f"{', '.join(both)} is searched and fixed.")
    if min(trials, workers) < 1:
        raise ValueError(f"trials {trials}, workers {workers}: both count from 1.")
    out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=storage or f"sqlite:///{out.resolve() / 'tune.db'}",
        study_name=f"{notebook.stem}: {result}",
        direction="maximize" if maximise else "minimize",
        load_if_exists=True,
    )

    def run(_: int) -> None:
        trial = study.ask(dict(searched))
        one = parallel.point(notebook, {**fixed, **trial.params}, out)
        trial.set_user_attr("folder", one.folder.name)
        stop = one.folder / record.STOP
        if not execute.finished(*one):
            for old in (stop, one.folder / record.STEPS):
                old.unlink(missing_ok=True)
        with futures.ThreadPoolExecutor(1) as alone:
            task, seen = alone.submit(parallel.run_points, [one], **how), 0
            while prune and not futures.wait([task], timeout=1).done:
                seen = _report(trial, one.folder, prune, seen)
                if trial.should_prune():
                    stop.touch()
        (ended,) = task.result()
        state = optuna.trial.TrialState
        if isinstance(ended, Exception):
            study.tell(trial, state=state.PRUNED if stop.exists() else state.FAIL)
            return
        _report(trial, one.folder, prune, seen)
        if prune and not trial.study.trials[trial.number].intermediate_values:
            raise ValueError(f"{notebook.stem} reports no {prune!r} at its steps.")
        study.tell(trial, _number(ended["results"], result))

    with futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, range(trials)))
    return study


def _report(trial: optuna.Trial, folder: Path, name: str, seen: int) -> int:
    """Hand on the steps beyond the first ``seen``; how many there are."""
    path = folder / record.STEPS
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    for step in map(json.loads, lines[seen:]):
        if name in step:
            trial.report(step[name], step["step"])
    return len(lines)


def _number(results: Mapping[str, Any], name: str) -> float:
    numbers = {k: v for k, v in results.items() if type(v) in (int, float)}
    if name not in numbers:
        raise ValueError(f"result {name!r} is no number: take {', '.join(numbers)}.")
    return numbers[name]


def as_command(notebook: Path, given: Mapping[str, Any]) -> str:
    """The papermill command of a run with these parameters."""
    words = ["papermill", execute.shown(notebook), f"{notebook.stem}.out.ipynb"]
    for name, value in given.items():
        words += ["-r" if isinstance(value, str) else "-p", name, str(value)]
    return shlex.join(words)
