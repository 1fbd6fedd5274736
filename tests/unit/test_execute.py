"""Strict runs of small notebooks: parameters, errors, kernel, refresh, resume."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
from nbclient import client
from nbclient.exceptions import CellTimeoutError

import qglib
from qglib import devices, execute, freshness
from qglib.__main__ import main
from tests.staleness import staleness

FIGURE = """\
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2])
record.figure(fig, "line")"""

LOOK = """\
import os, sys
for chunk in range(3):
    print(chunk, flush=True)
names = ["OMP_NUM_THREADS", "HF_HUB_OFFLINE", "TQDM_DISABLE", "PYTHONHASHSEED",
         "TOKENIZERS_PARALLELISM"]
seen = {name: os.environ.get(name, "") for name in names}
seen |= {"cwd": os.getcwd(), "python": sys.executable, "qglib": run.__file__}
run.write_json(record.folder / "seen.json", seen)"""


@pytest.fixture
def notebooks(write_notebook, monkeypatch) -> Path:
    """Three small notebooks as the project's own, of which 02 fails."""
    write_notebook("01_one", "1 + 1")
    write_notebook("02_two", "raise RuntimeError('no luck today')")
    folder = write_notebook("00_start", "1 + 1").parent
    monkeypatch.setattr(execute, "NOTEBOOKS", folder)
    return folder


def code_of(path: Path) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def test_a_run_leaves_notebook_record_and_figures(write_notebook, tmp_path) -> None:
    path, out = write_notebook("01_one", FIGURE, LOOK), tmp_path / "out"
    record = execute.run_notebook(path, out, {"seed": 3, "rate": 1, "label": "3"})
    assert record == json.loads((out / "record.json").read_text())
    assert record["parameters"]["seed"] == 3
    assert record["parameters"]["label"] == "3"
    assert record["settings"]["n_events"] == 10
    assert record["results"]["events"] == 10
    assert (out / "figures" / "line.png").exists()
    assert execute.place(out / execute.EXECUTED) == (
        'in cell 6 of 6, under "Counting events"'
    )

    cells = code_of(out / execute.EXECUTED)
    (figure,) = [cell for cell in cells if "record.figure" in cell.source]
    assert [o.output_type for o in figure.outputs] == ["display_data"], "shown once"
    (look,) = [cell for cell in cells if "sys.executable" in cell.source]
    assert [o.get("text") for o in look.outputs] == ["0\n1\n2\n"]

    seen = json.loads((out / "seen.json").read_text())
    assert seen["cwd"] == str(path.parent)
    assert seen["python"] == sys.executable
    assert seen["qglib"] == str(execute.ROOT / "qglib" / "run.py")
    assert seen["OMP_NUM_THREADS"] == str(devices.default_threads())
    assert seen["HF_HUB_OFFLINE"] == "1"
    assert seen["PYTHONHASHSEED"] == "0"
    assert seen["TQDM_DISABLE"] == "1"
    assert seen["TOKENIZERS_PARALLELISM"] == "false"


def test_the_same_seed_gives_the_same_numbers(write_notebook, tmp_path) -> None:
    path = write_notebook("01_one")
    means = [
        execute.run_notebook(path, tmp_path / str(i), {"seed": seed})["results"]["mean"]
        for i, seed in enumerate((3, 3, 4))
    ]
    assert means[0] == means[1]
    assert not np.isclose(means[0], means[2])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"sede": 3}, ValueError, "01_one.ipynb has no parameter 'sede'.*'seed'"),
        ({"seed": "3"}, TypeError, "seed is declared int, but '3' is str"),
    ],
)
def test_a_wrong_parameter_keeps_the_old_record(
    write_notebook, tmp_path, given, error, message
) -> None:
    path, record = write_notebook("01_one"), tmp_path / "out" / "record.json"
    record.parent.mkdir()
    record.write_text("{}")
    with pytest.raises(error, match=message):
        execute.run_notebook(path, record.parent, given)
    assert record.exists()


def test_an_error_says_where_and_leaves_no_record(write_notebook, tmp_path) -> None:
    path, out = write_notebook("02_two", "raise KeyError('no luck')"), tmp_path / "out"
    out.mkdir()
    (out / "record.json").write_text("{}")
    with pytest.raises(execute.NotebookError) as caught:
        execute.run_notebook(path, out)
    text = str(caught.value)
    assert '02_two stopped in cell 4 of 5, under "Counting events":' in text
    assert "KeyError: 'no luck'" in text
    assert "Traceback" not in text
    assert execute.EXECUTED in text
    assert not (out / "record.json").exists()
    outputs = [
        o.output_type for c in code_of(out / execute.EXECUTED) for o in c.outputs
    ]
    assert "error" in outputs


def test_a_dead_kernel_is_reported(write_notebook, tmp_path) -> None:
    path = write_notebook("02_two", "import os; os._exit(1)")
    with pytest.raises(
        execute.NotebookError, match="kernel died, often because memory"
    ):
        execute.run_notebook(path, tmp_path / "out")


def test_a_notebook_must_write_a_record(write_notebook, tmp_path) -> None:
    path = write_notebook("01_one", finish=False)
    with pytest.raises(execute.NotebookError, match=r"must call record\.finish"):
        execute.run_notebook(path, tmp_path / "out")


def test_two_refreshes_give_the_same_bytes(write_notebook, tmp_path) -> None:
    path = write_notebook("01_one", FIGURE, "print(record.settings)\nrecord")
    contents = []
    for name in ("first", "second"):
        execute.run_notebook(path, tmp_path / name / "01_one")
        execute.write_outputs(path, tmp_path / name / "01_one")
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    notebook = nbformat.read(path, as_version=4)
    assert staleness(notebook) == ""
    assert notebook.metadata.kernelspec.name == "python3"
    assert str(tmp_path) not in path.read_text()


def test_notebooks_are_chosen_by_number_name_or_path(notebooks) -> None:
    def chosen(*names: str) -> list[str]:
        return [path.stem for path in execute.select(names)]

    assert chosen() == ["01_one", "02_two", "00_start"]
    assert chosen("02", "01") == ["01_one", "02_two"]
    assert chosen("00_start", "notebooks/01_one.ipynb") == ["01_one", "00_start"]
    assert chosen("main") == ["01_one", "02_two", "00_start"]
    assert chosen("all") == chosen("main", "01") == chosen()
    for wrong in ("1", "07", "one", ""):
        with pytest.raises(ValueError, match="There are: 00_start, 01_one, 02_two"):
            execute.select([wrong])


def test_the_key_knows_cells_and_parameters(write_notebook) -> None:
    path = write_notebook("01_one")
    key = execute.run_key(path, {"seed": 3})
    assert key == execute.run_key(path, {"seed": 3})
    assert key != execute.run_key(path, {"seed": 4})
    write_notebook("01_one", "2 + 2")
    assert key != execute.run_key(path, {"seed": 3})


def test_full_may_use_the_network(write_notebook, monkeypatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    path = write_notebook("01_one")
    assert "HF_HUB_OFFLINE" not in execute.environment(path, {"profile": "full"})
    assert execute.environment(path, {})["HF_HUB_OFFLINE"] == "1"


def test_the_command_runs_resumes_and_sums_up(notebooks, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    call = ["run", "01", "00", "-p", "n_events=12", "--out", str(out)]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert said.index("01_one") < said.index("00_start")
    assert "figures (0)" in said
    assert "record.json" in said
    assert said.count("mean found") == 4, "once as it ends and once in the summary"
    made = (out / "01_one" / "record.json").stat().st_mtime_ns

    (out / "00_start" / "record.json").unlink()
    assert main([*call, "--resume"]) == 0
    assert "01_one  finished before" in capsys.readouterr().out
    assert (out / "01_one" / "record.json").stat().st_mtime_ns == made
    assert (out / "00_start" / "record.json").exists()

    # Other parameters are another run: nothing may be reused.
    call[4] = "n_events=13"
    assert main([*call, "--resume"]) == 0
    assert "finished before" not in capsys.readouterr().out


@pytest.mark.parametrize("content", ["[]", "{}", '{"provenance": 3}', "{", "\x00"])
def test_a_broken_record_is_not_finished(write_notebook, tmp_path, content) -> None:
    path = write_notebook("01_one")
    (tmp_path / "record.json").write_text(content)
    assert execute.finished(path, tmp_path, {}) is None


def test_a_second_run_into_the_same_folder_is_refused(
    notebooks, tmp_path, capsys
) -> None:
    out = tmp_path / "out"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import pathlib, sys, time; from qglib import execute\n"
            "lock = execute.hold(pathlib.Path(sys.argv[1]))\n"
            "print('held', flush=True); time.sleep(600)",
            str(out),
        ],
        cwd=execute.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        assert main(["run", "01", "--out", str(out)]) == 2
        said = capsys.readouterr().err
        assert f"process {holder.pid} runs notebooks into {out}: wait" in said
        assert not (out / "01_one").exists()
    finally:
        holder.kill()
        holder.communicate()
    execute.hold(out).close()  # a lock of a dead process holds nothing
    execute.hold(out).close()


def test_the_version_is_told(capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"qglib {qglib.__version__}\n"


def test_two_jobs_run_report_and_resume(notebooks, tmp_path, capsys) -> None:
    call = ["run", "all", "--jobs", "2", "--out", str(tmp_path / "out")]
    assert main(call) == 1, "02 fails"
    said = capsys.readouterr()
    assert "02_two  stopped" in said.out
    assert "RuntimeError: no luck today" in said.err
    assert (tmp_path / "out" / "00_start" / "record.json").exists()
    assert main([*call, "--resume"]) == 1
    said = capsys.readouterr().out
    assert "01_one  finished before" in said
    assert "00_start  finished before" not in said, "it follows an unfinished one"


def test_after_an_unfinished_notebook_all_run_again(
    notebooks, tmp_path, capsys
) -> None:
    call = ["run", "01", "00", "--out", str(tmp_path / "out")]
    assert main(call) == 0
    (tmp_path / "out" / "01_one" / "record.json").unlink()
    capsys.readouterr()
    assert main([*call, "--resume"]) == 0
    assert "finished before" not in capsys.readouterr().out


def test_the_command_reports_a_failure_in_three_lines(
    notebooks, tmp_path, capsys
) -> None:
    assert main(["run", "02", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "02_two  stopped" in said.out
    lines = said.err.strip().splitlines()
    assert len(lines) == 3
    assert lines[1] == "  RuntimeError: no luck today"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "01", "-p", "sede=3"], "did you mean 'seed'"),
        (["run", "-p", "seed=x"], "seed is declared int"),
        (["run", "09"], "'09' names no notebook"),
        (["run", "--profile", "full", "-p", "profile=quick"], "profile is given twice"),
        (["run", "01", "--profile", "huge"], "choose one of quick, full"),
    ],
)
def test_a_mistake_in_the_call_starts_nothing(
    notebooks, tmp_path, capsys, arguments, message
) -> None:
    assert main([*arguments, *(["--out", str(tmp_path / "out")])]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_device_that_does_not_work_starts_nothing(
    notebooks, tmp_path, capsys, monkeypatch
) -> None:
    def broken(name: str, wires: int) -> None:
        raise ImportError("Unable to load the binaries")

    monkeypatch.setattr(devices, "_build", broken)
    call = ["run", "01", "--device", "lightning.gpu", "--out", str(tmp_path / "out")]
    assert main(call) == 1
    said = capsys.readouterr().err
    assert "asked for by name but cannot be used" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told(notebooks, tmp_path, capsys) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["run", "01", "--out", str(tmp_path / "file")]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "file") in said
    assert "--out may name another folder" in said


def test_a_full_disk_leaves_no_torn_notebook(
    notebooks, tmp_path, capsys, monkeypatch
) -> None:
    def full(source: str, target: str, **options: object) -> None:
        Path(target).touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(papermill, "execute_notebook", full)
    assert main(["run", "01", "--out", str(tmp_path / "out")]) == 2
    assert "No space left on device; --out may name" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*/*"))


def test_output_without_end_is_told_with_its_place(write_notebook, tmp_path) -> None:
    path = write_notebook("01_one", "print('x' * 80_000_000)")
    began = time.process_time()
    with pytest.raises(execute.NotebookError) as failure:
        execute.run_notebook(path, tmp_path / "out")
    assert time.process_time() - began < 120, "a long line must take no square"
    assert "cell 4 of 5" in str(failure.value) and "large results" in str(failure.value)
    assert (tmp_path / "out" / execute.EXECUTED).stat().st_size < 1e5


def test_streams_are_joined_as_nbclient_joins_them() -> None:
    """Its two patterns for a carriage return, on short random streams."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        chunks = ["".join(rng.choice([*"ab\r\n"], 4)) for _ in range(3)]
        outputs = [nbformat.v4.new_output("stream", text=text) for text in chunks]
        outputs.insert(1, nbformat.v4.new_output("display_data"))
        cell = nbformat.v4.new_code_cell(outputs=outputs)
        execute.join_streams(cell)
        assert [o.output_type for o in cell.outputs] == ["stream", "display_data"]
        wanted = client._RGX_CARRIAGERETURN.sub("", "".join(chunks))
        assert cell.outputs[0].text == wanted


def test_output_that_comes_too_late_is_told_with_its_place(
    write_notebook, tmp_path, monkeypatch
) -> None:
    real = papermill.execute_notebook

    def late(*places: str, **options: object) -> None:
        real(*places, **options)
        raise CellTimeoutError("Timeout waiting for IOPub output")

    monkeypatch.setattr(papermill, "execute_notebook", late)
    with pytest.raises(execute.NotebookError) as caught:
        execute.run_notebook(write_notebook("01_one"), tmp_path / "out")
    assert '01_one stopped in cell 4 of 4, under "Counting events"' in str(caught.value)
    assert "print less, and write large results as files" in str(caught.value)


def test_lab_opens_copies_that_keep_what_a_reader_wrote(notebooks, tmp_path) -> None:
    command, environment = execute.lab(tmp_path / "lab")
    assert "--ServerApp.ip=127.0.0.1" in command
    assert environment["QGLIB_SESSION"] == str(tmp_path / "lab")
    folder = tmp_path / "lab" / "notebooks"
    assert f"--ServerApp.root_dir={folder}" in command
    assert {p.name for p in folder.iterdir()} == {p.name for p in notebooks.iterdir()}

    for path in notebooks.glob("*.ipynb"):  # as a refresh leaves them
        notebook = nbformat.read(path, as_version=4)
        clean = freshness.normalise(notebook, profile="quick", device="none")
        nbformat.write(clean, path)
        shutil.copyfile(path, folder / path.name)
    for name in ("00_start", "01_one", "02_two"):
        copy = nbformat.read(folder / f"{name}.ipynb", as_version=4)
        copy.cells[-1].outputs = []
        copy.cells[-1].execution_count = 41  # run by the reader
        if name == "01_one":
            copy.cells[0].source += "\n\nMine."
        nbformat.write(copy, folder / f"{name}.ipynb")
        if name != "02_two":  # and the project goes on
            theirs = nbformat.read(notebooks / f"{name}.ipynb", as_version=4)
            theirs.cells[0].source += "\n\nNew."
            nbformat.write(theirs, notebooks / f"{name}.ipynb")
    execute.lab(tmp_path / "lab")

    def copied(name: str) -> str:
        return (folder / f"{name}.ipynb").read_text()

    assert "New." in copied("00_start"), "no cell of it was changed"
    assert "Mine." in copied("01_one") and "New." not in copied("01_one")
    assert '"execution_count": 41' in copied("02_two"), "what was run stays"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_an_interrupt_leaves_no_record_and_no_kernel(
    write_notebook, tmp_path, sent, jobs
) -> None:
    if sent == signal.SIGINT and jobs == "2":
        pytest.skip("a terminal interrupts the workers, this test only the parent")
    note = tmp_path / "kernel"
    wait = (
        f"import os, pathlib, time\n"
        f"pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    )
    path, out = write_notebook("01_one", wait), tmp_path / "out"
    # A shell starts background jobs with the interrupt ignored, which is inherited.
    script = (
        "import signal, sys; from pathlib import Path; from qglib import execute\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"execute.NOTEBOOKS = Path({str(path.parent)!r})\n"
        "from qglib.__main__ import main\n"
        "if __name__ == '__main__':\n"
        f"    call = ['run', '01', '--jobs', {jobs!r}, '--out', {str(out)!r}]\n"
        "    sys.exit(main(call))"
    )
    program = tmp_path / "program.py"
    program.write_text(script)
    child = subprocess.Popen(
        [sys.executable, str(program)],
        cwd=execute.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 600  # a busy machine is slow
        while not note.exists() and time.monotonic() < until:
            time.sleep(0.1)
        child.send_signal(sent)
        _, said = child.communicate(timeout=600)
    finally:
        child.kill()
    assert child.returncode == 130
    assert "--resume" in said
    assert not list((out / "01_one").glob("*record*"))
    kernel = int(note.read_text())
    until = time.monotonic() + 60
    while time.monotonic() < until and _alive(kernel):
        time.sleep(0.1)
    assert not _alive(kernel)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_without_a_checkout_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "NOTEBOOKS", tmp_path)
    with pytest.raises(ValueError, match="need a checkout"):
        execute.select(["02"])
