"""Chains, abundances, dimension, manifold gate, features and independence test."""

import math
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.spacetime import (
    Causet,
    action,
    causal_set_features,
    chain_counts,
    clear_intervals,
    heights,
    independence_test,
    interval_abundances,
    kleitman_rothschild,
    largest_interval,
    longest_chain,
    manifold_likeness,
    null_table,
    power_table,
    rewired,
    sprinkle_diamond,
    transitive_percolation,
)
from qglib.spacetime.dimension import midpoint_dimension
from qglib.spacetime.rank_observables import rank_observables


def random_order(size, share, seed):
    rng = np.random.default_rng(seed)
    return Causet.from_order(np.triu(rng.random((size, size)) < share, 1), close=True)


orders = st.builds(
    random_order, st.integers(1, 14), st.floats(0, 0.6), st.integers(0, 9999)
)
rankings = st.integers(1, 14).flatmap(lambda n: st.permutations(list(range(n))))


def all_chains(causet):
    matrix = causet.matrix()
    for k in range(1, causet.size + 1):
        for chosen in combinations(range(causet.size), k):
            if all(matrix[a, b] for a, b in pairwise(chosen)):
                yield chosen


@settings(max_examples=40, deadline=None)
@given(orders)
def test_chains_against_enumeration(causet):
    chains = list(all_chains(causet)) if causet.size <= 10 else None
    result = longest_chain(causet)
    graph = nx.DiGraph(causet.matrix())
    assert result.length == nx.dag_longest_path_length(graph) + 1
    assert all(causet.precedes(a, b) for a, b in pairwise(result.elements))
    assert len(result.elements) == result.length
    if chains is not None:
        sizes = np.bincount([len(c) for c in chains], minlength=5)
        assert chain_counts(causet, 4) == sizes[1:5].tolist()
        assert result.n_optima == sizes[result.length]
        maximal = [
            c for c in chains if not any(set(c) < set(other) for other in chains)
        ]
        lengths = sorted((len(c) for c in maximal), reverse=True)
        expected = lengths[0] - lengths[1] if len(lengths) > 1 else math.inf
        assert result.margin == expected


@settings(max_examples=60, deadline=None)
@given(rankings)
def test_the_two_dimensional_path_agrees_with_the_general_one(permutation):
    fast = Causet.from_ranks(range(len(permutation)), permutation)
    general = Causet.from_order(fast.matrix())
    assert (interval_abundances(fast) == interval_abundances(general)).all()
    assert (interval_abundances(fast, 1) == interval_abundances(general, 1)).all()
    a, b = longest_chain(fast), longest_chain(general)
    assert (a.length, a.n_optima, a.margin) == (b.length, b.n_optima, b.margin)
    assert (np.sort(heights(fast)) == np.sort(heights(general))).all()
    assert chain_counts(fast, 6) == chain_counts(general, 6)


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_abundances_against_the_matrix_square(dimension):
    causet = sprinkle_diamond(dimension, 260, np.random.default_rng(20))
    matrix = causet.matrix()
    inside = (matrix.astype(int) @ matrix)[matrix]
    expected = np.bincount(inside, minlength=causet.size - 1)
    assert (interval_abundances(causet) == expected).all()
    assert (interval_abundances(causet, 4) == expected[:5]).all()
    assert expected[0] == len(causet.links())
    assert expected.sum() == causet.n_relations


def test_chain_counts_stay_exact_beyond_float():
    causet = Causet.from_ranks(range(600), range(600))
    expected = [math.comb(600, k) for k in range(1, 13)]
    assert chain_counts(causet, 12) == expected
    assert chain_counts(Causet.from_order(causet.matrix()), 12) == expected


def test_number_of_optima_is_an_exact_integer():
    """100 blocks of two unrelated elements: 2**100 longest chains."""
    p = [2 * k + s for k in range(100) for s in (1, 0)]
    fast = Causet.from_ranks(range(200), p)
    assert longest_chain(fast).n_optima == 2**100
    assert longest_chain(Causet.from_order(fast.matrix())).n_optima == 2**100
    assert longest_chain(fast, count=False).n_optima is None
    assert longest_chain(fast.subset([])).length == 0


def test_manifold_gate_passes_diamonds_and_stops_controls():
    rng = np.random.default_rng(21)
    for dimension in (2, 3, 4):
        verdicts = [
            manifold_likeness(sprinkle_diamond(dimension, 300, rng), rng, scope="whole")
            for _ in range(12)
        ]
        assert sum(v.licensed for v in verdicts) >= 11
        assert sum(v.dimension == dimension for v in verdicts) >= 11
    for control in (
        kleitman_rothschild(300, rng),
        transitive_percolation(300, 0.3, rng),
        transitive_percolation(300, 0.05, rng),
        rewired(sprinkle_diamond(2, 300, rng), rng),
    ):
        verdict = manifold_likeness(control, rng, scope="whole")
        assert not verdict.licensed and verdict.reasons
        assert "not licensed" in str(verdict)
    chain = Causet.from_ranks(range(10), range(10))
    assert "8 elements" in str(manifold_likeness(chain, rng))


def test_gate_reads_two_dimensions_that_agree_in_flat_space_only():
    rng = np.random.default_rng(30)
    flat = manifold_likeness(sprinkle_diamond(3, 400, rng), rng)
    assert flat.licensed and flat.dimension == 3
    assert flat.myrheim_meyer == pytest.approx(flat.midpoint, abs=0.5)
    assert str(flat) == "geometry licensed: like a flat diamond in d = 3"
    layered = manifold_likeness(kleitman_rothschild(400, rng), rng, scope="whole")
    assert layered.midpoint - layered.myrheim_meyer > 0.3
    assert str(layered).startswith("geometry not licensed: ")
    assert all("sd from d =" in reason for reason in layered.reasons)


def test_midpoint_dimension_of_diamonds_and_boxes():
    rng = np.random.default_rng(32)
    for dimension in (2, 3, 4):
        hits = []
        for _ in range(30):
            estimate = midpoint_dimension(sprinkle_diamond(dimension, 600, rng))
            hits.append(estimate.low <= dimension <= estimate.high)
            assert float(estimate) == pytest.approx(dimension, abs=0.8)
        assert sum(hits) >= 27
    t, x = rng.random((2, 1500))
    box = Causet.from_events(t, x, 2.0, "absolute")
    assert midpoint_dimension(box).dimension < 1.7, "the walls are felt"
    local = midpoint_dimension(box, "local", rng)
    assert local.dimension == pytest.approx(2.0, abs=0.15)
    assert local.low < 2.0 < local.high and min(local.sizes) >= 20
    assert midpoint_dimension(Causet.from_ranks(range(400), range(400))).dimension < 1.1


def test_intervals_clear_of_the_walls():
    """The diamond of every chosen pair lies within the window of the events."""
    rng = np.random.default_rng(33)
    t, places = rng.random(1200), rng.random((1200, 2))
    causet = Causet.from_events(t, places, 1.0)
    pairs = clear_intervals(causet, rng, n_intervals=20)
    assert len(pairs) == 20
    low, high = places.min(axis=0), places.max(axis=0)
    angle = np.linspace(0, 2 * np.pi, 60)
    for i, j in pairs:
        start, stop = causet.coordinates[[i, j]]
        assert len(causet.between(i, j)) >= 20
        tau = np.sqrt((stop[0] - start[0]) ** 2 - ((stop[1:] - start[1:]) ** 2).sum())
        # the waist of the diamond: the widest points, boosted along the step
        step = stop - start
        speed = step[1:] / step[0]
        along = np.linalg.norm(speed)
        unit = speed / along if along else np.array([1.0, 0.0])
        across = np.array([-unit[1], unit[0]])
        stretch = 1 / np.sqrt(1 - along**2)
        waist = (start[1:] + stop[1:]) / 2 + tau / 2 * (
            np.outer(np.cos(angle) * stretch, unit) + np.outer(np.sin(angle), across)
        )
        assert (waist >= low - 1e-12).all() and (waist <= high + 1e-12).all()


def test_largest_interval_is_the_largest():
    causet = sprinkle_diamond(3, 80, np.random.default_rng(22))
    sizes = [
        len(causet.between(i, j)) for i, j in np.argwhere(causet.matrix()).tolist()
    ]
    assert largest_interval(causet).size == max(sizes)


def test_features_are_finite_named_and_label_free():
    rng = np.random.default_rng(23)
    relation = sprinkle_diamond(3, 60, rng).matrix()
    order = rng.permutation(len(relation))
    one = causal_set_features(Causet.from_order(relation))
    two = causal_set_features(Causet.from_order(relation[np.ix_(order, order)]))
    assert list(one) == list(two)
    assert list(one.values()) == pytest.approx(list(two.values()), abs=1e-12)
    antichain = Causet.from_ranks(range(9), range(9, 0, -1))
    for features in (one, causal_set_features(antichain)):
        assert np.isfinite(list(features.values())).all()


# ---------------------------------------------------------------- independence
@pytest.fixture(scope="module")
def table():
    return null_table(40, np.random.default_rng(24), draws=400)


def test_observables_have_their_exact_means():
    n = 8
    observe = rank_observables(n)
    rng = np.random.default_rng(25)
    sample = np.array([observe(rng.permutation(n)) for _ in range(6000)])
    sums = dict(zip(observe.names, sample.mean(axis=0), strict=True))
    error = dict(zip(observe.names, sample.std(axis=0) / 6000**0.5, strict=True))
    records = sum(1 / k for k in range(1, n + 1))
    exact = {
        "relations": n * (n - 1) / 4,
        "up_chains_3": math.comb(n, 3) / 6,
        "down_chains_4": math.comb(n, 4) / 24,
        "up_minimal": records,
        "down_maximal": records,
        "up_action_0.2": 1 - 0.8**n,
        "past_volume_2": (n - 1) * (n + 1) ** 2 / 36,
        "past_volume_3": n * n * (n - 1),
        "up_surplus_1": 0.0,
    }
    for name, value in exact.items():
        assert abs(sums[name] - value) < 4.5 * error[name], name


def test_observables_agree_with_the_causal_set():
    p = np.random.default_rng(26).permutation(60)
    observe = rank_observables(60)
    seen = dict(zip(observe.names, observe(p), strict=True))
    for side, ranks in (("up", p), ("down", 59 - p)):
        causet = Causet.from_ranks(range(60), ranks)
        counts = interval_abundances(causet)
        assert seen[f"{side}_links"] == counts[0]
        assert seen[f"{side}_intervals_3_6"] == counts[3:7].sum()
        assert seen[f"{side}_longest"] == longest_chain(causet).length
        assert seen[f"{side}_chains_4"] == chain_counts(causet, 4)[3]
        assert seen[f"{side}_action_0.1"] == pytest.approx(action(causet, 2, 0.1))
    chain = rank_observables(1100)
    assert np.isfinite(chain(np.arange(1100))).all(), "2**1100 chains"


def test_level_and_power(table):
    rng = np.random.default_rng(27)
    null = [independence_test(*rng.random((2, 40)), null=table) for _ in range(400)]
    rejected = np.mean([r.pvalue <= 0.05 for r in null])
    assert rejected == pytest.approx(0.05, abs=0.045)
    turn = rng.random(40) * 2 * np.pi
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    circle += 0.1 * rng.normal(size=circle.shape)
    result = independence_test(*circle.T, null=table)
    assert result.pvalue < 0.01
    assert set(result.group_pvalues) >= {"regions", "chains", "spectrum"}
    same = independence_test(np.exp(circle[:, 0]), circle[:, 1] ** 3, null=table)
    assert same.statistic == result.statistic, "monotone maps change nothing"


def test_ties_and_bad_input(table):
    rng = np.random.default_rng(28)
    x, y = rng.integers(0, 3, 40), rng.normal(size=40)
    with pytest.raises(ValueError, match="tied"):
        independence_test(x, y, null=table)
    with pytest.raises(ValueError, match="rng"):
        independence_test(x, y, ties="random", null=table)
    with pytest.raises(ValueError, match="ties"):
        independence_test(x, y, ties="weak", null=table)
    levels = [
        independence_test(x, rng.integers(0, 2, 40), rng, ties="random", null=table)
        for _ in range(200)
    ]
    assert np.mean([r.pvalue <= 0.05 for r in levels]) < 0.13
    with pytest.raises(ValueError, match="n = 40"):
        independence_test(y[:20], y[20:], null=table)
    with pytest.raises(ValueError, match="n is 5"):
        independence_test(y[:5], y[5:10])
    with pytest.raises(ValueError, match="draws"):
        null_table(40, rng, draws=10)


def test_power_table_has_size_and_power(table):
    def independent(rng, n):
        return rng.random(n), rng.random(n)

    def equal(rng, n):
        x = rng.random(n)
        return x, x + 0.01 * rng.random(n)

    rng = np.random.default_rng(29)
    shapes = {"independent": independent, "equal": equal}
    power = power_table(shapes, table, 60, rng)
    assert (power.loc["independent"] < 0.2).all()
    assert (power.loc["equal"] == 1).all()
    with pytest.raises(ValueError, match="trials"):
        power_table(shapes, table, 0, rng)
