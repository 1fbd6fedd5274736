"""Causet: axioms, constructions against networkx, and what is refused."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.spacetime import (
    Causet,
    bits,
    interval_abundances,
    longest_chain,
    ordering_fraction,
    sprinkle_diamond,
)


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
def test_links_are_the_transitive_reduction(relation):
    causet = Causet.from_order(relation, close=True)
    reduction = nx.transitive_reduction(nx.DiGraph(causet.matrix()))
    assert set(map(tuple, causet.links().tolist())) == set(reduction.edges())
    assert causet.to_graph().number_of_edges() == len(causet.links())
    assert causet.to_graph(reduced=False).number_of_edges() == causet.n_relations


@settings(max_examples=40, deadline=None)
@given(relations, st.integers(0, 1000))
def test_observables_do_not_depend_on_the_labelling(relation, seed):
    order = np.random.default_rng(seed).permutation(len(relation))
    one = Causet.from_order(relation, close=True)
    two = Causet.from_order(relation[np.ix_(order, order)], close=True)
    assert one.n_relations == two.n_relations
    assert (interval_abundances(one) == interval_abundances(two)).all()
    a, b = longest_chain(one), longest_chain(two)
    assert (a.length, a.n_optima) == (b.length, b.n_optima)
    assert a.margin == b.margin or np.isnan(a.margin)


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


def test_packing_round_trip_and_transpose():
    rng = np.random.default_rng(3)
    for size in (1, 63, 64, 65, 600):
        dense = rng.random((size, size)) < 0.3
        words = bits.pack_rows(dense)
        assert (bits.unpack_rows(words, size) == dense).all()
        assert (bits.unpack_rows(bits.transpose(words, size), size) == dense.T).all()
        assert (bits.from_integers(bits.to_integers(words), size) == words).all()


def test_from_graph_keeps_names_and_reachability():
    graph = nx.DiGraph([("a", "b"), ("b", "c"), ("d", "c")])
    causet = Causet.from_graph(graph)
    place = {name: k for k, name in enumerate(causet.labels)}
    assert causet.precedes(place["a"], place["c"])
    assert not causet.precedes(place["a"], place["d"])
    assert causet.n_relations == 4
    assert len(causet.links()) == 3


def test_dominance_with_three_columns_matches_the_definition():
    values = np.random.default_rng(4).random((70, 3))
    causet = Causet.from_dominance(values)
    points = values[list(causet.labels)]
    expected = (points[:, None, :] < points[None, :, :]).all(axis=2)
    assert (causet.matrix() == expected).all()


def test_events_with_a_euclidean_content_are_minkowski():
    points = sprinkle_diamond(3, 120, np.random.default_rng(5), fixed=True)
    xyz = points.coordinates
    causet = Causet.from_events(xyz[:, 0], xyz[:, 1:], 1.0)
    assert causet == points
    slow = Causet.from_events(2 * xyz[:, 0], xyz[:, 1:], 0.5)
    assert slow == points, "only speed x time matters"


def test_events_on_the_light_cone_stay_transitive():
    times = np.arange(50) * 0.1
    causet = Causet.from_events(times, times * 0.3, 0.3, "absolute")
    matrix = causet.matrix()
    assert not (((matrix.astype(int) @ matrix) > 0) & ~matrix).any()


def test_interval_and_subset_agree_with_the_matrix():
    rng = np.random.default_rng(6)
    for dimension in (2, 3):
        causet = sprinkle_diamond(dimension, 90, rng)
        i = int(np.argmax([len(causet.future_of(k)) for k in range(causet.size)]))
        j = int(causet.future_of(i)[-1])
        inside = [
            k
            for k in range(causet.size)
            if causet.precedes(i, k) and causet.precedes(k, j)
        ]
        assert causet.between(i, j).tolist() == inside
        part = causet.interval(i, j)
        assert (part.matrix() == causet.matrix()[np.ix_(inside, inside)]).all()
        assert part.labels == tuple(causet.labels[k] for k in inside)
        assert (causet.past_of(j) == np.flatnonzero(causet.matrix()[:, j])).all()


def test_is_immutable():
    causet = Causet.from_ranks([1, 2, 3, 4], [2, 1, 4, 3])
    with pytest.raises(AttributeError):
        causet.size = 3
    for array in (causet.future, causet.past, causet.links(), causet.permutation):
        with pytest.raises(ValueError):
            array[0] = 0


def test_two_dimensional_order_counts_pairs():
    rng = np.random.default_rng(7)
    for size in (0, 1, 2, 3, 64, 257):
        p = rng.permutation(size)
        expected = sum(p[i] < p[j] for i in range(size) for j in range(i + 1, size))
        assert Causet.from_ranks(np.arange(size), p).n_relations == expected


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Causet.from_order(np.ones((2, 3))), "(N, N)"),
        (lambda: Causet.from_order([[0, 2], [0, 0]]), "0 and 1"),
        (lambda: Causet.from_order([[0, 1], [1, 0]]), "cycle"),
        (lambda: Causet.from_order([[1, 0], [0, 0]]), "cycle"),
        (lambda: Causet.from_order([[0, 1], [1, 0]], close=True), "cycle"),
        (
            lambda: Causet.from_order([[0, 1, 0], [0, 0, 1], [0, 0, 0]]),
            "close=True",
        ),
        (lambda: Causet.from_graph(nx.DiGraph([(1, 2), (2, 1)])), "cycle"),
        (lambda: Causet.from_graph(nx.Graph([(1, 2)])), "undirected"),
        (lambda: Causet.from_ranks([1, np.nan], [1, 2]), "NaN"),
        (lambda: Causet.from_ranks([1, 1], [1, 2]), "tied"),
        (lambda: Causet.from_ranks([1, 1], [1, 2], ties="random"), "rng"),
        (lambda: Causet.from_ranks([1, 2], [1, 2], ties="stable"), "ties"),
        (lambda: Causet.from_ranks([1, 2], [1, 2, 3]), "shape"),
        (lambda: Causet.from_dominance(np.zeros(3)), "(N, k)"),
        (lambda: Causet.from_events([0, 1], [0, 1], 0.0), "speed"),
        (lambda: Causet.from_events([0, 1], [0, np.nan], 1.0), "NaN"),
        (lambda: Causet.from_events([0, 0], [1, 1], 1.0), "equal times"),
        (lambda: Causet.from_events([0, 1], [[1, 0]], 1.0), "times"),
        (lambda: Causet.from_events([0, 1], [[1, 0], [0, 1]], 1.0, "cosine"), "angle"),
        (lambda: Causet.from_events([0, 1], [[0, 0], [0, 1]], 1.0, "angle"), "zero"),
        (lambda: Causet.from_events([0, 1], [1, 2], 1.0, "precomputed"), "(N, N)"),
        (
            lambda: Causet.from_events(
                range(3), [0.0, 1.0, 2.0], 1.0, lambda a, b: (a - b.T) ** 2
            ),
            "triangle",
        ),
    ],
)
def test_bad_input_names_the_remedy(build, message):
    with pytest.raises(ValueError) as error:
        build()
    assert message in str(error.value)


def test_too_large_is_refused_before_allocation(monkeypatch):
    monkeypatch.setattr(bits, "available_bytes", lambda: 10**6)
    with pytest.raises(MemoryError, match=r"needs 0\.0\d? GB|needs .* GB"):
        sprinkle_diamond(3, 20_000, np.random.default_rng(0))
    ranks = Causet.from_ranks(np.arange(20_000), np.arange(20_000))
    assert ordering_fraction(ranks) == 1.0
    with pytest.raises(MemoryError):
        _ = ranks.future


def test_small_or_unrelated_pairs_are_refused():
    causet = Causet.from_ranks([1, 2, 3], [3, 2, 1])
    with pytest.raises(ValueError, match="does not precede"):
        causet.interval(0, 1)
    with pytest.raises(IndexError):
        causet.subset([3])
    with pytest.raises(IndexError):
        causet.precedes(-1, 0)
    with pytest.raises(ValueError, match="2"):
        ordering_fraction(causet.subset([0]))
