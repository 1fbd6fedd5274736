"""Every notebook from end to end in quick, its record against expected values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qglib import devices, execute, regression

PATHS = execute.select()  # in the order of a run: 00 last
# The budget is two minutes on a free core; the limit is for busy ones.
LIMIT = pytest.mark.timeout(900)
every = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)


class OneRun:
    """Runs each notebook once, when it is first asked for, into one run folder."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self._records: dict[str, dict[str, Any]] = {}

    def record(self, path: Path) -> dict[str, Any]:
        if path.stem not in self._records:
            self._records[path.stem] = execute.run_notebook(
                path,
                self.folder / path.stem,
                {"profile": "quick", "device": self.device},
            )
        return self._records[path.stem]


@pytest.fixture(scope="session")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> OneRun:
    return OneRun(tmp_path_factory.mktemp("cpu"), "lightning.qubit")


@pytest.fixture(scope="session")
def on_gpu(tmp_path_factory: pytest.TempPathFactory) -> OneRun:
    try:
        devices.pick("lightning.gpu", 2)
    except RuntimeError as error:
        pytest.skip(str(error))
    return OneRun(tmp_path_factory.mktemp("gpu"), "lightning.gpu")


def compare(record: dict[str, Any], path: Path) -> None:
    file = regression.expected_file(path.stem, "quick")
    assert file.exists(), f"make {file.name}: pytest tests/notebooks --update-expected"
    found = regression.compare(
        record["results"],
        regression.load(file),
        device=record["provenance"]["device"],
    )
    assert not found, "\n" + regression.table(found)


@LIMIT
@every
def test_results_are_as_expected(
    path: Path, on_cpu: OneRun, request: pytest.FixtureRequest
) -> None:
    record = on_cpu.record(path)
    assert record["headline"]
    assert record["provenance"]["deterministic"], "torch was imported after run.start"
    assert record["provenance"]["device"] in ("lightning.qubit", "none")
    if request.config.getoption("--update-expected"):
        file = regression.expected_file(path.stem, "quick")
        force = request.config.getoption("--force")
        regression.update_file(file, record["results"], force=force)
    compare(record, path)


@LIMIT
@every
def test_results_on_the_gpu(path: Path, on_gpu: OneRun) -> None:
    compare(on_gpu.record(path), path)


@LIMIT
@pytest.mark.skipif(not PATHS, reason="there is no notebook yet")
def test_plain_papermill_works_as_well(tmp_path: Path) -> None:
    """As a reader would call it: from the root, papermill's own command line."""
    path, out = PATHS[0], tmp_path / PATHS[0].stem
    environment = os.environ | {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONPATH": str(execute.ROOT),
    }
    notebook, copy = path.relative_to(execute.ROOT), tmp_path / "out.ipynb"
    call = [sys.executable, "-m", "papermill", str(notebook), str(copy)]
    given = ["-p", "seed", "3", "-p", "out_dir", str(out), "--no-progress-bar"]
    done = subprocess.run(
        [*call, *given],
        cwd=execute.ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((out / "record.json").read_text())
    assert record["parameters"]["seed"] == 3
    assert record["parameters"]["profile"] == "quick"
    assert "unknown parameter" not in done.stderr
