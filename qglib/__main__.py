"""The command line: ``python -m qglib run``, ``refresh`` and ``check``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat

from qglib import devices, execute, freshness, parallel, parameters, reference
from qglib.kernel import OnCell
from qglib.progress import Progress
from qglib.record import ROOT

RUNS = ROOT / "data" / "runs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 1 after a failure, 2 for a mistake in the call."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ValueError, TypeError) as error:
        print(f"qglib: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a folder that cannot be made or written, a full disk
        print(f"qglib: {error}; --out may name another folder.", file=sys.stderr)
        return 2
    except (RuntimeError, ImportError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. Finished notebooks keep their records; go on with the "
            "same command and --resume.",
            file=sys.stderr,
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qglib", description="Run and refresh the notebooks."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    several = "such as 01 33, main (00 to 05) or all"
    jobs = {"type": int, "default": 1, "metavar": "N"}
    jobs |= {"help": "notebooks at a time, one process each"}

    run = commands.add_parser("run", help="run notebooks into a folder")
    run.add_argument(
        "notebooks", nargs="*", metavar="NN", help=f"{several}; main by default"
    )
    run.add_argument("--jobs", **jobs)
    run.add_argument(
        "-p",
        dest="given",
        action="append",
        default=[],
        metavar="name=value",
        help="set a parameter in every chosen notebook that has it",
    )
    run.add_argument("--profile", help="quick or full (default: the notebook's)")
    run.add_argument("--device", choices=devices.NAMES)
    run.add_argument(
        "--out", type=Path, metavar="DIR", help="default: data/runs/<profile>"
    )
    run.add_argument(
        "--resume", action="store_true", help="start at the first unfinished notebook"
    )
    run.set_defaults(command=_run)

    names = {"nargs": "*", "metavar": "NN", "help": f"{several}; all by default"}
    refresh = commands.add_parser("refresh", help="renew the outputs in notebooks/")
    refresh.add_argument("notebooks", **names)
    refresh.add_argument("--jobs", **jobs)
    refresh.set_defaults(command=_refresh)

    check = commands.add_parser("check", help="say which saved outputs are stale")
    check.add_argument("notebooks", **names)
    check.set_defaults(command=_check)
    return parser


def _run(options: argparse.Namespace) -> int:
    notebooks = _select(options.notebooks or ["main"])
    texts = list(options.given)
    for name in ("profile", "device"):
        if getattr(options, name):
            texts.append(f"{name}={getattr(options, name)}")
    given = parameters.assign(notebooks, texts)
    first = notebooks[0]
    profile = execute.profile_of(first, given[first])
    out = (options.out or RUNS / profile).resolve()
    for device in {values.get("device", "auto") for values in given.values()}:
        if device != "auto":
            devices.pick(device)  # or it would fail minutes later
    began = time.perf_counter()
    records: dict[str, dict[str, Any]] = {}
    if options.resume:
        for path, before in parallel.sources(notebooks).items():
            done = execute.finished(path, out / path.stem, given[path])
            # one that follows an unfinished notebook may rest on its old artefacts
            if done and {p.stem for p in before} <= records.keys():
                print(f"{path.stem}  finished before  {done['headline']}")
                records[path.stem] = done
    left = [path for path in notebooks if path.stem not in records]
    if options.jobs > 1:
        records |= _several(left, out, given, options.jobs)
    else:
        for path in left:
            records[path.stem] = _with_progress(
                path.stem,
                lambda on_cell, path=path: execute.run_notebook(
                    path, out / path.stem, given[path], on_cell=on_cell
                ),
            )
    _summary(out, records, time.perf_counter() - began)
    return 0


def _several(
    notebooks: Sequence[Path],
    out: Path,
    given: dict[Path, dict[str, Any]],
    jobs: int,
    then: Callable[[Path, Path], object] = lambda path, folder: None,
) -> dict[str, dict[str, Any]]:
    """Run notebooks side by side; raise the first failure after all have ended.

    ``then`` is called with each finished notebook and its folder.
    """

    def say(path: Path, result: dict[str, Any] | BaseException) -> None:
        if isinstance(result, BaseException):
            print(f"{path.stem}  stopped", flush=True)
        else:
            seconds = result["provenance"]["seconds"]
            print(f"{path.stem}  {seconds:.0f} s  {result['headline']}", flush=True)
            then(path, out / path.stem)

    ended = parallel.run_notebooks(notebooks, out, given, jobs=jobs, on_end=say)
    failed = [e for e in ended.values() if isinstance(e, BaseException)]
    for error in failed[1:]:
        print(f"\n{error}", file=sys.stderr)
    if failed:
        raise failed[0]
    return {path.stem: record for path, record in ended.items()}


def _refresh(options: argparse.Namespace) -> int:
    notebooks, out = _select(options.notebooks), RUNS / "refresh"
    if options.jobs > 1:
        quick = {path: {"profile": "quick"} for path in notebooks}
        _several(notebooks, out, quick, options.jobs, then=execute.write_outputs)
    else:
        for path in notebooks:
            _with_progress(
                path.stem,
                lambda on_cell, path=path: execute.refresh(
                    path, out / path.stem, on_cell=on_cell
                ),
            )
    reference.keep(out)
    return 0


def _check(options: argparse.Namespace) -> int:
    stale = 0
    for path in _select(options.notebooks):
        reason = freshness.staleness(nbformat.read(path, as_version=4))
        stale += bool(reason)
        print(f"{path.stem}  {reason or 'fresh'}")
    return 1 if stale else 0


def _select(names: Sequence[str]) -> list[Path]:
    notebooks = execute.select(names)
    if not notebooks:
        raise ValueError(f"there is no notebook in {execute.NOTEBOOKS}.")
    return notebooks


def _with_progress(
    name: str, work: Callable[[OnCell], dict[str, Any]]
) -> dict[str, Any]:
    with Progress(name, sys.stdout) as progress:
        try:
            record = work(progress.cell)
        except BaseException:
            progress.close(f"stopped after {progress.seconds:.0f} s")
            raise
        progress.close(f"{progress.seconds:.0f} s  {record['headline']}")
    return record


def _summary(out: Path, records: dict[str, dict[str, Any]], seconds: float) -> None:
    minutes, rest = divmod(round(seconds), 60)
    figures = sum(len(record["figures"]) for record in records.values())
    where = execute.shown(out)
    print(f"\nDone: {len(records)} notebooks in {minutes} min {rest} s.")
    print(f"  executed notebooks  {where}/*/{execute.EXECUTED}")
    print(f"  figures             {where}/*/figures ({figures})")
    print(f"  records             {where}/*/record.json")
    print("What they found:")
    for name, record in sorted(records.items()):
        print(f"  {name}  {record['headline']}")


if __name__ == "__main__":
    sys.exit(main())
