"""The command line: ``python -m qglib run`` and ``refresh``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
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


def _stop(*_: object) -> None:
    """End as after Ctrl-C, which workers of a terminal get by themselves."""
    for worker in multiprocessing.active_children():
        worker.terminate()
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m qglib", description="Run and refresh the notebooks."
    )
    parser.add_argument("--version", action="version", version=f"qglib {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, work: Callable, purpose: str, default: str) -> Callable:
        one = commands.add_parser(name, help=purpose)
        chosen = f"such as 01 33, main (00 to 05) or all; {default} by default"
        one.add_argument(
            "notebooks", nargs="*", metavar="NN", help=chosen, default=[default]
        )
        about = "notebooks at a time, one process each"
        one.add_argument("--jobs", type=int, default=1, metavar="N", help=about)
        one.set_defaults(command=work)
        return one.add_argument

    run = command("run", _run, "run notebooks into a folder", "main")
    command("refresh", _refresh, "renew the outputs in notebooks/", "all")
    about = "set a parameter in every chosen notebook that has it"
    pairs = {"action": "append", "default": [], "metavar": "name=value"}
    run("-p", dest="given", help=about, **pairs)
    run("--profile", help="quick or full (default: the notebook's)")
    run("--device", choices=devices.NAMES)
    run("--out", type=Path, metavar="DIR", help="default: data/runs/<profile>")
    about = "keep the notebooks that this very call finished before"
    run("--resume", action="store_true", help=about)
    lab = commands.add_parser("lab", help="open copies of the notebooks in JupyterLab")
    about = "default: data/runs/lab"
    lab.add_argument(
        "--out", type=Path, metavar="DIR", default=RUNS / "lab", help=about
    )
    about = "of JupyterLab, after --, such as -- --no-browser"
    lab.add_argument("options", nargs="*", metavar="option", help=about)
    lab.set_defaults(command=_lab)
    return parser


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
    for device in {values.get("device", "auto") for values in given.values()}:
        if device != "auto":
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
    minutes, rest = divmod(round(time.perf_counter() - began), 60)
    figures = sum(len(record["figures"]) for record in records.values())
    where = execute.shown(out)
    print(f"\nDone: {len(records)} notebooks in {minutes} min {rest} s.")
    print(f"  executed notebooks  {where}/*/{execute.EXECUTED}")
    print(f"  figures             {where}/*/figures ({figures})")
    print(f"  records             {where}/*/record.json")
    print("What they found:")
    for name, record in sorted(records.items()):
        print(f"  {name}  {record['headline']}")
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
    """Run notebooks; raise the first failure after all have ended.

    ``then`` is called with each finished notebook and its folder.
    """

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
    for error in failed[1:]:
        print(f"\n{error}", file=sys.stderr)
    if failed:
        raise failed[0]
    return {path.stem: record for path, record in ended.items()}


if __name__ == "__main__":
    sys.exit(main())
