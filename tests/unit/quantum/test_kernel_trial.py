"""Quantum kernels beside the RBF kernel, on data with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_circles

from qglib.quantum import angle_embedding, fidelity_kernel, kernel_trial


def test_the_angle_kernel_in_closed_form_and_its_limit():
    x = np.random.default_rng(0).normal(size=(12, 3))
    gaps = x[:, None] - x
    exact = (np.cos(gaps / 2) ** 2).prod(-1)
    np.testing.assert_allclose(
        fidelity_kernel(angle_embedding(3), x), exact, atol=1e-12
    )
    small = fidelity_kernel(angle_embedding(3), 0.1 * x)
    rbf = np.exp(-0.01 / 4 * (gaps**2).sum(-1))
    bound = ((0.1 * gaps / 2) ** 4).sum(-1) / 6  # log cos^2 u = -u^2 - u^4 / 6 - ...
    assert (rbf - small >= -1e-14).all()
    assert (rbf - small <= 1.02 * bound + 1e-14).all()


def test_circles_need_a_kernel():
    x, y = make_circles(90, noise=0.05, factor=0.3, random_state=1)
    trial = kernel_trial(x, y, 2, (0.3, 1.0), 3)
    means = {name: scores.mean() for name, scores in trial.scores.items()}
    assert means.pop("logistic regression") < 0.65
    assert all(value > 0.9 for value in means.values()), means
    table = trial.table()
    assert (table.loc["RBF", ["minus RBF", "low", "high"]] == 0).all()
    assert table.loc["majority class", "accuracy"] == trial.floor == 0.5
    assert len(trial.scores["RBF"]) == 3
    assert len(trial.curve) == 3 * 2
    narrow, wide = trial.curve.query("kernel == 'angles'")["overlap"]
    assert narrow > wide, "a wide kernel sets samples apart"


def test_blobs_far_apart_are_told_apart_and_bad_settings_named():
    x, y = make_blobs(60, centers=2, cluster_std=0.3, random_state=0)
    trial = kernel_trial(x, y, 2, (0.1,), 2)
    assert min(scores.mean() for scores in trial.scores.values()) > 0.9
    with pytest.raises(ValueError, match="folds=1"):
        kernel_trial(x, y, 2, folds=1)
    with pytest.raises(ValueError, match="widths"):
        kernel_trial(x, y, 2, widths=())
