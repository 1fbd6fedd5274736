"""Search a notebook's parameters with Optuna: ask for points, run, tell the results.

One run gives one value, at its end, so there is nothing to prune: a notebook reports no
value on its way.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from qglib import execute, sweep

SPAN = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)\.\.(-?[\d.]+(?:e[+-]?\d+)?)(:log)?")


def space(notebook: Path, texts: Sequence[str]) -> dict[str, BaseDistribution]:
    """Read ``rate=1e-4..1e-1:log``, ``qubits=2..8`` and ``head=linear,mlp``.

    Raises:
        ValueError, TypeError: what `sweep.axes` refuses, a range of words, a range
            whose ends are in the wrong order or not above 0 with ``:log``.
    """
    found: dict[str, BaseDistribution] = {}
    for text in texts:
        name, _, values = text.partition("=")
        span = SPAN.fullmatch(values)
        ends = f"{name}={span[1]},{span[2]}" if span else text
        read = sweep.axes(notebook, [ends])[name]
        kinds = {int: IntDistribution, float: FloatDistribution}
        kind = kinds.get(type(read[0])) if span else None
        if span and kind is None:
            raise ValueError(f"{text!r}: {name} has no range, list its values.")
        log = bool(span and span[3])
        found[name] = kind(*read, log=log) if kind else CategoricalDistribution(read)
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
    trials: int = 20,
    storage: str = "",
    workers: int = 1,
    scheduler: str = "",
    on_end: Callable[[sweep.Point, Any], object] = lambda *_: None,
) -> optuna.Study:
    """Run ``trials`` more trials of the study of this notebook and result.

    ``workers`` trials at a time are asked for and told together.  A failed run is a
    failed trial and the search goes on.  The study stays in ``storage``, by default
    ``sqlite:///<out>/tune.db``; several machines may share one on a server.

    Args:
        notebook, fixed, out, workers, scheduler, on_end: as in `sweep.run_points`.
        searched: from `space`.
        result: name of the number in the record to minimise, or to maximise.
        trials: how many runs.
        storage: any URL that Optuna takes, ``postgresql://...``.

    Raises:
        ValueError: a name is searched and fixed; a finished run has no such number;
            trials below 1.
    """
    if both := searched.keys() & fixed.keys():
        raise ValueError(f"{', '.join(both)} is searched and fixed.")
    if trials < 1:
        raise ValueError(f"trials is {trials}: give a whole number from 1.")
    out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=storage or f"sqlite:///{out.resolve() / 'tune.db'}",
        study_name=f"{notebook.stem}: {result}",
        direction="maximize" if maximise else "minimize",
        load_if_exists=True,
    )
    for begun in range(0, trials, workers):
        size = min(workers, trials - begun)
        asked = [study.ask(dict(searched)) for _ in range(size)]
        points = [sweep.point(notebook, {**fixed, **t.params}, out) for t in asked]
        ended = sweep.run_points(
            points, workers=workers, scheduler=scheduler, on_end=on_end
        )
        for trial, one, record in zip(asked, points, ended, strict=True):
            trial.set_user_attr("folder", one.folder.name)
            if isinstance(record, Exception):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, _number(record["results"], result))
    return study


def _number(results: Mapping[str, Any], name: str) -> float:
    value = results.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        numbers = [k for k, v in results.items() if isinstance(v, int | float)]
        raise ValueError(f"result {name!r} is {value!r}: take {', '.join(numbers)}.")
    return value


def as_command(notebook: Path, given: Mapping[str, Any]) -> str:
    """The papermill command of a run with these parameters."""
    words = ["papermill", execute.shown(notebook), f"{notebook.stem}.out.ipynb"]
    for name, value in given.items():
        words += ["-r" if isinstance(value, str) else "-p", name, str(value)]
    return shlex.join(words)
