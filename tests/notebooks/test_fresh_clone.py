"""The two commands in a fresh clone of the last commit, as CI would type them.

The clone uses the environment that runs this test, so no second torch is
installed: make is only asked what it would do, and one notebook is really run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST = "01"


def call(*arguments: str, cwd: Path, **environment: str) -> str:
    """Run a command with a plain environment; return what it printed."""
    own = (
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
        "PYTHONPATH",
        "MAKEFLAGS",
        "MAKELEVEL",  # a make inside make prints the folders it enters
        "MFLAGS",
    )
    env = {k: v for k, v in os.environ.items() if k not in own}
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env=env | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: a source archive cannot be cloned")
    head = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "HEAD"],
        capture_output=True,
    )
    if head.returncode:
        pytest.skip("nothing is committed yet")
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    call("git", "clone", "--quiet", str(ROOT), str(folder), cwd=folder.parent)
    return folder


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


@needs_make
@pytest.mark.parametrize(
    ("target", "command"),
    [("run", "-m qglib run main --profile quick"), ("test", "-m pytest -n 2")],
)
def test_a_newcomer_gets_an_environment_of_his_own(
    clone: Path, target: str, command: str
) -> None:
    plan = call("make", "-n", target, cwd=clone)
    assert "-m venv .venv" in plan
    assert "-c constraints.txt" in plan
    assert f".venv/bin/python {command}" in plan
    assert plan.index("pip install") < plan.index(command)
    assert not (clone / ".venv").exists()


@needs_make
@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_active_environment_is_used_as_it_is(clone: Path, variable: str) -> None:
    active = {variable: sys.prefix}
    if variable == "CONDA_PREFIX":
        active["CONDA_DEFAULT_ENV"] = "qglib"
    plan = call("make", "-n", "run", cwd=clone, **active)
    assert "-m venv" not in plan
    assert f"{sys.prefix}/bin/python -m qglib run" in plan


@needs_make
def test_ci_types_make_test(clone: Path) -> None:
    assert os.access(clone / ".ci" / "run", os.X_OK)
    plan = call("make", "-n", "test", cwd=clone, VIRTUAL_ENV=sys.prefix)
    stages = [ln for ln in plan.splitlines() if "ruff" in ln or "pytest" in ln]
    assert [line.split()[-1] for line in stages] == [
        ".",
        ".",
        "tests/style",
        "tests/unit",
        "tests/site",
        "tests/notebooks",
    ]


def test_a_notebook_of_the_clone_runs_on_the_clones_library(
    clone: Path, tmp_path: Path
) -> None:
    said = call(
        *(sys.executable, "-m", "qglib", "run", FIRST, "--out", str(tmp_path)),
        cwd=clone,
        VIRTUAL_ENV=sys.prefix,
    )
    (folder,) = tmp_path.glob(f"{FIRST}_*")
    record = json.loads((folder / "record.json").read_text())
    assert record["headline"] in said
    commit = call("git", "rev-parse", "--short", "HEAD", cwd=clone).strip()
    assert record["provenance"]["commit"] == commit, (
        "the record names the clone's commit"
    )
    changed = call("git", "status", "--porcelain", cwd=clone)
    assert changed == "", "a run must not touch tracked or unignored files"
