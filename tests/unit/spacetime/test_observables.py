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
    expected_interval_abundances,
    heights,
    independence_test,
    interval_abundances,
    kleitman_rothschild,
    largest_interval,
    longest_chain,
    manifold_likeness,
    myrheim_meyer_dimension,
    null_table,
    power_table,
    rewired,
    sprinkle_diamond,
    transitive_percolation,
)
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
    counts = chain_counts(causet, 12)
    assert counts == [math.comb(600, k) for k in range(1, 13)]


def test_number_of_optima_is_an_exact_integer():
    """100 blocks of two unrelated elements: 2**100 longest chains."""
    p = [2 * k + s for k in range(100) for s in (1, 0)]
    fast = Causet.from_ranks(range(200), p)
    assert longest_chain(fast).n_optima == 2**100
    assert longest_chain(Causet.from_order(fast.matrix())).n_optima == 2**100
    assert longest_chain(fast, count=False).n_optima is None
    assert longest_chain(fast.subset([])).length == 0


@pytest.mark.parametrize("dimension", [1, 5])
def test_dimension_outside_two_to_four_is_refused(dimension):
    rng = np.random.default_rng(0)
    causet = Causet.from_ranks(range(5), range(5))
    for call in (
        lambda: sprinkle_diamond(dimension, 10, rng),
        lambda: expected_interval_abundances(dimension, 10, 2),
        lambda: action(causet, dimension),
    ):
        with pytest.raises(ValueError, match=f"dimension is {dimension}"):
            call()


def test_too_few_elements_are_refused():
    causet = Causet.from_ranks(range(3), range(3))
    rng = np.random.default_rng(0)
    for call in (
        lambda: myrheim_meyer_dimension(causet),
        lambda: manifold_likeness(causet, rng),
        lambda: causal_set_features(causet),
    ):
        with pytest.raises(ValueError, match="3 elements"):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda c: interval_abundances(c, -1),
        lambda c: chain_counts(c, 0),
        lambda c: action(c, 2, smearing=0.0),
        lambda c: myrheim_meyer_dimension(c, "near"),
        lambda c: myrheim_meyer_dimension(c, "local"),
        lambda c: myrheim_meyer_dimension(c, "local", np.random.default_rng(0)),
        lambda c: manifold_likeness(c, np.random.default_rng(0), scope="all"),
        lambda c: expected_interval_abundances(2, 0, 1),
        lambda c: kleitman_rothschild(0, np.random.default_rng(0)),
        lambda c: transitive_percolation(5, 1.5, np.random.default_rng(0)),
        lambda c: sprinkle_diamond(2, -1, np.random.default_rng(0)),
        lambda c: sprinkle_diamond(2, 2.5, np.random.default_rng(0), fixed=True),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ValueError):
        call(Causet.from_ranks(range(6), range(6)))


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
    assert set(result.group_pvalues) >= {"relations", "chains", "action"}
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
