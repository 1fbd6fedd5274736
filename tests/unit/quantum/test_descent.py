"""Optimisers with their cost, and the figures that show it."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from qglib.quantum import draw_bandwidths, draw_costs, plateaus
from qglib.quantum.descent import OPTIMISERS, Descent, descend, ising_ring
from qglib.quantum.optimiser_trial import OptimiserTrial, compare_optimisers

SETTINGS = {
    "adam": (0.3, 0.0),
    "lbfgs": (20, 0.0),
    "natural_full": (0.3, 1e-3),
    "natural_block": (0.1, 1e-2),
}


@pytest.mark.parametrize("method", OPTIMISERS)
def test_no_optimiser_falls_below_the_ground_state(method):
    """The variational principle, and a target that all of them reach."""
    problem = ising_ring(3, 3)
    run = descend(problem, method, *SETTINGS[method], 5, 80)
    assert len(run.losses) == len(run.circuits) == len(run.seconds) == 81
    assert min(run.losses) > -1e-10
    assert run.first(0.05) is not None
    assert run.losses[run.first(0.05)] <= 0.05 < run.losses[run.first(0.05) - 1]
    assert run.first(-1.0) is None
    assert np.all(np.diff(run.circuits) >= 0)
    assert np.all(np.diff(run.seconds) >= 0)


def test_same_seed_same_run_and_the_global_generator_rests():
    problem, before = ising_ring(3, 2), torch.get_rng_state()
    runs = [descend(problem, "adam", 0.1, 0.0, seed, 4).losses for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_bad_settings_are_named():
    problem = ising_ring(2, 1)
    with pytest.raises(ValueError, match="method='newton'"):
        descend(problem, "newton", 0.1, 0.0, 0, 5)
    with pytest.raises(ValueError, match="at least 1 step"):
        descend(problem, "adam", 0.1, 0.0, 0, 0)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="circuit='ring'"):
        plateaus.gradient_squares("ring", "uniform", 2, 1, 4, rng)
    with pytest.raises(ValueError, match="start='zero'"):
        plateaus.gradient_squares("strong", "zero", 2, 1, 4, rng)


def test_a_deep_circuit_has_the_gradient_of_a_two_design():
    """Var = d^2 / (2 (d + 1) (d^2 - 1)) for a Pauli word and a generator P / 2.

    Average of <psi| i [G, O] |psi>^2 over Haar states and a Haar rotated O (McClean et
    al. 2018). The layers at both ends are no 2-design: about 1 to 2 of 24.
    """
    rng, n = np.random.default_rng(3), 5
    found = plateaus.gradient_squares("strong", "uniform", n, 24, 512, rng)
    assert found["local"].shape == (512,)
    d = 2**n
    want = d**2 / (2 * (d + 1) * (d**2 - 1))
    for name in plateaus.OBSERVABLES:
        assert 22 / 24 * 0.98 < found[name].mean() / want < 1.0, name


def test_cost_figure_draws_every_run():
    short = Descent([1.0, 0.1, 0.01], [0, 10, 20], [0.0, 0.1, 0.2])
    figure = draw_costs({"adam": [short, short], "natural_full": [short]}, 0.05)
    left, right = figure.axes
    assert len(left.lines) == len(right.lines) == 3 + 1
    assert [t.get_text() for t in left.get_legend().get_texts()] == [
        "Adam",
        "natural gradient, full",
    ]
    assert right.lines[0].get_xdata().tolist() == [10, 20]
    with pytest.raises(ValueError, match="runs is empty"):
        draw_costs({"adam": []}, 0.05)
    plt.close("all")


def test_a_trial_counts_only_starts_that_all_reach():
    fast = [Descent([1.0, 0.1], [0, 5], [0.0, 1.0]) for _ in range(2)]
    slow = [
        Descent([1.0, 0.5, 0.1], [0, 7, 14], [0.0, 5.0, 10.0]),
        Descent([1.0, 0.9, 0.8], [0, 7, 14], [0.0, 5.0, 10.0]),
    ]
    trial = OptimiserTrial(0.2, {"lbfgs": fast, "adam": slow})
    assert trial.paired() == [0]
    assert trial.spent("adam", "iterations").tolist() == [2]
    assert trial.spent("adam", "circuits").tolist() == [14]
    assert trial.log10_time("adam", "lbfgs").tolist() == [-1.0]
    table = trial.table()
    assert table.loc["adam", "reached"] == "1 of 2"
    assert table["time, lbfgs = 1"].tolist() == ["1", "1e+01"]


def test_a_trial_starts_all_at_the_same_weights():
    chosen = {"adam": (0.1, 0.0), "natural_full": (0.1, 1e-2)}
    trial = compare_optimisers(ising_ring(2, 1), chosen, (4, 9), 2)
    first = {m: [run.losses[0] for run in r] for m, r in trial.runs.items()}
    assert first["adam"] == first["natural_full"]
    assert first["adam"][0] != first["adam"][1]
    with pytest.raises(ValueError, match="must not be empty"):
        compare_optimisers(ising_ring(2, 1), chosen, ())


def test_deviations_are_standard_errors_and_see_a_wrong_record():
    rng = np.random.default_rng(8)
    row = {"circuit": "reuploading", "start": "uniform", "observable": "local"}
    row |= {"qubits": 1, "depth": 1, "standard_error": 0.0}
    right = row | {"mean_square": 1 / 6}  # (3/8 + 1/8 + 0) / 3
    wrong = row | {"mean_square": 1 / 4}
    good, bad = plateaus.deviations([right, wrong], 512, rng)
    assert abs(good) < 4
    assert bad < -8


def test_bandwidth_figure_names_the_best():
    rows = [
        ("IQP", 0.1, 0.9, 0.8), ("IQP", 1.0, 0.6, 0.1), ("RBF", 0.1, 0.95, 0.9),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["kernel", "bandwidth", "accuracy", "overlap"])
    figure = draw_bandwidths(table, 0.5)
    titles = [figure.axes[0].get_title(loc=side) for side in ("left", "center")]
    assert "Best: RBF at 0.1" in titles
    assert len(figure.axes[0].lines) == 3, "two kernels and the majority class"
    assert len(figure.axes[1].lines) == 2
    with pytest.raises(ValueError, match="table is empty"):
        draw_bandwidths(table[:0], 0.5)
    plt.close("all")
