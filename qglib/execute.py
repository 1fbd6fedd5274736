"""Run notebooks from outside: papermill made strict, one kernel per notebook.

The kernel is this interpreter whatever kernel names the machine knows.
"""

import contextlib
import itertools
import logging
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from traitlets import default

from qglib import devices, freshness, parameters
from qglib.record import ROOT, RUN_KEY, SESSION, read_json, versions, write_text

NOTEBOOKS = ROOT / "notebooks"
# The library of this checkout first, even if another one is installed.
PATH = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
EXECUTED = "run.ipynb"
LAST = "00"  # shows the ledger of all others
FIELDS = dict[str, Any](headline=str, figures=list, provenance=dict)  # of a record
PATIENCE = 120  # seconds for the output of a cell to follow its end
MOST = 10_000_000  # characters that a cell may print
MAIN = "0"  # the walk through the four steps; studies have other first digits


class NotebookError(RuntimeError):
    """A run stopped: says in which cell, under which heading, and why."""


def kernel_in(environment: Mapping[str, str]) -> type[AsyncKernelManager]:
    """Starts this interpreter, never a ``python3`` registered by somebody else."""

    class ThisKernel(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _this_python(self) -> KernelSpecManager:
            return KernelSpecManager(kernel_dirs=[])

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(env=dict(environment), **options)

    return ThisKernel


def join_streams(cell: nbformat.NotebookNode, **_: Any) -> None:
    """Make one output of each stream of a cell, since chunks depend on timing.

    As ``coalesce_streams`` of nbclient, which takes the square of a line's length (a
    line of a million characters never ends); `MOST` exceeded is a TimeoutError.
    """
    texts: dict[str, list[str]] = {}
    outputs, cell.outputs = cell.outputs, []
    for output in outputs:
        if output.output_type != "stream" or output.name not in texts:
            cell.outputs.append(output)
        if output.output_type == "stream":
            texts.setdefault(output.name, []).append(output.text)
    if sum(len(text) for parts in texts.values() for text in parts) > MOST:
        cell.outputs = []
        raise TimeoutError
    for output in [o for o in cell.outputs if o.output_type == "stream"]:
        lines = "".join(texts[output.name]).split("\n")
        # of a line written over and over, such as a progress bar, the last version
        lines = [x[x.rfind("\r", 0, len(x) - 1) + 1 :] for x in lines]
        output.text = "\n".join(lines)


def hold(folder: Path) -> TextIO:
    """Lock a folder, where two runs would mix, until the file returned is closed."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / ".lock").open("a+")
    try:
        with contextlib.suppress(ImportError):  # Windows has none: two runs may mix
            from fcntl import LOCK_EX, LOCK_NB, flock

            flock(lock, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        busy = f"process {lock.read()} runs notebooks into {shown(folder)}: wait"
        raise ValueError(f"{busy}, or name another folder by --out.") from None
    lock.truncate(0)
    os.write(lock.fileno(), str(os.getpid()).encode())
    return lock


def place(executed: Path) -> str:
    """Say which cell a run stopped in, read from the notebook as far as it got."""
    cells = nbformat.read(executed, as_version=4).cells
    code = [i for i, c in enumerate(cells) if c.cell_type == "code"]
    started = [i for i in code if cells[i].metadata.papermill.get("start_time")]
    if not started:
        return "before its first cell"
    above = (c.source for c in cells[: started[-1]] if c.cell_type == "markdown")
    text = re.sub(r"```.*?```|[`*]", "", "\n".join(above), flags=re.DOTALL)
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, flags=re.MULTILINE)
    under = f', under "{headings[-1]}"' if headings else ""
    return f"in cell {len(started)} of {len(code)}{under}"


def select(names: Sequence[str] = ()) -> list[Path]:
    """Return the chosen notebooks in the order to run them; all for no name.

    ``"01"``, ``"01_data_modelling"`` and a path name the same one, ``"main"`` 00 to 05,
    ``"all"`` every one; a name that fits none is a ValueError.  ``00_start_here`` is
    last, because it shows what the others found.
    """
    known = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    chosen = set() if names else set(known)
    for name in names:
        wanted = Path(name).name.removesuffix(".ipynb")
        groups = {"all": known, "main": [p for p in known if p.name.startswith(MAIN)]}
        same = [p for p in known if wanted in (p.stem, p.stem[:2])]
        if not (hits := groups.get(name, same)):
            available = ", ".join(p.stem for p in known)
            if not known:
                raise ValueError(
                    f"no notebooks at {NOTEBOOKS}: run, refresh, sweep, tune and lab "
                    "need a checkout (git clone, then pip install -e .); an installed "
                    "qglib answers predict and serve"
                )
            raise ValueError(f"{name!r} names no notebook. There are: {available}.")
        chosen.update(hits)
    return sorted(chosen, key=lambda path: (path.name.startswith(LAST), path.name))


def run_notebook(
    notebook: Path | str,
    out_dir: Path | str,
    given: Mapping[str, Any] | None = None,
    *,
    progress: bool = False,
) -> dict[str, Any]:
    """Run one notebook and return its record.

    ``out_dir`` is its folder, for ``run.ipynb`` and ``record.json``; ``progress`` shows
    a bar on a terminal.  papermill changes the folder of the whole process, so never
    call this from several threads.

    Raises:
        ValueError, TypeError: for a parameter that `parameters.check` refuses.
        NotebookError: if a cell fails, the kernel dies or no record is written.
    """
    notebook, out_dir = Path(notebook).resolve(), Path(out_dir).resolve()
    given = dict(given or {})
    asked = given | {"out_dir": str(out_dir)}
    parameters.check(notebook, asked)
    out_dir.mkdir(parents=True, exist_ok=True)
    record, executed = out_dir / "record.json", out_dir / EXECUTED
    record.unlink(missing_ok=True)  # an old record must not vouch for this run
    # Its doubts about parameters come from a weaker reading than `check`'s.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    bar = {"desc": notebook.stem, "leave": False, "disable": None}  # None: no terminal
    for attempt in itertools.count(1):
        try:
            papermill.execute_notebook(
                str(notebook),
                str(executed),
                parameters=asked,
                kernel_name="python3",
                language="python",
                progress_bar=bar if progress else False,
                start_timeout=120,
                iopub_timeout=PATIENCE,
                cwd=str(notebook.parent),
                kernel_manager_class=kernel_in(environment(notebook, given)),
                on_cell_executed=join_streams,
                # Keeps start-up warnings and an interrupted kernel quiet.
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
            break
        except papermill.PapermillExecutionError as error:
            message = f"{error.ename}: {error.evalue}"
        except TimeoutError:  # an OSError too
            message = (
                f"its output has more than {MOST} characters or did not arrive within "
                f"{PATIENCE} s: print less, and write large results as files into "
                "record.folder."
            )
        except OSError:
            executed.unlink(missing_ok=True)  # a full disk tears it
            raise
        except DeadKernelError:
            message = "the kernel died, often because memory ran out."
        except RuntimeError as error:
            unborn = str(error).startswith(("Kernel died before", "Kernel didn't"))
            if not unborn or attempt == 3:  # two kernels may race for a port
                raise
            continue
        raise NotebookError(
            f"{notebook.stem} stopped {place(executed)}:\n  {message}\n"
            f"The notebook as far as it got: {shown(executed)}"
        )
    if not record.exists():
        raise NotebookError(
            f"{notebook.stem} wrote no record.json: its last code cell must call "
            f"record.finish.\nThe executed notebook: {shown(executed)}"
        )
    return read_json(record, **FIELDS)


def write_outputs(notebook: Path | str, out_dir: Path | str) -> None:
    """Write the outputs of a finished quick run in place, the same bytes every time."""
    device = read_json(Path(out_dir) / "record.json", **FIELDS)["provenance"]["device"]
    executed = nbformat.read(Path(out_dir) / EXECUTED, as_version=4)
    clean = freshness.normalise(executed, profile="quick", device=device)
    nbformat.validate(clean)
    write_text(notebook, nbformat.writes(clean) + "\n")
    freshness.follow(notebook)


def finished(
    notebook: Path, out_dir: Path, given: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the record in ``out_dir`` if this very run made it, else None."""
    with contextlib.suppress(OSError, ValueError):
        record = read_json(out_dir / "record.json", **FIELDS)
        if record["provenance"].get("key") == run_key(notebook, given):
            return record
    return None


def run_key(notebook: Path, given: Mapping[str, Any]) -> str:
    """Hash all that decides a result: cells, parameters, library code, versions."""
    cells = freshness.hashes(nbformat.read(notebook, as_version=4))["sources"]
    code = [p.read_text("utf-8") for p in sorted((ROOT / "qglib").rglob("*.py"))]
    return freshness.digest([cells, dict(given), code, versions()])


def lab(out: Path) -> tuple[list[str], dict[str, str]]:
    """Copy the notebooks to ``out/notebooks``; command and environment to open them.

    A copy stays if its reader changed a cell or the project none.
    """
    folder = out / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for path in NOTEBOOKS.glob("*.ipynb"):
        copy = folder / path.name
        if not copy.exists() or _behind(copy, path):
            shutil.copyfile(path, copy)
    options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}"]
    command = [sys.executable, "-m", "jupyter", "lab", *options]
    return command, os.environ | {"PYTHONPATH": PATH, SESSION: str(out)}


def _behind(copy: Path, path: Path) -> bool:
    """Whether a copy is an older state of the project's, its cells untouched."""
    mine, now = (nbformat.read(p, as_version=4) for p in (copy, path))
    was = mine.metadata.get("qglib", {}).get("sources")
    return was == freshness.hashes(mine)["sources"] != freshness.hashes(now)["sources"]


def environment(notebook: Path, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of a kernel: threads, no bars, no network in quick."""
    env = os.environ | devices.thread_environment(devices.default_threads())
    env |= {
        "PYTHONPATH": PATH,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",  # a progress bar in a cell differs every run
        "PYTHONHASHSEED": "0",
        RUN_KEY: run_key(notebook, given),
    }
    if parameters.profile_of(notebook, given) == "quick":
        env["HF_HUB_OFFLINE"] = "1"
    return env


def shown(path: Path) -> str:
    """Return a path as short as the reader can use it from where he stands."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
