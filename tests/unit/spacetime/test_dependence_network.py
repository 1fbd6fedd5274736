"""All pairs of a table: false discoveries, what each test sees, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, kendalltau

from qglib.spacetime import dependence_network, independence_test, null_table

N = 80


@pytest.fixture(scope="module")
def null():
    return null_table(N, np.random.default_rng(0), 2000)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    x, angle = rng.normal(size=N), rng.uniform(0, 2 * np.pi, N)
    return pd.DataFrame(
        {
            "x": x,
            "trend": x + 0.4 * rng.normal(size=N),
            "cos": np.cos(angle) + 0.03 * rng.normal(size=N),
            "sin": np.sin(angle) + 0.03 * rng.normal(size=N),
            "alone": rng.normal(size=N),
        }
    )


def test_each_test_sees_what_it_can(table, null) -> None:
    seen = dependence_network(table, null=null).seen_by
    assert seen["x", "trend"] == "both"
    assert seen["cos", "sin"] == "causal set", "a circle has no trend"
    assert (seen.drop([("x", "trend"), ("cos", "sin")]) == "neither").all()
    assert len(seen) == 10


def test_pairs_are_those_of_the_two_tests_and_of_scipy(table, null) -> None:
    pairs = dependence_network(table, null=null, correction="bh")
    one = independence_test(table["x"].to_numpy(), table["sin"].to_numpy(), null=null)
    row = pairs.loc["x", "sin"]
    assert (row.statistic, row.pvalue) == (one.statistic, one.pvalue)
    known = kendalltau(table["x"], table["sin"])
    assert (row.tau, row.kendall_pvalue) == (known.statistic, known.pvalue)
    np.testing.assert_array_equal(
        pairs.adjusted, false_discovery_control(pairs.pvalue, method="bh")
    )


def test_independent_columns_are_left_alone(null) -> None:
    """Any discovery is false: at most one table in twenty, up to chance."""
    rng = np.random.default_rng(2)
    wrong = sum(
        (
            dependence_network(rng.normal(size=(N, 6)), null=null).seen_by != "neither"
        ).any()
        for _ in range(60)
    )
    assert wrong <= 8  # P(more | Binomial(60, .05)) = .004


def test_ties_are_broken_by_the_generator(null) -> None:
    values = np.random.default_rng(3).integers(0, 6, (N, 3))
    first, again = (
        dependence_network(values, np.random.default_rng(4), ties="random", null=null)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, again)
    with pytest.raises(ValueError, match=r"x = 0, y = 1: .*needs rng"):
        dependence_network(values, ties="random", null=null)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda t: t[["x"]], {}, "1 columns: a pair needs two"),
        (lambda t: t.assign(word="a"), {}, "column word holds .*numbers"),
        (lambda t: t.rename(columns={"sin": "cos"}), {}, "several columns named cos"),
        (lambda t: t.assign(x=1.0), {}, "x = x, y = trend: x is constant"),
        (lambda t: t.assign(x=np.nan), {}, "x = x, y = trend: x holds 80 NaN"),
        (lambda t: t.iloc[:40], {}, "null table is for n = 80 .* 40 points"),
        (lambda t: t.round(), {}, "x = x, y = trend: x has .* tied"),
        (lambda t: t, {"level": 1.0}, "level is 1.0"),
        (lambda t: t, {"correction": "holm"}, 'choose "by" or "bh"'),
    ],
)
def test_refusals(table, null, change, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        dependence_network(change(table), null=null, **options)
