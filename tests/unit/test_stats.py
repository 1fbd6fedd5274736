"""Intervals and tests against closed forms, coverage and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from qglib import stats


def test_t_interval_of_three_numbers_by_hand():
    # mean 2, standard error 1/sqrt(3), t(0.975, 2) = 4.302653
    found = stats.mean_interval([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.high - 2 == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.claim() == {"effect": 2, "low": found.low, "high": found.high}


def test_one_value_has_no_width():
    assert stats.mean_interval([0.3]) == (0.3, 0.3, 0.3)
    assert stats.mean_interval([0.3], 0.25) == (0.3, 0.3, 0.3)


def test_an_interval_over_parts_is_wider_by_the_share():
    values = np.random.default_rng(0).normal(size=10)
    plain, wide = stats.mean_interval(values), stats.mean_interval(values, 0.25)
    ratio = (wide.high - wide.value) / (plain.high - plain.value)
    assert ratio == pytest.approx((1 + 10 * 0.25) ** 0.5, rel=1e-9)


def test_bootstrap_meets_the_normal_interval_on_many_values():
    values = np.random.default_rng(1).normal(0.4, 2, 2000)
    found = stats.bootstrap(values, np.random.default_rng(2))
    half = 1.96 * values.std() / len(values) ** 0.5
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)


def test_groups_are_the_unit():
    """Copies of a group add no information: the interval must not shrink."""
    rng = np.random.default_rng(3)
    few = rng.normal(size=12)
    copied, groups = np.repeat(few, 50), np.repeat(np.arange(12), 50)
    alone = stats.bootstrap(few, np.random.default_rng(4))
    grouped = stats.bootstrap(copied, np.random.default_rng(4), groups)
    naive = stats.bootstrap(copied, np.random.default_rng(4))
    assert grouped == pytest.approx(alone)
    assert naive.high - naive.low < 0.3 * (grouped.high - grouped.low)


def test_unequal_groups_count_equally():
    values, groups = [1.0, 1.0, 1.0, 5.0], ["a", "a", "a", "b"]
    assert stats.bootstrap(values, np.random.default_rng(0), groups).value == 3


def test_coverage_over_groups():
    rng, hits = np.random.default_rng(5), 0
    for _ in range(300):
        centres = rng.normal(0.5, 1, 30)
        values = np.repeat(centres, 4) + rng.normal(0, 0.3, 120)
        groups = np.repeat(np.arange(30), 4)
        found = stats.bootstrap(values, rng, groups, draws=400)
        hits += found.low <= 0.5 <= found.high
    assert 0.89 <= hits / 300 <= 0.985  # percentile intervals are a little short


def test_pvalue_of_a_permutation_counts_the_observed():
    assert stats.permutation_pvalue(5.0, np.arange(9)) == pytest.approx(5 / 10)
    assert stats.permutation_pvalue(99.0, np.arange(9)) == pytest.approx(1 / 10)


def test_permutation_pvalues_of_nulls_are_uniform():
    rng = np.random.default_rng(6)
    found = [
        stats.permutation_pvalue(rng.normal(), rng.normal(size=199)) for _ in range(500)
    ]
    assert scipy_stats.kstest(found, "uniform").pvalue > 0.01


def test_interval_table_rows():
    table = stats.interval_table(
        {"one": [1.0, 1.0, 1.0], "two": [0.0, 4.0]}, np.random.default_rng(0)
    )
    assert table.loc["one"].tolist() == [1, 1, 1]
    assert table.loc["two"].tolist() == [2, 0, 4]
    with pytest.raises(ValueError, match="finite"):
        stats.interval_table({"none": []}, np.random.default_rng(0))


@pytest.mark.parametrize("bad", [[], [np.nan], [[1.0, 2.0]], [np.inf, 1]])
def test_bad_values_are_refused(bad):
    for call in (
        stats.mean_interval,
        lambda v: stats.bootstrap(v, np.random.default_rng(0)),
        lambda v: stats.permutation_pvalue(0.0, v),
    ):
        with pytest.raises(ValueError, match="finite"):
            call(bad)
    with pytest.raises(ValueError, match="2 units"):
        stats.bootstrap([1.0], np.random.default_rng(0), ["a", "b"])


def test_recorded_rows_and_live_ones():
    rows = [
        {"row": "gain", "mean": 0.5, "low": 0.2, "high": 0.8, "k": 1},
        {"row": "gain", "mean": 0.1, "low": 0.0, "high": 0.2, "k": 3},
        {"row": "count", "value": 3, "k": 1},
    ]
    kept = stats.recorded_rows(rows, k=1)
    assert kept.to_dict("list") == {"mean": [0.5], "low": [0.2], "high": [0.8]}
    with pytest.raises(ValueError, match="each name once"):
        stats.recorded_rows(rows)
    live = pd.DataFrame([[0.9, 0.81, 1.0]], ["gain"], ["mean", "low", "high"])
    table = stats.beside(live, kept)
    assert not table.overlap["gain"]
    assert table.recorded["gain"] == "+0.500 [+0.200, +0.800]"
    with pytest.raises(KeyError, match="other"):
        stats.beside(live.rename({"gain": "other"}), kept)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.8, 1.0, True), (0.0, 0.2, True), (0.3, 0.4, True), (0.0, 0.19, False)],
)
def test_intervals_that_touch_overlap(low, high, expected):
    recorded = pd.DataFrame([[0.5, 0.2, 0.8]], ["gain"], list(stats.COLUMNS))
    live = pd.DataFrame([[(low + high) / 2, low, high]], ["gain"], list(stats.COLUMNS))
    assert stats.beside(live, recorded).overlap["gain"] == expected
