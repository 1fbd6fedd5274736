"""The command line: ``python -m qglib run``, ``refresh``, ``sweep`` and ``tune``."""

import argparse
import itertools
import json
import multiprocessing
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from qglib import __version__, devices, execute, freshness, parallel, parameters
from qglib.record import ROOT

RUNS = ROOT / "data" / "runs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 1 after a failure, 2 for a mistake in the call."""
    options = _parser().parse_args(arguments)
    with suppress(ValueError):  # another thread may set no signals
        signal.signal(signal.SIGTERM, _stop)
    try:
        return options.command(options)
    except (ValueError, TypeError, OSError) as error:
        full = isinstance(error, OSError)  # a folder that cannot be made or written
        hint = "; --out may name another folder." if full else ""
        print(f"qglib: {error}{hint}", file=sys.stderr)
        return 2
    except (RuntimeError, ImportError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Finished notebooks keep their records;", file=sys.stderr)
        print("go on with the same command, run with --resume.", file=sys.stderr)
        return 130


def _stop(*_: object) -> None:
    """End as after Ctrl-C, which workers of a terminal get by themselves."""
    for worker in multiprocessing.active_children():
        worker.terminate()
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qglib", description="Run, tune, open and serve the notebooks."
    )
    parser.add_argument("--version", action="version", version=f"qglib {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    pairs = {"action": "append", "default": [], "metavar": "name=value"}

    def command(name: str, work: Callable, purpose: str) -> Callable:
        one = commands.add_parser(name, help=purpose)
        one.set_defaults(command=work)
        return one.add_argument

    def several(name: str, work: Callable, purpose: str, default: str) -> Callable:
        add = command(name, work, purpose)
        about = f"such as 01 33, main (00 to 05) or all; {default} by default"
        add("notebooks", nargs="*", metavar="NN", default=[default], help=about)
        add("--jobs", type=int, default=1, metavar="N", help="processes at a time")
        return add

    def many(name: str, work: Callable, purpose: str) -> Callable:
        add = command(name, work, purpose)
        add("notebook", metavar="NN", help="such as 02")
        add("-p", dest="given", help="the same in every run", **pairs)
        add("--workers", type=int, default=1, metavar="N", help="runs at a time")
        add("--scheduler", default="", help="tcp://..., a Dask cluster to run on")
        add("--out", type=Path, help="default: data/runs/<command>/<notebook>")
        return add

    add = several("run", _run, "run notebooks into a folder", "main")
    add("-p", dest="given", help="in every chosen notebook that has it", **pairs)
    add("--profile", help="quick or full (default: the notebook's)")
    add("--device", choices=devices.NAMES)
    add("--out", type=Path, help="default: data/runs/<profile>")
    add("--resume", action="store_true", help="keep what this very call finished")
    several("refresh", _refresh, "renew the outputs in notebooks/", "all")
    add = many("sweep", _sweep, "run a notebook over a grid of parameters")
    add("-g", dest="grid", help="such as head=linear,mlp or seed=0..9", **pairs)
    add("--result", action="append", default=[], help="default: the first that differ")
    add = many("tune", _tune, "search a notebook's parameters with Optuna")
    about = "such as rate=1e-4..1e-1:log, qubits=2..8 or head=linear,mlp"
    add("-s", dest="space", help=about, **pairs)
    best = commands.choices["tune"].add_mutually_exclusive_group(required=True)
    best.add_argument("--minimise", metavar="result", default="")
    best.add_argument("--maximise", metavar="result", default="")
    add("--prune", default="", metavar="NAME", help="a number of Record.report")
    add("--trials", type=int, default=20, metavar="N", help="default: 20")
    add("--storage", default="", help="URL of a database (default: tune.db in --out)")
    add = command("predict", _predict, "answer lines of standard input as JSON lines")
    add("folder", help="a tagger, or a model of models.train")
    add = command("serve", _serve, "answer requests with a saved tagger")
    add("folder", help="a tagger's folder, such as notebook 02 writes")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8000)
    add = command("lab", _lab, "open copies of the notebooks in JupyterLab")
    add("--out", type=Path, default=RUNS / "lab", help="default: data/runs/lab")
    add("options", nargs="*", help="of JupyterLab, after --, such as -- --no-browser")
    return parser


def _predict(options: argparse.Namespace) -> int:
    from qglib import predict  # imports torch; the runner does without

    failed = 0
    for answer in predict.answers(options.folder, sys.stdin):
        failed += "error" in answer
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def _serve(options: argparse.Namespace) -> int:
    from qglib import serve  # the extra `serve` is needed by this command only

    token = os.environ.get("QGLIB_TOKEN", "")
    if options.host not in ("127.0.0.1", "localhost", "::1") and not token:
        raise ValueError(
            f"--host {options.host} is reachable from elsewhere: set QGLIB_TOKEN to a "
            "long secret, which callers send as a bearer token"
        )
    if not token:
        token = secrets.token_urlsafe(24)
        print(f"token {token}", flush=True)
    return serve.run(options.folder, options.host, options.port, token)


def _lab(options: argparse.Namespace) -> int:
    out = options.out.resolve()
    os.set_inheritable(execute.hold(out).fileno(), True)
    command, environment = execute.lab(out)
    command.append("--LabApp.default_url=/lab/tree/00_start_here.ipynb")
    os.execve(command[0], [*command, *options.options], environment)


def _run(options: argparse.Namespace) -> int:
    notebooks, began = execute.select(options.notebooks), time.perf_counter()
    asked = {"profile": options.profile, "device": options.device}
    texts = [f"{name}={value}" for name, value in asked.items() if value]
    given = parameters.assign(notebooks, [*options.given, *texts])
    profile = parameters.profile_of(notebooks[0], given[notebooks[0]])
    out = (options.out or RUNS / profile).resolve()
    named = {values.get("device", "auto") for values in given.values()}
    for device in named - {"auto"}:
        devices.pick(device)  # or it would fail minutes later
    records: dict[str, dict[str, Any]] = {}
    if options.resume:
        for path, before in parallel.sources(notebooks).items():
            done = execute.finished(path, out / path.stem, given[path])
            # one that follows an unfinished notebook may rest on its old artefacts
            if done and {p.stem for p in before} <= records.keys():
                print(f"{path.stem}  finished before  {done['headline']}")
                records[path.stem] = done
    left = [path for path in notebooks if path.stem not in records]
    records |= _all(left, out, given, options.jobs)
    seconds, where = round(time.perf_counter() - began), execute.shown(out)
    figures = sum(len(record["figures"]) for record in records.values())
    print(f"\nDone: {len(records)} notebooks in {seconds // 60} min {seconds % 60} s.")
    print(f"  executed notebooks  {where}/*/{execute.EXECUTED}")
    print(f"  figures             {where}/*/figures ({figures})")
    print(f"  records             {where}/*/record.json")
    print("What they found:")
    for name, record in sorted(records.items()):
        print(f"  {name}  {record['headline']}")
    return 0


def _one(options: argparse.Namespace, command: str) -> tuple[Path, dict, Path]:
    """Notebook, fixed parameters and folder of a sweep or a search."""
    (notebook, *others) = execute.select([options.notebook])
    if others:
        raise ValueError(f"{command} takes one notebook, not {options.notebook!r}.")
    fixed = parameters.assign([notebook], options.given)[notebook]
    return notebook, fixed, options.out or RUNS / command / notebook.stem


def _how(options: argparse.Namespace, total: int) -> dict[str, Any]:
    """Where points run; a line for each that ends, with the time that is left."""
    began, ended = time.perf_counter(), itertools.count(1)

    def tell(one: Any, result: dict[str, Any] | Exception) -> None:
        done = next(ended)
        left = (time.perf_counter() - began) / done * (total - done) / 60
        said = result["headline"] if isinstance(result, dict) else f"stopped: {result}"
        asked = " ".join(f"{name}={value}" for name, value in one.given.items())
        print(f"{done}/{total}  {asked}  {said}  ({left:.0f} min left)", flush=True)

    how = {"workers": options.workers, "scheduler": options.scheduler}
    return how | {"on_end": tell}


def _sweep(options: argparse.Namespace) -> int:
    from qglib import sweep

    notebook, fixed, out = _one(options, "sweep")
    varied = sweep.axes(notebook, options.grid)
    points = sweep.grid(notebook, varied, fixed, out)
    results = parallel.run_points(points, **_how(options, len(points)))
    frame = sweep.table(points, results)
    sweep.save(frame, out)
    failed, where = int((frame["status"] == "failed").sum()), execute.shown(out)
    print(f"\nDone: {len(frame) - failed} points, {failed} stopped.")
    print(f"  runs    {where}/<point>/{execute.EXECUTED}")
    print(f"  tables  {where}/table.csv, table.parquet")
    if failed < len(frame):
        means = sweep.compared(frame, list(varied), options.result)
        sweep.draw(means).savefig(out / "compared.png", dpi=150, bbox_inches="tight")
        print(f"  figure  {where}/compared.png\n")
        print(means.to_string(index=False, float_format="{:.4g}".format))
    return 1 if failed else 0


def _tune(options: argparse.Namespace) -> int:
    from qglib import tune

    notebook, fixed, out = _one(options, "tune")
    study = tune.tune(
        notebook,
        tune.space(notebook, options.space),
        fixed,
        out,
        result=options.maximise or options.minimise,
        maximise=bool(options.maximise),
        prune=options.prune,
        trials=options.trials,
        storage=options.storage,
        **_how(options, options.trials),
    )
    done = [t for t in study.trials if t.state.name == "COMPLETE"]
    pruned = sum(t.state.name == "PRUNED" for t in study.trials)
    if not done:
        raise RuntimeError("No trial has finished; the lines above say why.")
    print(f"\n{pruned} trials were stopped early." if pruned else "")
    print(f"Best of {len(done)} trials: {study.best_value:.6g} (chosen as the best,")
    print("so optimistic: run it with other seeds before you believe it)")
    print(f"  {tune.as_command(notebook, {**fixed, **study.best_params})}")
    return 0


def _refresh(options: argparse.Namespace) -> int:
    notebooks, out = execute.select(options.notebooks), RUNS / "refresh"
    quick = {path: {"profile": "quick"} for path in notebooks}
    _all(notebooks, out, quick, options.jobs, then=execute.write_outputs)
    freshness.keep(out)
    return 0


def _all(
    notebooks: Sequence[Path],
    out: Path,
    given: Mapping[Path, Mapping[str, Any]],
    jobs: int,
    then: Callable[[Path, Path], object] = lambda path, folder: None,
) -> dict[str, dict[str, Any]]:
    """Run notebooks, ``then`` for each that finished; raise the first failure last."""

    def say(path: Path, result: dict[str, Any] | Exception) -> None:
        if isinstance(result, Exception):
            print(f"{path.stem}  stopped", flush=True)
        else:
            seconds = result["provenance"]["seconds"]
            print(f"{path.stem}  {seconds:.0f} s  {result['headline']}", flush=True)
            then(path, out / path.stem)

    with execute.hold(out):
        ended = parallel.run_notebooks(notebooks, out, given, jobs=jobs, on_end=say)
    failed = [e for e in ended.values() if isinstance(e, Exception)]
    if failed:
        print(*failed[1:], sep="\n\n", file=sys.stderr)
        raise failed[0]
    return {p.stem: r for p, r in ended.items() if not isinstance(r, Exception)}


if __name__ == "__main__":
    sys.exit(main())
