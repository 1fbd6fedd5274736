"""What features add: gains, controls, corrected intervals; order_features."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from scipy.stats import t as student
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from qglib.data import Events
from qglib.spacetime import Causet, adds, order_features
from qglib.spacetime.adds import _table
from qglib.spacetime.features import FEATURE_NAMES, causal_set_features

ORDER = "baseline + F - (baseline + shuffled F)"
ALONE = "F alone - shuffled F alone"


def test_informative_features_gain_and_shuffled_ones_do_not():
    rng = np.random.default_rng(30)
    labels = rng.integers(0, 2, 160)
    baseline = rng.normal(size=(160, 4)) + 0.4 * labels[:, None]
    features = rng.normal(size=(160, 3)) + 2.0 * labels[:, None]
    shuffled = rng.permutation(features)
    table = adds(
        features, shuffled, baseline, labels, rng, classifier=LogisticRegression
    )
    assert table.loc["baseline", "difference"] == 0
    gain = table.loc["baseline + F"]
    assert gain.low > 0 and gain.low < gain.difference < gain.high
    assert table.loc[ORDER, "low"] > 0 and table.loc[ALONE, "low"] > 0
    assert table.loc["baseline + shuffled F", "low"] < 0.02
    assert table.loc["F of shuffled order", "accuracy"] < 0.65
    chance = max(labels.mean(), 1 - labels.mean())
    assert table.accuracy["chance"] == pytest.approx(chance, abs=0.01)
    assert len(table) == 10 and table.accuracy.isna().sum() == 3


def test_labels_that_depend_on_order_only():
    """Two kinds of series with the same values: only their order differs."""
    rng = np.random.default_rng(33)
    labels = np.repeat([0, 1], 60)
    values = np.sort(rng.normal(size=(120, 32)), axis=1)
    rows = rng.permuted(values, axis=1)
    for k in np.flatnonzero(labels):  # half of the places of class 1 rise
        places = np.sort(rng.permutation(32)[:16])
        rows[k, places] = np.sort(rows[k, places])
    F, null = order_features(series(rows), rng)
    blind = np.quantile(rows, [0, 0.25, 0.5, 0.75, 1], axis=1).T
    found = adds(F, null, blind, labels, rng, repeats=2)
    assert found.loc["baseline + F", "low"] > 0 and found.loc[ALONE, "low"] > 0
    assert found.accuracy["F alone"] > 0.8
    assert found.loc["baseline + shuffled F", "low"] < 0
    assert abs(found.accuracy["F of shuffled order"] - 0.5) < 0.15


def test_noise_labels_gain_no_more_often_than_the_interval_allows():
    """Type I error: the interval is two-sided at 5 %, so a gain has 2.5 %."""
    seeds, gains, losses = 25, 0, 0
    for seed in range(seeds):
        rng = np.random.default_rng([34, seed])
        labels = rng.permutation(np.repeat([0, 1], 30))
        base, F, null = (rng.normal(size=(60, k)) for k in (2, 3, 3))
        found = adds(F, null, base, labels, rng, folds=3, repeats=2, grid=(0.1,))
        gains += found.loc["baseline + F", "low"] > 0
        losses += found.loc["baseline + F", "high"] < 0
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
    adds(Spy(), Spy(), baseline, labels, rng, groups, folds=folds, repeats=1)
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
        options = {"classifier": classifier, "grid": grid}
        judged = adds(*arrays, labels, rng, repeats=1, **options)
        return judged.accuracy["F alone"]

    assert accuracy((0.1, 0.5, 2.0)) == 1
    assert accuracy((0.1, 2.0)) == accuracy((2.0,)) == 0.5
    assert accuracy((2,), SVC) == 1


def test_interval_is_the_corrected_t_interval():
    names = "chance,baseline,F alone,F of shuffled order,PCA of the same size"
    names = [*names.split(","), "baseline + shuffled F", "baseline + F"]
    scores = pd.DataFrame(np.random.default_rng(37).random((8, 7)), columns=names)
    found = _table(scores, 0.25)
    d = scores["F alone"] - scores["F of shuffled order"]
    half = student.ppf(0.975, 7) * np.sqrt((1 / 8 + 0.25) * d.var(ddof=1))
    expected = [d.mean(), d.mean() - half, d.mean() + half]
    assert found.loc[ALONE].tolist()[1:] == pytest.approx(expected)
    scores["baseline + F"] = scores["baseline"] - 0.1
    assert _table(scores, 0.25).loc["baseline + F", "high"] < 0


def test_bad_calls_are_refused():
    zeros, rng = np.zeros, np.random.default_rng(0)
    labels = np.arange(8) % 2
    good = zeros((8, 1)), zeros((8, 1)), zeros((8, 1)), labels
    cases = [
        (
            (*good[:1], zeros((3, 1)), *good[2:], rng),
            {},
            r"samples: \[8, 3|samples: \[3, 8",
        ),
        ((*good, None), {}, "rng is None: pass"),
        (
            (*good[:2], np.full((8, 1), np.nan), labels, rng),
            {},
            "baseline contains NaN",
        ),
        ((*good, rng), {}, "folds is 5"),
        ((*good, rng, labels), {"folds": 3}, "different entries"),
        ((*good, rng), {"folds": 1}, "folds is 1"),
    ]
    for given, options, message in cases:
        with pytest.raises(ValueError, match=message):
            adds(*given, **options)


# ------------------------------------------------------------------ order_features
def series(rows):
    """Events of series read in time: rising pairs of steps are related."""
    steps = np.arange(rows.shape[1], dtype=float)
    rest = "absolute", 1.0, ("",) * len(steps), 0, "", ""
    return [Ranked(steps, row[:, None], *rest) for row in rows]


class Ranked(Events):
    """Step and value in light-cone coordinates: i before j if both grow."""

    @property
    def parts(self):
        rank = np.argsort(np.argsort(self.contents[:, 0]))
        return self.times + rank, self.times - rank, 1.0, "absolute"


def test_order_features_of_known_orders():
    """A chain, an antichain, and what is too small to have observables."""
    rising = np.arange(12.0)[None]
    F, null = order_features(series(rising), np.random.default_rng(1))
    assert list(F) == list(FEATURE_NAMES) == list(null)
    assert F.ordering_fraction[0] == 1 and F.height_per_root[0] == 12 / np.sqrt(12)
    assert F.links_mean[0] == 22 / 12
    assert 0 < null.ordering_fraction[0] < 1, "the shuffled copy is no chain"
    falling, _ = order_features(series(-rising), np.random.default_rng(1))
    assert falling.ordering_fraction[0] == 0 and falling.isolated_share[0] == 1
    small, _ = order_features(series(rising[:, :3]), np.random.default_rng(1))
    assert small.iloc[0].tolist() == [3.0] + [0.0] * 23


def test_order_features_are_those_of_the_causal_set():
    rng = np.random.default_rng(2)
    rest = "euclidean", 0.7, ("",) * 9, 0, "", ""
    contents = [rng.normal(size=(9, k)) for k in (2, 3)]
    items = [Events(np.arange(9.0), each, *rest) for each in contents]
    F, null = order_features(items, np.random.default_rng(3))
    again = np.random.default_rng(3)
    for k, item in enumerate(items):
        own = causal_set_features(Causet.from_events(*item.parts))
        assert F.iloc[k].to_dict() == own
        mixed = causal_set_features(Causet.from_events(*item.shuffled(again).parts))
        assert null.iloc[k].to_dict() == mixed
    with pytest.raises(ValueError, match="events is empty"):
        order_features([], rng)
    with pytest.raises(ValueError, match="item 1 is a Causet"):
        order_features([items[0], Causet.from_ranks([1], [1])], rng)
    with pytest.raises(ValueError, match="rng is None"):
        order_features(items, None)
