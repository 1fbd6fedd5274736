"""The power benchmark: samples, rivals, nulls and one recomputed cell."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import chatterjeexi, kendalltau

from bench.studies import families, rivals
from bench.studies import independence_benchmark as benchmark

KINDS = [(f, k) for f, kinds in families.FAMILIES.items() for k in kinds]


@pytest.mark.parametrize(("family", "kind"), KINDS)
def test_structures_are_reproducible_and_finite(family: str, kind: str) -> None:
    for index in (0, families.STRUCTURES - 1):
        x, y = families.samples(family, kind, index, 60, 3)
        again = families.samples(family, kind, index, 60, 3)
        assert x.shape == y.shape == (3, 60)
        assert np.isfinite(x).all() and np.isfinite(y).all()
        assert np.array_equal(x, again[0]) and np.array_equal(y, again[1])
        fresh, permuted = families.samples(family, kind, index, 60, 3, null=True)
        assert not np.array_equal(fresh, x) and permuted.shape == y.shape


def test_sine_density_has_flat_margins() -> None:
    x, y = families.samples("third", "sine_density", 0, 500, 20)
    for values in (x, y):
        counts, _ = np.histogram(values, 10, (0, 1))
        # 10 000 points in ten equal bins: sd 30 each
        assert np.abs(counts - 1000).max() < 4 * 30


def test_hyppo_samples_leave_the_global_generator_alone() -> None:
    pytest.importorskip("hyppo")
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    first = benchmark.hyppo_samples("linear", 2, 50, 2)
    assert np.random.random() == expected  # noqa: NPY002
    second = benchmark.hyppo_samples("linear", 2, 50, 2)
    assert np.array_equal(first, second)
    x, y = benchmark.hyppo_samples("linear", 2, 200, 30)
    # y = x + kappa * noise: the residual has standard deviation kappa
    assert (y - x).std() == pytest.approx(2, abs=4 * 2 / np.sqrt(2 * x.size))


def test_ranks_break_ties_evenly() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((4, 40))
    y = rng.random((4, 40))
    expected = [
        np.argsort(np.argsort(b[np.argsort(a)])) for a, b in zip(x, y, strict=True)
    ]
    assert np.array_equal(benchmark.ranks(x, y, rng), expected)
    tied = benchmark.ranks(np.zeros((4000, 3)), np.zeros((4000, 3)), rng)
    counts = np.unique(tied @ [9, 3, 1], return_counts=True)[1]
    assert len(counts) == 6
    assert np.abs(counts - 4000 / 6).max() < 4 * np.sqrt(4000 * 5 / 36)


def test_rank_rivals_against_scipy() -> None:
    rng = np.random.default_rng(1)
    n = 30
    p = rng.permutation(n)
    values = rivals.classical_ranks(p, rivals.rank_kernels(n))
    found = dict(zip(rivals.RANKS, values, strict=True))
    line = np.arange(n)
    assert found["tau"] == pytest.approx(abs(kendalltau(line, p).statistic))
    assert found["xi"] == pytest.approx(chatterjeexi(line, p).statistic)
    same = rivals.classical_ranks(line, rivals.rank_kernels(n))
    assert same[2] == pytest.approx(1)  # Hoeffding's D of a monotone sample


def test_raw_rivals_against_hyppo() -> None:
    pytest.importorskip("hyppo")
    assert max(rivals.check_against_hyppo(40).values()) < 1e-10


def test_rank_rivals_hold_their_level() -> None:
    n, draws = 50, 2000
    rng = np.random.default_rng(2)
    known = rivals.rank_rivals(n, rng, draws)
    fresh = np.array([rng.permutation(n) for _ in range(draws)])
    spread = np.sqrt(2 * 0.05 * 0.95 / draws)  # of the data and of the table
    for name, values in known.pvalues(fresh).items():
        assert abs((values <= 0.05).mean() - 0.05) < 4 * spread, name


def test_a_small_cell_of_the_benchmark_repeats() -> None:
    pytest.importorskip("hyppo")
    found = benchmark.slice_power()
    recorded = json.loads(benchmark.RECORD.read_text())["slice"]
    # powers of 40 samples; another processor may move one across the level
    assert found == pytest.approx(recorded, abs=1.5 / 40)
    assert found[benchmark.MAIN] > 0.3, "a circle is seen by its order"
    assert found["kendall"] < 0.2, "a circle has no trend"


def test_recorded_size_and_headline() -> None:
    """The level holds on 20 000 fresh nulls, and the means are those of the rows."""
    record = json.loads(benchmark.RECORD.read_text())
    for row in record["size_fresh_nulls"]:
        assert row["samples"] == 20_000 and 0.045 <= row["size"] <= 0.055
    left_out = {"uncorrelated_bernoulli", benchmark.NULL_SIMULATION}
    alone = {name: 3 for name in benchmark.NOISELESS}  # one noise level stands for all
    power, weight = np.zeros(len(record["methods"])), 0
    for row in record["rows"]:
        if row["simulation"] not in left_out:
            times = alone.get(row["simulation"], 1)
            power += times * np.array(row["power"])
            weight += times
    assert weight == 18 * 9
    for name, value in zip(record["methods"], power / weight, strict=True):
        assert record["headline"][name]["mean_18"] == pytest.approx(value, abs=2e-4)
