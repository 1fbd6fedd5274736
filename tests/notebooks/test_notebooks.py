"""Every notebook from end to end in quick, its record against expected values."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qglib import devices, execute, parallel
from qglib.data.wheels import LIST, wheel_licence
from tests import regression

PATHS = execute.select()  # in the order of a run: 00 last
JOBS = min(2, os.cpu_count() or 1)
# All notebooks run, two at a time, when the first test asks for its record.
LIMIT = pytest.mark.timeout(3000)
every = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)

# Circuits that a device asked for by name must have run at least, one sample each:
# forward, backward and a training step of the head in 02, search in 03, wires in 04,
# kernels and geometry in the studies.
CIRCUITS = {
    "02_model_training": 16,
    "03_causal_analysis": 2,
    "04_interpretability": 4,
    "21_head_ablation": 24,
    "22_optimisers": 10,
    "24_kernels": 10,
    "25_many_tasks": 10,
    "31_kernel_tests": 4,
    "33_quantum_search": 3,
}


class OneRun:
    """Runs all notebooks once into one run folder, when the first record is asked."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self._ended: dict[Path, dict[str, Any] | BaseException] = {}

    def record(self, path: Path) -> dict[str, Any]:
        if not self._ended:
            given = {p: {"profile": "quick", "device": self.device} for p in PATHS}
            self._ended = parallel.run_notebooks(PATHS, self.folder, given, jobs=JOBS)
        if isinstance(self._ended[path], BaseException):
            raise self._ended[path]
        return self._ended[path]

    def seconds(self) -> dict[str, float]:
        records = {p.stem: r for p, r in self._ended.items() if isinstance(r, dict)}
        return {name: r["provenance"]["seconds"] for name, r in records.items()}


@pytest.fixture(scope="session")
def on_cpu(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> OneRun:
    run = OneRun(tmp_path_factory.mktemp("cpu"), "lightning.qubit")
    request.config.seconds_of_notebooks = run.seconds
    return run


@pytest.fixture(scope="session")
def on_gpu(tmp_path_factory: pytest.TempPathFactory) -> OneRun:
    try:
        devices.pick("lightning.gpu", 2)
    except RuntimeError as error:
        pytest.skip(str(error))
    return OneRun(tmp_path_factory.mktemp("gpu"), "lightning.gpu")


@pytest.fixture(autouse=True)
def packages_of_data(request: pytest.FixtureRequest) -> None:
    """Skip a notebook whose package of data is absent: it says so and stops."""
    if "path" not in request.fixturenames:
        return
    source = request.getfixturevalue("path").read_text(encoding="utf-8")
    for package in re.findall(r"(?m)^([\w-]+)==", LIST.read_text(encoding="utf-8")):
        if f'\\"{package}\\"' in source:
            try:
                wheel_licence(package)
            except FileNotFoundError as missing:
                pytest.skip(f"{request.node.name}: {missing}")


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


def ran_on(record: dict[str, Any], name: str) -> int:
    return record["provenance"]["circuits"].get(name, 0)


@LIMIT
@every
def test_a_device_asked_for_by_name_runs_the_circuits(
    path: Path, on_cpu: OneRun
) -> None:
    record = on_cpu.record(path)
    least = CIRCUITS.get(path.stem, int(record["provenance"]["device"] != "none"))
    found = ran_on(record, "lightning.qubit")
    assert found >= least, f"lightning.qubit ran {found} circuits of at least {least}"


@LIMIT
@every
def test_results_on_the_gpu(path: Path, on_gpu: OneRun) -> None:
    record = on_gpu.record(path)
    compare(record, path)
    assert ran_on(record, "lightning.gpu") >= CIRCUITS.get(path.stem, 0)


@LIMIT
@pytest.mark.parametrize("name", ["24", "33"])
def test_the_same_values_on_another_simulator(name: str, tmp_path: Path) -> None:
    """default.qubit on two cheap notebooks; all were compared by hand."""
    (path,) = execute.select([name])
    given = {"profile": "quick", "device": "default.qubit"}
    record = execute.run_notebook(path, tmp_path / path.stem, given)
    compare(record, path)
    assert ran_on(record, "default.qubit") >= CIRCUITS[path.stem]
    assert ran_on(record, "lightning.qubit") == 0


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
