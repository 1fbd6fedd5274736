"""The verdict on features, and the drawing of an order."""

import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import binom
from scipy.stats import t as student
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from bench.studies import features as features_study
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
from qglib.spacetime.feature_verdict import (
    ALONE,
    GAIN,
    ORDER,
    verdict_of,
    verdict_table,
)
from qglib.spacetime.transformer import CausalSetFeatures
from qglib.spacetime.verdict_drawing import draw_gains


def test_informative_features_gain_and_shuffled_ones_do_not():
    rng = np.random.default_rng(30)
    labels = rng.integers(0, 2, 160)
    baseline = rng.normal(size=(160, 4)) + 0.4 * labels[:, None]
    features = rng.normal(size=(160, 3)) + 2.0 * labels[:, None]
    shuffled = rng.permutation(features)
    found = judge_features(
        baseline, features, shuffled, labels, LogisticRegression, rng
    )
    table = found.table
    assert table.loc["baseline", "difference"] == 0
    gain = table.loc["baseline + F"]
    assert gain["low"] > 0 and gain["low"] < gain["difference"] < gain["high"]
    assert gain["difference"] == found.contrasts.loc[GAIN, "difference"]
    control = table.loc["baseline + shuffled F"]
    assert control["low"] < 0.02
    assert table.loc["F of shuffled order", "accuracy"] < 0.65
    assert table.accuracy["chance"] == pytest.approx(
        max(labels.mean(), 1 - labels.mean()), abs=0.01
    )
    assert len(table) == 7 and found.scores.shape == (20, 7)
    assert found.verdict == "gain" and found.order_speaks
    assert repr(found).startswith("gain: F changes accuracy by +")
    fig, ax = plt.subplots()
    assert "baseline" in draw_verdict(table, ax, "task").get_title()
    plt.close(fig)


def test_labels_that_depend_on_order_only():
    """Two kinds of series with the same values: only their order differs."""
    rng = np.random.default_rng(33)
    labels = np.repeat([0, 1], 60)
    values = np.sort(rng.normal(size=(120, 32)), axis=1)
    rows = rng.permuted(values, axis=1)
    for k in np.flatnonzero(labels):  # half of the places of class 1 rise
        places = np.sort(rng.permutation(32)[:16])
        rows[k, places] = np.sort(rows[k, places])
    maker = CausalSetFeatures(order="ranks").fit(rows)
    mixed = maker.transform(rng.permuted(rows, axis=1))
    blind = np.quantile(rows, [0, 0.25, 0.5, 0.75, 1], axis=1).T
    found = judge_features(
        blind, maker.transform(rows), mixed, labels, rng=rng, repeats=2
    )
    assert found.verdict == "gain" and found.order_speaks
    assert found.table.accuracy["F alone"] > 0.8
    assert found.contrasts.loc["baseline + shuffled F - baseline", "low"] < 0
    assert abs(found.table.accuracy["F of shuffled order"] - 0.5) < 0.15


def test_noise_labels_gain_no_more_often_than_the_interval_allows():
    """Type I error: the interval is two-sided at 5 %, so a gain has 2.5 %."""
    seeds, gains, losses = 40, 0, 0
    for seed in range(seeds):
        rng = np.random.default_rng([34, seed])
        labels = rng.permutation(np.repeat([0, 1], 30))
        found = judge_features(
            rng.normal(size=(60, 2)),
            rng.normal(size=(60, 3)),
            rng.normal(size=(60, 3)),
            labels,
            rng=rng,
            folds=3,
            repeats=2,
            grid=(0.1,),
        )
        gains += found.contrasts.loc[GAIN, "low"] > 0
        losses += found.contrasts.loc[GAIN, "high"] < 0
        assert found.verdict != "gain" or found.contrasts.loc[ORDER, "low"] > 0
    allowed = binom.ppf(0.999, seeds, 0.025)
    assert gains <= allowed and losses <= allowed


class Spy(TransformerMixin, BaseEstimator):
    """Hands the second column on and notes which items it was fitted on."""

    fitted: list = []  # noqa: RUF012

    def fit(self, X, y=None):
        self.seen_ = set(X[:, 0].astype(int).tolist())
        Spy.fitted.append(self.seen_)
        return self

    def transform(self, X):
        given = set(X[:, 0].astype(int).tolist())
        assert given <= self.seen_ or not given & self.seen_, "mixed rows"
        return X[:, 1:]


def test_transformers_are_fitted_on_training_rows_only():
    rng = np.random.default_rng(35)
    n, folds = 60, 5
    baseline = np.column_stack([np.arange(n), rng.normal(size=n)])
    groups = np.arange(n) // 2
    labels = np.tile([0, 1], n // 2)
    Spy.fitted = []
    judge_features(
        baseline, Spy(), Spy(), labels, rng=rng, folds=folds, repeats=1, groups=groups
    )
    assert Spy.fitted
    for seen in Spy.fitted:
        assert len(seen) <= n - n // folds
        assert {k ^ 1 for k in seen} == seen, "both items of a group, or none"


class Picky(ClassifierMixin, BaseEstimator):
    """Right with C = 0.5 only."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (X[:, 0] > 0).astype(int) if self.C == 0.5 else np.zeros(len(X), int)


def test_strength_is_chosen_inside():
    rng = np.random.default_rng(36)
    labels = np.repeat([0, 1], 20)
    arrays = [labels[:, None] + 0.1 * rng.normal(size=(40, 1)) for _ in range(3)]

    def accuracy(grid, classifier=Picky):
        judged = judge_features(
            *arrays, labels, classifier, rng, repeats=1, grid=grid, inner_folds=2
        )
        return judged.table.accuracy["F alone"]

    assert accuracy((0.1, 0.5, 2.0)) == 1
    assert accuracy((0.1, 2.0)) == accuracy((2.0,)) == accuracy(()) == 0.5
    assert accuracy((), lambda: SVC(C=2)) == 1


def test_interval_is_the_corrected_t_interval():
    import pandas as pd

    names = "chance,baseline,F alone,F of shuffled order,PCA of the same size"
    names = [*names.split(","), "baseline + shuffled F", "baseline + F"]
    scores = pd.DataFrame(np.random.default_rng(37).random((8, 7)), columns=names)
    found = verdict_of(scores, 0.25)
    d = scores["F alone"] - scores["F of shuffled order"]
    half = student.ppf(0.975, 7) * np.sqrt((1 / 8 + 0.25) * d.var(ddof=1))
    expected = [d.mean(), d.mean() - half, d.mean() + half]
    assert found.contrasts.loc[ALONE].tolist() == pytest.approx(expected)
    scores["baseline + F"] = scores["baseline"] - 0.1
    assert verdict_of(scores, 0.25).verdict == "loss"
    scores["baseline + F"] = scores["baseline"] + 0.1
    scores["baseline + shuffled F"] = scores["baseline + F"]
    assert verdict_of(scores, 0.25).verdict == "gain, order not needed"


def test_bad_calls_are_refused():
    zeros, rng = np.zeros, np.random.default_rng(0)
    labels = np.arange(8) % 2
    with pytest.raises(ValueError, match="rows"):
        judge_features(zeros((8, 1)), zeros((3, 1)), zeros((8, 1)), labels, rng=rng)
    good = zeros((8, 1)), zeros((8, 1)), zeros((8, 1)), labels
    with pytest.raises(ValueError, match="rng"):
        judge_features(*good)
    with pytest.raises(ValueError, match="folds is 5"):
        judge_features(*good, rng=rng)
    with pytest.raises(ValueError, match="different entries"):
        judge_features(*good, rng=rng, folds=3, groups=labels)
    with pytest.raises(ValueError, match="folds is 1"):
        judge_features(*good, rng=rng, folds=1)


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


def test_verdicts_side_by_side():
    rng = np.random.default_rng(38)
    labels = np.repeat([0, 1], 20)
    arrays = [labels[:, None] + rng.normal(size=(40, 1)) for _ in range(3)]
    found = judge_features(*arrays, labels, rng=rng, repeats=1, grid=(1.0,))
    table = verdict_table({"one": found, "two": found})
    assert table.loc["one", "gain"].item() == found.contrasts.loc[GAIN, "difference"]
    assert table.loc["two", "order low"].item() == found.contrasts.loc[ALONE, "low"]
    assert table.verdict.tolist() == [found.verdict] * 2
    fig, ax = plt.subplots()
    draw_gains(table, ax)
    heights = [line.get_ydata() for line in ax.lines[1:]]
    places = {round(float(y[0]), 2) for y in heights if len(y)}
    assert places == {-0.17, 0.17, 0.83, 1.17}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["one", "two"]
    plt.close(fig)


@pytest.fixture(scope="module")
def record():
    return json.loads(features_study.RESULT.read_text())


def test_recorded_study_is_reproduced_on_a_slice(record):
    """Sunspots forwards or backwards: numbers of the file come from the code."""
    again = features_study.small_slice()
    for new, old in zip(again, record["slice"], strict=True):
        assert new["accuracy"] == pytest.approx(old["accuracy"], abs=1e-6)
        for name, values in old["contrasts"].items():
            assert new["contrasts"][name] == pytest.approx(values, abs=1e-6)
        assert new["verdict"] == old["verdict"]


def test_recorded_study_holds_every_task_and_follows_its_rule(record):
    rows = record["rows"]
    tasks = {row["task"] for row in rows}
    assert {"newswire topic", "banking intent", "sentence order"} <= tasks
    assert {"digit from pixels", "digit from blobs", "table wine"} <= tasks
    assert {"digit of speech", "speaker of speech", "direction of speech"} <= tasks
    assert {f"direction of {name}" for name in features_study.SERIES} <= tasks
    for row in rows:
        low, high = row["contrasts"][GAIN][1:]
        kept = row["contrasts"][ORDER][1] > 0
        rule = ("gain" if kept else "gain, order not needed") if low > 0 else "no gain"
        assert row["verdict"] == ("loss" if high < 0 else rule)
        assert row["order_speaks"] == (row["contrasts"][ALONE][1] > 0)
    series = [r for r in rows if "direction of co2" in r["task"]]
    confirmed = {r["reading"] for r in series if r["part"] == "confirm"}
    tried = [r for r in rows if r["part"] == "choose" and "of co2" in r["task"]]
    tried += [r for r in rows if r["part"] == "choose" and "of elnino" in r["task"]]
    assert confirmed == {features_study.chosen(tried)}
    table = verdict_table(rows)
    assert len(table) == len(rows) and table.index.names[-1] == "rival"
