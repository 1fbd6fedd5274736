"""Heads beside ordinary methods: paired, on separable data, on the recorded tasks."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from qglib import run
from qglib.data import Examples, divided, load
from qglib.models import compare
from qglib.models.fitting import DEFAULTS

FAST = {"qubits": 2, "layers": 1, "epochs": 12}


def blobs(seed: int) -> Examples:
    rng = np.random.default_rng(seed)
    labels = ["left", "right"] * 40
    rows = rng.normal(size=(80, 3)) + np.tile([[-2.0], [2.0]], (40, 1))
    return Examples(rows, labels, divided(labels, seed))


def test_comparison_is_paired_by_seed() -> None:
    table = compare(blobs, ("quantum", "linear"), (0, 1, 2), **FAST)
    scores = table.attrs["scores"]
    gap = np.subtract(scores["quantum"], scores["linear"])
    assert table.loc["linear", "difference"] == pytest.approx(gap.mean())
    half = 4.302653 * gap.std(ddof=1) / math.sqrt(3)  # Student's t, 2 degrees
    assert table.loc["linear", "low"] == pytest.approx(gap.mean() - half, abs=1e-6)
    assert list(table.index[:2]) == ["quantum", "linear"]
    assert {"majority", "random", "logistic regression"} <= set(table.index)
    assert table.loc["logistic regression", "mean"] > 0.9
    assert table.loc["majority", "mean"] == pytest.approx(0.5, abs=0.1)


def test_one_seed_has_no_interval() -> None:
    other = compare(blobs(1), ("linear",), (0,), **FAST)
    assert np.isnan(other.loc["linear", "low"])
    assert other.loc["linear", "difference"] == 0
    assert other.loc["linear", "parameters"] == 8


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"seeds is \(\): give a sequence"):
        compare(blobs, ("linear",), ())
    with pytest.raises(ValueError, match="seeds is 3: give a sequence"):
        compare(blobs, ("linear",), 3)
    with pytest.raises(ValueError, match="heads is 'linear': give a sequence"):
        compare(blobs, "linear")


def test_the_default_rates_are_those_the_search_found() -> None:
    found = run.recorded("head_rates")
    assert {head: rate for head, (_, rate) in DEFAULTS.items()} == found["best"]
    means = pd.DataFrame(found["points"]).groupby(["head", "rate"])["dev_f1"].mean()
    for head, rate in found["best"].items():
        assert means[head].idxmax() == rate
        rates = means[head].index
        assert rates.min() < rate < rates.max(), "the best rate is not at the edge"


def test_the_recorded_scores_come_out_again() -> None:
    """Of one task; notebook 25 shows the others."""
    heads = ("quantum", "linear")
    found = compare(lambda seed: load("product_origin", seed), heads, (0,))
    rows = run.recorded("tasks")["rows"]
    kept = {r["method"]: r["scores"] for r in rows if r["task"] == "product_origin"}
    for method in (*heads, "logistic regression"):
        score = found.attrs["scores"][method][0]
        assert score == pytest.approx(kept[method][0], abs=1e-6), method
