"""Sweeps and searches over small notebooks: points, resume, failures, a cluster."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qglib import execute, parallel, sweep, tune
from qglib.__main__ import main

pytestmark = pytest.mark.timeout(1200)  # a busy machine starts kernels slowly

# Each run leaves a line in a file beside the folders, which counts the runs.
COUNT = """\
with open(record.folder.parent / "runs.txt", "a") as file:
    print(record.folder.name, file=file)"""
UNLUCKY = "assert seed != 2, 'no luck with two'"
SLOW = "import time\ntime.sleep(2)"


@pytest.fixture
def notebook(write_notebook, monkeypatch) -> Path:
    path = write_notebook("01_one", COUNT, UNLUCKY)
    monkeypatch.setattr(execute, "NOTEBOOKS", path.parent)
    return path


def runs(out: Path) -> Counter[str]:
    return Counter((out / "runs.txt").read_text().split())


def test_axes_are_read_by_their_types(write_notebook) -> None:
    path = write_notebook("01_one")
    found = sweep.axes(path, ["seed=0..3", "label=a,1", "rate=0.5,1", "shuffle=true"])
    assert found == {
        "seed": [0, 1, 2, 3],
        "label": ["a", "1"],
        "rate": [0.5, 1.0],
        "shuffle": [True],
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sed=1,2", "did you mean 'seed'"),
        ("seed=a,b", "seed is declared int"),
        ("seed=3..1", "ends before it begins"),
        ("seed=1,1", "given twice"),
        ("seed=-2..1", "0 to 2\\^32"),
        ("device=qpu", "choose one of"),
        ("seed", "not of the form"),
    ],
)
def test_a_mistake_in_the_grid_starts_nothing(
    notebook, tmp_path, capsys, text: str, fault: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=fault):
        sweep.axes(notebook, [text])
    assert main(["sweep", "01", "-g", text, "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_what_varies_and_what_is_fixed_stay_apart(notebook, tmp_path) -> None:
    with pytest.raises(ValueError, match="seed is varied and fixed"):
        sweep.grid(notebook, {"seed": [1]}, {"seed": 2}, tmp_path)
    with pytest.raises(ValueError, match="nothing varies"):
        sweep.grid(notebook, {}, {}, tmp_path)
    with pytest.raises(ValueError, match="workers is 0"):
        parallel.run_points([], workers=0)


def test_a_failed_point_stops_no_other_and_a_second_call_repeats_only_it(
    notebook, tmp_path, capsys
) -> None:
    out = tmp_path / "out"
    call = ["sweep", "01", "-g", "seed=1..3", "-g", "n_events=5", "-p", "label=x"]
    call += ["--workers", "2", "--out", str(out)]
    assert main(call) == 1
    told = capsys.readouterr().out
    assert "2 points, 1 stopped" in told and "no luck with two" in told
    assert set(runs(out).values()) == {1} and len(runs(out)) == 3
    frame = pd.read_parquet(out / "table.parquet")
    assert list(frame["status"]) == ["done", "failed", "done"]
    assert list(frame["events"].dropna()) == [5, 5]
    assert set(frame["label"]) == {"x"} and frame["point"].is_unique
    assert (out / "compared.png").stat().st_size > 10_000
    csv = pd.read_csv(out / "table.csv")
    np.testing.assert_allclose(csv["mean"], frame["mean"].astype(float))

    assert main(call) == 1
    again = Counter(runs(out).values())
    assert again == {1: 2, 2: 1}, "finished points were run again"
    pd.testing.assert_frame_equal(pd.read_parquet(out / "table.parquet"), frame)


def test_equal_points_have_equal_records(notebook, tmp_path) -> None:
    one = parallel.point(notebook, {"seed": 3}, tmp_path / "a")
    two = parallel.point(notebook, {"seed": 3}, tmp_path / "b")
    assert one.folder.name == two.folder.name
    first, second, same = parallel.run_points([one, two, one], workers=2)
    assert first["results"] == second["results"] and same is first
    alone = execute.run_notebook(notebook, tmp_path / "c", {"seed": 3})
    assert alone["results"] == first["results"]


def test_a_process_that_dies_takes_no_other_point_with_it(
    write_notebook, tmp_path
) -> None:
    # the parent of the kernel is the process of the point
    death = "import os\nif seed == 1:\n    os.kill(os.getppid(), 9)"
    path = write_notebook("01_one", death)
    points = sweep.grid(path, {"seed": [1, 2]}, {}, tmp_path / "out")
    dead, alive = parallel.run_points(points, workers=2)
    assert isinstance(dead, Exception) and alive["results"]["events"] == 10


def test_a_worker_of_another_version_is_refused(notebook, tmp_path) -> None:
    one = parallel.point(notebook, {"seed": 3}, tmp_path)
    with pytest.raises(RuntimeError, match="another version"):
        parallel.run_point(one._replace(given={"seed": 4}))


def table_of(values: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        {"status": "done", "head": head, "seed": seed, "f1": f1, "n": 9, "seconds": f1}
        for head, scores in values.items()
        for seed, f1 in enumerate(scores)
    ]
    return pd.DataFrame([*rows, {"status": "failed", "head": "mlp", "seed": 9}])


def test_means_have_student_intervals_over_the_seeds() -> None:
    frame = table_of({"linear": [0.1, 0.2, 0.3], "mlp": [0.5]})
    linear, mlp = sweep.compared(frame, ["head", "seed"]).to_dict("records")
    # 0.2 -+ 4.3027 * 0.1 / sqrt(3)
    assert (linear["setting"], linear["result"], linear["n"]) == (
        "head=linear",
        "f1",
        3,
    )
    assert [linear[k] for k in ("mean", "low", "high")] == pytest.approx(
        [0.2, 0.2 - 0.24841, 0.2 + 0.24841], abs=1e-5
    )
    assert mlp["mean"] == 0.5 and np.isnan(mlp["low"]), "one run has no interval"
    (all_points,) = sweep.compared(frame[frame["head"] == "linear"], ["seed"])["n"]
    assert all_points == 3
    with pytest.raises(ValueError, match="choose among f1, n"):
        sweep.compared(frame, ["head", "seed"], ["f2"])


def test_the_figure_says_what_its_bars_are() -> None:
    frame = table_of({"linear": [0.1, 0.2, 0.3], "mlp": [0.5, 0.6]})
    fig = sweep.draw(sweep.compared(frame, ["head", "seed"], ["f1", "n"]))
    assert "2 to 3 seeds with 95 %" in fig.get_suptitle()
    assert [ax.get_xlabel() for ax in fig.axes] == ["f1", "n"]
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == [
        "head=linear",
        "head=mlp",
    ]
    alone = sweep.compared(table_of({"mlp": [0.5]}), ["head", "seed"], ["f1"])
    assert "no interval" in sweep.draw(alone).get_suptitle()


def test_a_cluster_loses_a_worker_and_no_point(write_notebook, tmp_path) -> None:
    """Nothing lost, nothing finished twice: a worker is killed in the middle."""
    distributed = pytest.importorskip("distributed", reason="needs the extra cluster")
    path, out = write_notebook("01_one", SLOW, COUNT), tmp_path / "out"
    points = sweep.grid(path, {"seed": list(range(5))}, {}, out)
    ended: list[str] = []
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    )
    with cluster:
        results: list = []

        def work() -> None:
            address = cluster.scheduler_address
            results.extend(
                parallel.run_points(
                    points,
                    scheduler=address,
                    on_end=lambda p, r: ended.append(p.folder),
                )
            )

        thread = threading.Thread(target=work)
        thread.start()
        while len(ended) < 2 and thread.is_alive():
            time.sleep(0.05)
        victim = next(iter(cluster.workers.values())).process.pid
        os.kill(victim, signal.SIGKILL)
        thread.join()
    assert [r["parameters"]["seed"] for r in results] == list(range(5))
    assert sorted(ended) == sorted(p.folder for p in points), "told once each"
    made = runs(out)
    assert set(made) == {p.folder.name for p in points}
    # only the point that died with its worker may have been begun twice
    assert sum(made.values()) <= len(points) + 1
    again = parallel.run_points(points)
    assert again == results and runs(out) == made


def test_a_cluster_of_threads_is_refused(notebook, tmp_path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra cluster")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, dashboard_address=None, processes=False
    ) as cluster:
        points = [parallel.point(notebook, {"seed": 1}, tmp_path)]
        (refused,) = parallel.run_points(points, scheduler=cluster.scheduler_address)
    assert "--nthreads 1" in str(refused)


def test_an_address_without_a_cluster_is_an_error_with_its_name(
    notebook, tmp_path, capsys, monkeypatch
) -> None:
    pytest.importorskip("distributed", reason="needs the extra cluster")
    monkeypatch.setattr(parallel, "PATIENCE", 1)
    call = ["sweep", "01", "-g", "seed=1,3", "--scheduler", "tcp://127.0.0.1:9"]
    assert main([*call, "--out", str(tmp_path / "out")]) == 2
    assert "tcp://127.0.0.1:9" in capsys.readouterr().err


def test_the_script_for_slurm_starts_workers_of_one_thread() -> None:
    """The recipe of site/sweeps.md, as far as it goes without SLURM."""
    jobqueue = pytest.importorskip("dask_jobqueue", reason="needs the extra cluster")
    recipe = (Path(__file__).parents[2] / "site" / "sweeps.md").read_text("utf-8")
    code = recipe.split("```python")[1].split("```")[0]
    made: list = []
    fake = {"adapt": lambda self, **k: made.append(self), "wait": lambda: None}
    real = jobqueue.SLURMCluster
    jobqueue.SLURMCluster = type("SLURM", (real,), {"adapt": fake["adapt"]})
    try:
        lines = [ln for ln in code.splitlines() if "input(" not in ln]
        exec("\n".join(lines), {})
    finally:
        jobqueue.SLURMCluster = real
    (cluster,) = made
    script = cluster.job_script()
    cluster.close()
    assert "--nthreads 1" in script and "#SBATCH --cpus-per-task=1" in script
    assert "export OMP_NUM_THREADS=1" in script


def test_a_search_finds_the_better_setting_and_says_how_to_run_it(
    write_notebook, monkeypatch, tmp_path, capsys
) -> None:
    path = write_notebook("01_one", COUNT)
    monkeypatch.setattr(execute, "NOTEBOOKS", path.parent)
    out = tmp_path / "out"
    call = ["tune", "01", "-s", "n_events=5..6", "-s", "label=a b,c", "-p", "seed=5"]
    call += ["--maximise", "events", "--trials", "2", "--workers", "2"]
    assert main([*call, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "Best of 2 trials: 6 " in told or "Best of 2 trials: 5 " in told
    assert "papermill" in told and "-p seed 5" in told and "-r label " in told
    study = tune.optuna.load_study(
        study_name="01_one: events", storage=f"sqlite:///{out / 'tune.db'}"
    )
    best = max(t.value for t in study.trials)
    assert f"Best of 2 trials: {best:.6g} " in told and len(study.trials) == 2
    assert main([*call[:-4], "--trials", "1", "--out", str(out)]) == 0
    assert "Best of 3 trials" in capsys.readouterr().out


def test_a_failed_trial_does_not_end_the_search(notebook, tmp_path) -> None:
    space = tune.space(notebook, ["seed=2,3"])
    study = tune.tune(notebook, space, {}, tmp_path, result="mean", trials=3, workers=3)
    states = Counter(t.state.name for t in study.trials)
    assert sum(states.values()) == 3 and set(states) <= {"FAIL", "COMPLETE"}
    for trial in study.trials:
        assert (trial.state.name == "FAIL") == (trial.params["seed"] == 2)


STEPS = """\
import time
for step in range(60):
    record.report(step, score=rate, seen=step)
    time.sleep(0.2)"""


def test_a_run_behind_the_others_is_stopped(
    write_notebook, monkeypatch, tmp_path, capsys
) -> None:
    """Five trials stand at 1 from the first step: one at 0.1 ends, one at 2 stays."""
    path, out = write_notebook("01_one", COUNT, STEPS), tmp_path / "out"
    monkeypatch.setattr(execute, "NOTEBOOKS", path.parent)
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = tune.optuna.create_study(
        storage=storage, study_name="01_one: mean", direction="maximize"
    )
    for _ in range(5):
        study.add_trial(
            tune.optuna.trial.create_trial(
                value=-9.0, intermediate_values=dict.fromkeys(range(60), 1.0)
            )
        )
    call = ["tune", "01", "--maximise", "mean", "--prune", "score", "--trials", "1"]
    call += ["--storage", storage, "--out", str(out)]
    began = time.monotonic()
    assert main([*call, "-s", "rate=0.1..0.2"]) == 0
    behind = time.monotonic() - began
    assert "1 trials were stopped early" in capsys.readouterr().out
    assert main([*call, "-s", "rate=2..3"]) == 0
    assert time.monotonic() - began - behind > 12, "the better one ran to its end"
    *_, pruned, kept = study.trials
    assert pruned.state.name == "PRUNED" and kept.state.name == "COMPLETE"
    assert 0 < len(pruned.intermediate_values) < 60
    assert set(kept.intermediate_values) == set(range(60))
    assert set(kept.intermediate_values.values()) == {kept.params["rate"]}

    with pytest.raises(ValueError, match="reports no 'f1' at its steps"):
        tune.tune(path, {}, {"rate": 2.0}, out, result="mean", prune="f1", trials=1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("label=1..3", "has no range"),
        ("rate=0..1:log", "above 0|low"),
        ("rate=2..1", "low"),
        ("speed=1..2", "no parameter 'speed'"),
    ],
)
def test_a_mistake_in_the_space_is_refused(write_notebook, text, fault) -> None:
    with pytest.raises((ValueError, TypeError), match=fault):
        tune.space(write_notebook("01_one"), [text])


def test_the_space_is_read_by_the_declared_types(write_notebook) -> None:
    path = write_notebook("01_one")
    found = tune.space(path, ["rate=1e-4..1e-1:log", "n_events=2..8", "label=a,b"])
    assert found["rate"] == tune.FloatDistribution(1e-4, 1e-1, log=True)
    assert found["n_events"] == tune.IntDistribution(2, 8)
    assert found["label"] == tune.CategoricalDistribution(["a", "b"])


def test_a_result_that_is_no_number_names_those_that_are(notebook, tmp_path) -> None:
    space = tune.space(notebook, ["seed=3,4"])
    with pytest.raises(ValueError, match="take mean, events"):
        tune.tune(notebook, space, {}, tmp_path, result="f1", trials=1)
