"""Causet: order axioms, constructors against networkx, compiled kernels."""

import re
from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from qglib.engines.orders import bits, order_kernels
from qglib.spacetime import (
    Causet,
    interval_abundances,
    longest_chain,
    myrheim_meyer_dimension,
    ordering_fraction,
    sprinkle_diamond,
)
from qglib.spacetime.manifold import _observe, largest_interval
from qglib.spacetime.observables import chain_counts, heights, midpoint_dimension
from tests.unit.spacetime.exact import action

AWKWARD = (0, 1, 2, 63, 64, 65, 128)


def random_relation(size, share, seed):
    rng = np.random.default_rng(seed)
    dag = np.triu(rng.random((size, size)) < share, 1)
    order = rng.permutation(size)
    return dag[np.ix_(order, order)]


relations = st.builds(
    random_relation,
    st.integers(0, 24),
    st.floats(0, 0.6),
    st.integers(0, 10_000),
)


# ------------------------------------------------------------------- properties
@settings(max_examples=60, deadline=None)
@given(relations)
def test_closed_relation_is_a_strict_partial_order(relation):
    causet = Causet.from_order(relation, close=True)
    matrix = causet.matrix()
    assert not np.diag(matrix).any()
    assert not (matrix & matrix.T).any()
    assert not (((matrix.astype(int) @ matrix) > 0) & ~matrix).any()
    assert not np.tril(matrix).any(), "natural labelling"
    closure = nx.transitive_closure(nx.DiGraph(relation))
    position = {label: k for k, label in enumerate(causet.labels)}
    assert {(position[a], position[b]) for a, b in closure.edges()} == set(
        map(tuple, np.argwhere(matrix).tolist())
    )


@settings(max_examples=60, deadline=None)
@given(relations)
def test_only_transitive_relations_are_taken_without_closing(relation):
    matrix = relation.astype(int)
    gaps = ((matrix @ matrix) > 0) & ~relation
    if not gaps.any():
        assert Causet.from_order(relation).n_relations == relation.sum()
        return
    with pytest.raises(ValueError, match="close=True") as error:
        Causet.from_order(relation)
    i, k = map(int, re.findall(r"\d+", str(error.value)))
    closure = nx.transitive_closure(nx.DiGraph(relation))
    assert closure.has_edge(i, k) and not relation[i, k]


@settings(max_examples=60, deadline=None)
@given(relations)
def test_links_are_the_transitive_reduction(relation):
    causet = Causet.from_order(relation, close=True)
    reduction = nx.transitive_reduction(nx.DiGraph(causet.matrix()))
    assert set(map(tuple, causet.links().tolist())) == set(reduction.edges())


@settings(max_examples=60, deadline=None)
@given(relations)
def test_longest_chain_is_the_longest_path(relation):
    causet = Causet.from_order(relation, close=True)
    path = nx.dag_longest_path(nx.DiGraph(causet.matrix()))
    assert longest_chain(causet).length == len(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(0, 10_000), st.floats(-2, 2))
def test_ordering_fraction_is_kendalls_tau(size, seed, slope):
    x, noise = np.random.default_rng(seed).normal(size=(2, size))
    y = slope * x + noise
    fraction = ordering_fraction(Causet.from_ranks(x, y))
    tau = kendalltau(x, y).statistic
    assert fraction == pytest.approx((1 + tau) / 2, abs=1e-12)


def observables(causet):
    """Everything that must not depend on the names of the elements."""
    chain = longest_chain(causet)
    seen = {
        "relations": causet.n_relations,
        "links": len(causet.links()),
        "abundances": interval_abundances(causet).tolist(),
        "first abundances": interval_abundances(causet, 2).tolist(),
        "heights": np.sort(heights(causet)).tolist(),
        "longest chain": [chain.length, chain.n_optima],
        "chains": chain_counts(causet, 5).tolist(),
        "largest interval": largest_interval(causet).size,
        "degrees": np.sort(np.array([100, 1]) @ np.array(causet.degrees())).tolist(),
    }
    for dimension, smearing in product((2, 3, 4), (1.0, 0.3)):
        seen[f"action {dimension} {smearing}"] = action(causet, dimension, smearing)
    if causet.size >= 4:
        estimate = myrheim_meyer_dimension(causet)
        seen["dimension"] = [estimate.dimension, estimate.low, estimate.high]
        seen["midpoint"] = midpoint_dimension(causet)
        seen["gate"] = list(_observe(causet).values())
    return seen


@settings(max_examples=40, deadline=None)
@given(relations, st.integers(0, 1000))
def test_observables_do_not_depend_on_the_labelling(relation, seed):
    order = np.random.default_rng(seed).permutation(len(relation))
    one = Causet.from_order(relation, close=True)
    two = Causet.from_order(relation[np.ix_(order, order)], close=True)
    first, second = observables(one), observables(two)
    for name, value in first.items():
        assert value == pytest.approx(second[name], abs=1e-8), name


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30), st.integers(0, 9999), st.integers(1, 8))
def test_weak_ties_are_strict_dominance(size, seed, values):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, values, (2, size)).astype(float)
    causet = Causet.from_ranks(x, y, ties="weak")
    labels = np.array(causet.labels)
    expected = (x[labels, None] < x[labels]) & (y[labels, None] < y[labels])
    assert (causet.matrix() == expected).all()
    assert causet.n_relations == expected.sum()


# ---------------------------------------------------------------------- kernels
def orders_of(size):
    """A random 2d order, a sparse order, an antichain and a total order."""
    rng = np.random.default_rng(size)
    positions = np.arange(size)
    yield "2d", Causet.from_ranks(positions, rng.permutation(size))
    yield "antichain 2d", Causet.from_ranks(positions, positions[::-1])
    yield "total 2d", Causet.from_ranks(positions, positions)
    sparse = np.triu(rng.random((size, size)) < 3 / max(size, 3), 1)
    yield "sparse", Causet.from_order(sparse, close=True)
    yield "antichain", Causet.from_order(np.zeros((size, size), bool))
    yield "total", Causet.from_order(np.triu(np.ones((size, size), bool), 1))


@pytest.mark.parametrize("size", AWKWARD)
def test_kernels_at_the_ends_of_words(size):
    for name, causet in orders_of(size):
        matrix = causet.matrix()
        square = matrix.astype(int) @ matrix
        inside = square[matrix]
        counts = np.bincount(inside, minlength=max(size - 1, 1))
        assert (bits.unpack_rows(causet.past, size) == matrix.T).all(), name
        assert causet.n_relations == matrix.sum(), name
        assert (interval_abundances(causet) == counts).all(), name
        assert (interval_abundances(causet, 0) == counts[:1]).all(), name
        assert (causet.links() == np.argwhere(matrix & (square == 0))).all(), name
        before, after = causet.degrees()
        assert (before == matrix.sum(axis=0)).all(), name
        assert (after == matrix.sum(axis=1)).all(), name
        closed = causet.future.copy()
        order_kernels.close(closed)
        assert (closed == causet.future).all(), name
        chain = longest_chain(causet)
        if name.startswith("antichain"):
            assert (chain.length, chain.n_optima) == (min(size, 1), size), name
        if name.startswith("total") and size:
            assert chain.elements == tuple(range(size)), name
            assert chain.n_optima == 1, name
            assert chain_counts(causet, 2)[1] == size * (size - 1) // 2, name
        general = Causet.from_order(matrix)
        labels = np.array(general.labels, int)
        assert (general.matrix() == matrix[np.ix_(labels, labels)]).all(), name
        assert (np.sort(heights(general)) == np.sort(heights(causet))).all(), name
        for i in range(0, size, 21):
            assert (causet.future_of(i) == np.flatnonzero(matrix[i])).all(), name
            assert (causet.past_of(i) == np.flatnonzero(matrix[:, i])).all(), name


def test_packing_round_trip_and_transpose():
    rng = np.random.default_rng(3)
    for size in (1, 63, 64, 65, 600):
        dense = rng.random((size, size)) < 0.3
        words = bits.pack_rows(dense)
        assert (bits.unpack_rows(words, size) == dense).all()
        assert (bits.unpack_rows(bits.transpose(words), size) == dense.T).all()


def test_empty_and_single_causal_sets_in_every_constructor():
    for size in (0, 1):
        rng = np.random.default_rng(0)
        for causet in (
            Causet.from_order(np.zeros((size, size))),
            Causet.from_ranks(np.zeros(size), np.zeros(size)),
            Causet.from_dominance(np.zeros((size, 3))),
            Causet.from_events(np.zeros(size), np.zeros((size, 2)), 1.0),
            Causet.from_events(np.zeros(size), np.zeros(size), 1.0, "absolute"),
            sprinkle_diamond(2, size, rng, fixed=True),
            sprinkle_diamond(4, size, rng, fixed=True),
        ):
            assert len(causet) == size and causet.n_relations == 0
            assert causet.links().shape == (0, 2)
            assert longest_chain(causet).length == size
            assert chain_counts(causet, 3).tolist() == [size, 0, 0]


# ----------------------------------------------------------------- constructors
def test_dominance_with_three_columns_matches_the_definition():
    values = np.random.default_rng(4).random((70, 3)).round(1)
    causet = Causet.from_dominance(values)
    points = values[list(causet.labels)]
    expected = (points[:, None, :] < points[None, :, :]).all(axis=2)
    assert (causet.matrix() == expected).all()


def test_events_with_a_euclidean_content_are_minkowski():
    points = sprinkle_diamond(3, 120, np.random.default_rng(5), fixed=True)
    xyz = points.coordinates
    causet = Causet.from_events(xyz[:, 0], xyz[:, 1:], 1.0)
    assert (causet.matrix() == points.matrix()).all()
    slow = Causet.from_events(2 * xyz[:, 0], xyz[:, 1:], 0.5)
    assert (slow.matrix() == points.matrix()).all(), "only speed x time matters"


def test_events_on_the_light_cone_stay_transitive():
    times = np.arange(50) * 0.1
    causet = Causet.from_events(times, times * 0.3, 0.3, "absolute")
    matrix = causet.matrix()
    assert not (((matrix.astype(int) @ matrix) > 0) & ~matrix).any()


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "chebyshev", "angle"])
def test_named_metrics_agree_with_a_precomputed_matrix(metric):
    rng = np.random.default_rng(31)
    times, contents = rng.random(700), rng.normal(size=(700, 3))
    if metric == "angle":
        units = contents / np.linalg.norm(contents, axis=1, keepdims=True)
        gap = np.arccos(np.clip(units @ units.T, -1, 1))
    else:
        power = {"euclidean": 2, "cityblock": 1, "chebyshev": np.inf}[metric]
        gap = np.linalg.norm(contents[:, None] - contents, power, axis=2)
    gap = (gap + gap.T) / 2
    np.fill_diagonal(gap, 0)
    named = Causet.from_events(times, contents, 3.0, metric)
    table = Causet.from_events(times, gap, 3.0, "precomputed")
    assert (named.future == table.future).all() and named.labels == table.labels
    assert 0 < ordering_fraction(named) < 1


def test_interval_and_subset_agree_with_the_matrix():
    rng = np.random.default_rng(6)
    for dimension in (2, 3):
        causet = sprinkle_diamond(dimension, 90, rng)
        i = int(np.argmax([len(causet.future_of(k)) for k in range(causet.size)]))
        j = int(causet.future_of(i)[-1])
        inside = np.flatnonzero(causet.matrix()[i] & causet.matrix()[:, j])
        part = causet.interval(i, j)
        assert (part.matrix() == causet.matrix()[np.ix_(inside, inside)]).all()
        assert part.labels == tuple(causet.labels[k] for k in inside)
        assert (part.coordinates == causet.coordinates[inside]).all()
        assert (causet.past_of(j) == np.flatnonzero(causet.matrix()[:, j])).all()
        assert causet.subset([5, 2, 5]).labels == (2, 5)


def test_is_immutable():
    causet = Causet.from_ranks([1, 2, 3, 4], [2, 1, 4, 3])
    with pytest.raises(AttributeError):
        causet.size = 3
    for array in (causet.future, causet.past):
        with pytest.raises(ValueError):
            array[0] = 0


def test_two_dimensional_order_counts_pairs():
    rng = np.random.default_rng(7)
    for size in (0, 1, 2, 3, 64, 257):
        p = rng.permutation(size)
        expected = sum(p[i] < p[j] for i in range(size) for j in range(i + 1, size))
        assert Causet.from_ranks(np.arange(size), p).n_relations == expected
