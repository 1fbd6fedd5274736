"""Chains, abundances, dimension, manifold gate, features and independence test."""

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.spacetime import (
    Causet,
    independence_test,
    interval_abundances,
    longest_chain,
    manifold_likeness,
    null_table,
    sprinkle_diamond,
)
from qglib.spacetime.features import causal_set_features
from qglib.spacetime.manifold import largest_interval
from qglib.spacetime.null_tables import NullTable
from qglib.spacetime.observables import chain_counts, midpoint_dimension


def kleitman_rothschild(size, rng):
    """Three layers of N/4, N/2 and N/4 elements: the typical large order."""
    layer = np.repeat([0, 1, 2], [size // 4, size // 2, size - 3 * (size // 4)])
    relation = rng.random((size, size)) < 0.5
    relation &= layer[:, None] + 1 == layer
    return Causet.from_order(relation, close=True)


def percolation(size, probability, rng):
    arrows = np.triu(rng.random((size, size)) < probability, 1)
    return Causet.from_order(arrows, close=True)


def rewired(causet, rng, share=0.2):
    """The links of an order with a share of their ends moved, closed again."""
    relation = np.zeros((causet.size, causet.size), bool)
    for i, j in causet.links():
        if rng.random() < share and i + 1 < causet.size:
            j = rng.integers(i + 1, causet.size)
        relation[i, j] = True
    return Causet.from_order(relation, close=True)


def random_order(size, share, seed):
    rng = np.random.default_rng(seed)
    return Causet.from_order(np.triu(rng.random((size, size)) < share, 1), close=True)


orders = st.builds(
    random_order, st.integers(1, 14), st.floats(0, 0.6), st.integers(0, 9999)
)


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
    assert all(causet.matrix()[a, b] for a, b in pairwise(result.elements))
    assert len(result.elements) == result.length
    if chains is not None:
        sizes = np.bincount([len(c) for c in chains], minlength=5)
        assert chain_counts(causet, 4).tolist() == sizes[1:5].tolist()
        assert result.n_optima == sizes[result.length]


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
        percolation(300, 0.3, rng),
        percolation(300, 0.05, rng),
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


@pytest.mark.parametrize(("dimension", "bias"), [(2, 0.09), (3, 0.25), (4, 0.52)])
def test_midpoint_dimension_and_its_bias_on_few_elements(dimension, bias):
    rng = np.random.default_rng(32)
    many = [midpoint_dimension(sprinkle_diamond(dimension, 600, rng)) for _ in range(9)]
    assert np.mean(many) == pytest.approx(dimension, abs=0.3)
    few = [midpoint_dimension(sprinkle_diamond(dimension, 60, rng)) for _ in range(400)]
    assert np.mean(few) - dimension == pytest.approx(bias, abs=0.07)
    assert midpoint_dimension(Causet.from_ranks(range(400), range(400))) < 1.1


def test_largest_interval_is_the_largest():
    causet = sprinkle_diamond(3, 80, np.random.default_rng(22))
    sizes = [
        causet.interval(i, j).size for i, j in np.argwhere(causet.matrix()).tolist()
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


def test_reflections_and_exchange_change_nothing(table):
    rng = np.random.default_rng(29)
    for _ in range(20):
        x = rng.normal(size=40)
        y = rng.normal(size=40) + rng.uniform(0, 0.6) * x**2
        images = [(a, b) for u in (x, -x) for v in (y, -y) for a, b in ((u, v), (v, u))]
        found = {tuple(independence_test(*pair, null=table)) for pair in images}
        assert len(found) == 1


def test_strong_dependence_is_told_from_chance_beyond_the_draws(table):
    rng = np.random.default_rng(30)
    x = rng.normal(size=40)
    strong = independence_test(x, x**3 + 1e-6 * rng.normal(size=40), null=table)
    # 7 of 105 pairs survive Benjamini and Yekutieli below 7 / 105 * .05 / 5.24
    assert strong.pvalue < 1e-5 < 1 / (table.draws + 1)
    pvalues = [table.pvalue(v) for v in np.linspace(0, 200, 400)]
    assert (np.diff(pvalues) <= 0).all() and pvalues[-1] > 0


def test_tail_levels_on_fresh_nulls():
    rng = np.random.default_rng(31)
    table = null_table(30, rng, draws=4000)
    fresh = np.array(
        [table.pvalue(table.statistic(rng.permutation(30))) for _ in range(8000)]
    )
    for level, least, most in ((0.05, 300, 510), (0.01, 40, 130), (0.001, 1, 22)):
        assert least < (fresh <= level).sum() < most, level


def test_ranks_come_from_the_own_type(table):
    rng = np.random.default_rng(32)
    y = rng.normal(size=40)
    steps = rng.permutation(40)
    plain = independence_test(steps, y, null=table)
    dates = np.datetime64("2026-01-01T00:00:00.000000001", "ns") + steps
    for x in (2**60 + steps, dates, steps.astype("i1"), steps.astype("f2")):
        assert independence_test(x, y, null=table).pvalue == plain.pvalue
    statistic, pvalue = plain
    assert (statistic, pvalue) == (plain.statistic, plain.pvalue)


@pytest.mark.parametrize(
    ("x", "rng", "error", "words"),
    [
        (np.ma.masked_less(np.arange(40.0), 3), None, ValueError, "3 masked"),
        (np.arange(40) + 1j, None, TypeError, "complex"),
        (np.array(list("ab") * 20, object), None, TypeError, "object"),
        (np.arange(40.0), 3, TypeError, "default_rng"),
        (np.full(40, 7), None, ValueError, "constant .7"),
        (np.r_[np.nan, np.arange(39.0)], None, ValueError, "row 0"),
    ],
)
def test_what_has_no_order_is_refused(table, x, rng, error, words):
    with pytest.raises(error, match=words):
        independence_test(x, np.arange(40.0), rng, null=table)


def test_ten_draws_are_counted_and_nine_are_not():
    """Calibration draws 0 .. 999: counts, and the exponential tail by hand."""
    empty = np.empty(0)
    table = NullTable(20, 1000, *[empty] * 4, np.arange(1000.0), {})
    assert table.pvalue(-1.0) == 1.0
    assert table.pvalue(0.0) == 1.0
    assert table.pvalue(500.0) == pytest.approx(501 / 1001)
    assert table.pvalue(990.0) == pytest.approx(11 / 1001)
    # 50 draws kept, from 949 on; they lie 1 to 50 above it, on average 25.5
    assert table.pvalue(991.0) == pytest.approx(0.05 * np.exp(-42 / 25.5))
    assert table.pvalue(2000.0) == pytest.approx(0.05 * np.exp(-1051 / 25.5))
