"""The verdict on features, and the drawing of an order."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from qglib.spacetime import (
    Causet,
    draw_abundances,
    draw_against_null,
    draw_names,
    draw_order,
    draw_verdict,
    feature_table,
    gate_table,
    judge_features,
    kleitman_rothschild,
    speed_scan,
    sprinkle_diamond,
)


def test_informative_features_gain_and_shuffled_ones_do_not():
    rng = np.random.default_rng(30)
    labels = rng.integers(0, 2, 160)
    baseline = rng.normal(size=(160, 4)) + 0.4 * labels[:, None]
    features = rng.normal(size=(160, 3)) + 2.0 * labels[:, None]
    shuffled = rng.permutation(features)
    table = judge_features(
        baseline, features, shuffled, labels, LogisticRegression, rng
    )
    assert table.loc["baseline", "difference"] == 0
    gain = table.loc["baseline + F"]
    assert gain["low"] > 0 and gain["low"] < gain["difference"] < gain["high"]
    control = table.loc["baseline + shuffled F"]
    assert control["low"] < 0.02
    assert table.loc["F of shuffled order", "accuracy"] < 0.65
    assert len(table) == 6
    fig, ax = plt.subplots()
    assert "baseline" in draw_verdict(table, ax, "task").get_title()
    plt.close(fig)


def test_rows_must_agree():
    with pytest.raises(ValueError, match="rows"):
        judge_features(
            np.zeros((4, 1)),
            np.zeros((3, 1)),
            np.zeros((4, 1)),
            np.zeros(4),
            LogisticRegression,
            np.random.default_rng(0),
        )


def test_drawing_an_order():
    causet = sprinkle_diamond(2, 30, np.random.default_rng(31), fixed=True)
    fig, ax = plt.subplots()
    draw_order(causet, ax, chain=(0, int(causet.future_of(0)[0])), apex=0)
    assert len(ax.collections) >= 3
    with pytest.raises(ValueError, match="position"):
        draw_order(causet, ax, position=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="coordinates"):
        draw_order(Causet.from_ranks([1, 2], [1, 2]), ax)
    plt.close(fig)


def test_other_drawings():
    fig, axs = plt.subplots(1, 3)
    draw_abundances(axs[0], np.array([4, 0, 1]), label="measured")
    draw_abundances(axs[0], np.array([4, 2, 1]), np.array([4.0, 2, 1]), "both")
    assert axs[0].lines[0].get_ydata().tolist() == [4, 0.5, 1]
    x = np.array([1, 2, 4])
    draw_against_null(axs[1], x, x, np.ones((3, 5)), "height")
    assert "5 shuffled orders" in [t.get_text() for t in axs[1].legend_.get_texts()]
    draw_names(axs[2], np.zeros((2, 2)), ["a", "b"], [1])
    assert [t.get_text() for t in axs[2].texts] == ["b"]
    fig.canvas.draw()
    plt.close(fig)


def test_tables_over_many_orders():
    rng = np.random.default_rng(32)
    diamond = sprinkle_diamond(2, 120, rng, fixed=True)
    gate = gate_table({"flat": diamond, "layers": kleitman_rothschild(120, rng)}, rng)
    assert gate.licensed.tolist() == [True, False]
    assert gate["first reason"]["layers"]
    t, x = diamond.coordinates.T
    scan = speed_scan(t, x, [0.5, 1.0], "absolute", rng, shuffles=3)
    assert len(scan) == 8
    one = scan[(scan.speed == 1) & (scan.draw == 0)].iloc[0]
    assert one.dimension == pytest.approx(2, abs=0.4)
    slow = scan[(scan.speed == 0.5) & (scan.draw == 0)].iloc[0]
    assert slow.dimension > one.dimension, "slower light, fewer relations"
    table = feature_table([diamond, diamond], suffix="_a")
    assert len(table) == 2 and all(name.endswith("_a") for name in table)
