"""The recorded studies are reproduced by their code, and meet known values."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

from bench.studies import barren_plateau, natural_gradient
from qglib.quantum import drawing, plateaus
from qglib.quantum.descent import descend, ising_ring

ROOT = Path(__file__).parents[3]


def recorded(name):
    return json.loads((ROOT / f"data/reference/results/{name}.json").read_text())


def test_gradient_variances_are_reproduced():
    rows = recorded("barren_plateau")["rows"]
    for row in barren_plateau.recompute_slice():
        key = {k: v for k, v in row.items() if isinstance(v, str) or k != "mean_square"}
        key.pop("standard_error")
        [match] = [r for r in rows if key.items() <= r.items()]
        assert row["mean_square"] == pytest.approx(match["mean_square"], rel=1e-6)


def test_variance_of_one_qubit_in_closed_form():
    """<Z> = cos x cos t - sin x sin t cos p: 3/8, 1/8 and 0 for t, p and omega."""
    rng = np.random.default_rng(0)
    head = plateaus.angles_as_inputs("reuploading", 1, 1)
    import torch

    angles = torch.tensor(rng.uniform(-np.pi, np.pi, (4000, 4)), requires_grad=True)
    (slope,) = torch.autograd.grad(head(angles)[:, 0].sum(), angles)
    found = slope[:, 1:].square().mean(0)
    error = slope[:, 1:].square().std(0) / 4000**0.5
    want = torch.tensor([1 / 8, 3 / 8, 0.0], dtype=torch.float64)
    assert (abs(found - want) <= 4 * error + 1e-12).all()


def test_deep_circuits_reach_the_slope_of_a_two_design():
    for row in recorded("barren_plateau")["slopes"]:
        if row["circuit"] == "strong" and row["depth"] == 16:
            assert row["slope"] == pytest.approx(-1, abs=0.02)


def test_optimiser_losses_are_reproduced():
    stored = recorded("natural_gradient")["slice"]
    for method, losses in natural_gradient.recompute_slice().items():
        assert losses == pytest.approx(stored[method], rel=1e-5, abs=1e-8)


def test_counting_rule():
    problem = natural_gradient.PROBLEMS["ising_4"]()
    p, layers = 36, 3
    counts = {
        m: descend(problem, m, 0.1, 0.01, 0, 2).circuits
        for m in ("adam", "natural_full", "natural_block")
    }
    assert counts["adam"] == [0, 1 + 2 * p, 2 * (1 + 2 * p)]
    full, block = 2 * p * (p - 1) + p, 3 * layers
    assert counts["natural_full"][1] == 1 + 2 * p + full
    assert counts["natural_block"][1] == 1 + 2 * p + block


def test_ground_energy_of_the_ising_ring():
    """Critical ring of 4: -sum |2 sin(k / 2)| over odd momenta, 5.2262518595."""
    problem = ising_ring(4, 1)
    import torch

    ground = -4 * float(problem.loss(torch.zeros(1, 1, dtype=torch.float64)))
    momenta = np.pi * np.array([-3, -1, 1, 3]) / 4
    assert ground == pytest.approx(-np.abs(2 * np.cos(momenta / 2)).sum(), abs=1e-10)


def test_figures_are_drawn():
    plateau, optimisers = recorded("barren_plateau"), recorded("natural_gradient")
    figure = drawing.draw_variances(plateau["rows"], plateau["slopes"])
    assert [len(ax.lines) > 5 for ax in figure.axes] == [True] * 4
    figure = drawing.draw_convergence(optimisers["rows"])
    assert len(figure.axes) == 4
    with pytest.raises(ValueError, match="settings"):
        drawing.draw_variances(plateau["rows"], settings=[("none", "uniform")])
    matplotlib.pyplot.close("all")
