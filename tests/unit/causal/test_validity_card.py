from __future__ import annotations

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from bench.studies import kernel_validity as study
from qglib.causal import (
    GaussianKernel,
    QuantumKernel,
    calibrated_ridge,
    discover,
    draw_validity_card,
    validity_card,
)
from qglib.causal.level_and_power import null_pvalues, powers
from qglib.causal.null_scenarios import ALTERNATIVES, NULLS, simulate


@pytest.fixture(scope="module")
def refused():
    return validity_card(
        QuantumKernel("ry", 1.0), 50, replicates=500, power_replicates=0
    )


def test_gaussian_with_median_width_keeps_the_level() -> None:
    card = validity_card(GaussianKernel(), 50, power_replicates=0)
    assert card.type_one["rate"].between(0.02, 0.08).all()
    assert card.passed and card.require() == []
    inside = card.type_one["low"] <= card.type_one["rate"]
    assert (inside & (card.type_one["rate"] <= card.type_one["high"])).all()


def test_two_qubit_ry_fails_on_the_non_linear_null_only(refused) -> None:
    rates = refused.type_one["rate"]
    assert rates["c0_nl"] > 0.2  # .28 measured for the design with 300 replicates
    assert rates["c0_lin"] == pytest.approx(0.05, abs=0.03)
    assert refused.worst_null == "c0_nl" and not refused.passed
    with pytest.raises(ValueError, match=r"type-I error 0\.\d+ on c0_nl.*bandwidth"):
        refused.require()
    grown = null_pvalues(QuantumKernel("ry", 1.0), "c0_nl", 100, 200, 8000) <= 0.05
    assert grown.mean() > rates["c0_nl"] + 0.1


def test_untuned_iqp_fails_and_tuned_passes() -> None:
    untuned, tuned = (
        validity_card(QuantumKernel("iqp", c), 30, replicates=400, power_replicates=0)
        for c in (1.6, 0.4)
    )
    assert untuned.worst > 0.4
    assert tuned.passed


def test_power_without_a_level_is_an_illusion() -> None:
    seeds = 7000, 8000
    iqp = powers(QuantumKernel("iqp", 1.6), 30, 1e-3, 0.05, 200, seeds)
    gauss = powers(GaussianKernel(), 30, 1e-3, 0.05, 200, seeds)
    under = [name for name in ALTERNATIVES if name.startswith("c")]
    assert iqp.loc[under, "nominal"].mean() > gauss.loc[under, "nominal"].mean()
    assert iqp.loc[under, "adjusted"].mean() < gauss.loc[under, "adjusted"].mean() / 2


def test_shots_need_a_larger_ridge() -> None:
    kernel = QuantumKernel("iqp", 0.4, shots=10_000, clip=False)
    small = null_pvalues(kernel, "c0_lin", 50, 100, 8000, 1e-3) <= 0.05
    assert small.mean() > 0.9
    assert calibrated_ridge(kernel, 50, ridges=(1e-3, 1.0), replicates=100) == 1.0
    with pytest.raises(ValueError, match="keeps the level at no ridge"):
        calibrated_ridge(kernel, 50, ridges=(1e-3,), replicates=100)
    card = validity_card(kernel, 50, replicates=50, power_replicates=0)
    assert "raise ridge" in card.verdict


def test_discover_refuses_and_the_override_is_kept(refused) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    table = pd.DataFrame({"x": x, "y": x + rng.normal(size=50)})
    how = {"ci_test": "quantum_kernel", "kernel": refused.kernel, "card": refused}
    with pytest.raises(ValueError, match="fails its validity card"):
        discover(table, "pc", **how)
    graph = discover(table, "pc", **how, override_card=True)
    assert "failed and was overridden" in graph.graph["warnings"][0]
    assert graph.has_edge("x", "y")
    with pytest.raises(ValueError, match="type-I error changes with n"):
        discover(pd.concat([table] * 3) + rng.normal(size=(150, 2)), "pc", **how)
    with pytest.raises(ValueError, match="make the card with those"):
        discover(table, "pc", ci_test="quantum_kernel", card=refused)


def test_figure_shows_level_and_power() -> None:
    cards = [
        validity_card(k, 25, replicates=60, power_replicates=40)
        for k in (GaussianKernel(), QuantumKernel("iqp", 1.6))
    ]
    assert cards[0].power.shape == (8, 3) and cards[0].gaussian
    figure = draw_validity_card(cards)
    left, right = figure.axes
    labels = [text.get_text() for text in left.get_yticklabels()]
    assert labels[1].startswith("IQP 1.6") and "refused" in labels[1]
    assert len(right.patches) == 4
    plt.close(figure)


def test_scenarios_have_their_equations() -> None:
    for name in NULLS | ALTERNATIVES:
        parts = simulate(name, 7, 3, np.random.default_rng(0))
        assert [p.shape for p in parts] == [(3, 7)] * (2 if name[0] == "u" else 3)
    x, y, z = simulate("c0_nl", 20_000, 1, np.random.default_rng(1))
    left = x - np.sin(1.5 * z), y - z**2
    assert [part.std() for part in left] == pytest.approx([0.4, 0.5], rel=0.03)
    assert abs(np.corrcoef(left[0][0], left[1][0])[0, 1]) < 0.03
    with pytest.raises(ValueError, match="unknown"):
        simulate("c9", 10, 1, np.random.default_rng(0))


def test_recorded_study_is_reproduced() -> None:
    record = json.loads(study.RESULT.read_text())
    assert study.rounded(study.slice_of_study()) == record["slice"]
    seeds = record["settings"]["seeds"]
    assert seeds["reported"] not in seeds["tuning"]
    for row in record["rows"]:
        worst = row["type_one"][row["worst_null"]]["rate"]
        assert row["worst"] == worst == max(v["rate"] for v in row["type_one"].values())
        assert row["passes"] == (worst <= 0.075)


def test_bad_input() -> None:
    kernel = GaussianKernel()
    with pytest.raises(ValueError, match="replicates=10"):
        validity_card(kernel, 50, replicates=10)
    with pytest.raises(ValueError, match="ridge=0"):
        validity_card(kernel, 50, ridge=0)
    with pytest.raises(ValueError, match="2 apart"):
        validity_card(kernel, 50, seeds=(1, 2))
