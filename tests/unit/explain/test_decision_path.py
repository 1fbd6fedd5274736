from itertools import product

import numpy as np
import pytest

from qglib.explain import decision_path
from qglib.explain.decision_graph import DecisionGraph


def graph_of(seed, layers=3, tokens=3, read=(1, 3), sign=1.0):
    rng = np.random.default_rng(seed)
    readout = np.zeros((layers + 1, tokens))
    for layer in read:
        readout[layer] = rng.normal(size=tokens)
        readout[layer, 0] = 1.0
    attention = rng.random((layers, tokens, tokens))
    return DecisionGraph(
        names=(tuple("abcdefgh"[:tokens]),) * (layers + 1),
        corrupt_tokens=tuple("abcdefgh"[:tokens]),
        target=(0, "B-PER"),
        position=0,
        clean_logit=sign,
        corrupt_logit=0.0,
        edges=sign * rng.normal(size=(layers, tokens, tokens)),
        readout=sign * readout,
        attention=attention / attention.sum(-1, keepdims=True),
    )


def all_paths(graph):
    """Every history with its probability, by enumeration."""
    edges, readout = graph.shares
    found = {}
    for exit_layer in range(graph.layers + 1):
        for path in product(range(len(graph.tokens)), repeat=exit_layer + 1):
            probability = readout[exit_layer, path[-1]]
            for layer in range(exit_layer):
                probability *= edges[layer, path[layer + 1], path[layer]]
            found[path] = probability
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("read", [(3,), (1, 3), (0, 2)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_equals_brute_force(seed, read, sign):
    graph = graph_of(seed, read=read, sign=sign)
    truth = sorted(all_paths(graph).values(), reverse=True)
    got = decision_path(graph, k=5)
    assert got.score == pytest.approx(truth[0], rel=1e-6)
    assert all_paths(graph)[got.positions] == pytest.approx(truth[0], rel=1e-6)
    expected_scores = [score for score in truth[1:5] if score > 1.1e-12]
    for (path, score), expected in zip(got.alternatives, expected_scores, strict=False):
        assert score == pytest.approx(expected, rel=1e-3, abs=1e-10)
        assert all_paths(graph)[path] == pytest.approx(expected, rel=1e-3, abs=1e-10)
    assert len(got.alternatives) >= sum(score > 1e-9 for score in truth[1:5])
    if truth[1] > 1e-6:
        assert got.margin == pytest.approx(
            np.log(truth[0] / truth[1]), rel=1e-4, abs=1e-9
        )
    assert got.exit_layer in read


@pytest.mark.parametrize("read", [(3,), (1, 3), (0, 2)])
def test_sum_over_histories(read):
    graph = graph_of(1, read=read)
    paths = all_paths(graph)
    assert sum(paths.values()) == pytest.approx(1)
    expected = np.zeros((4, 3))
    for path, probability in paths.items():
        for layer, token in enumerate(path):
            expected[layer, token] += probability
    visits = graph.visits
    np.testing.assert_allclose(visits, expected, atol=1e-12)
    assert visits[0].sum() == pytest.approx(1)


def test_early_exit_wins_where_the_late_read_out_is_weak():
    graph = graph_of(0)
    readout = np.zeros((4, 3))
    readout[1, 2], readout[3, 2] = 0.95, 0.05
    early = DecisionGraph(**{**graph.__dict__, "readout": readout})
    assert decision_path(early).exit_layer == 1
    readout[1, 2], readout[3, 2] = 0.001, 0.999
    late = DecisionGraph(**{**graph.__dict__, "readout": readout})
    assert decision_path(late).exit_layer == 3


def test_ties_are_broken_by_position_and_have_no_margin():
    graph = graph_of(0, layers=1, tokens=2, read=(1,))
    tie = DecisionGraph(
        **{
            **graph.__dict__,
            "edges": np.ones((1, 2, 2)),
            "readout": np.array([[0.0, 0.0], [1.0, 1.0]]),
        }
    )
    got = decision_path(tie)
    assert got.positions == (0, 0)
    assert got.margin == 0
    assert got.score == pytest.approx(0.25)


def test_hurtful_edges_do_not_count_beside_helpful_ones():
    graph = graph_of(0, layers=1, tokens=2, read=(1,))
    mixed = np.array([[[-1.0, -3.0], [2.0, -5.0]]])
    hurt = DecisionGraph(**{**graph.__dict__, "edges": mixed})
    by_size, helpful = hurt.shares[0][0]
    np.testing.assert_allclose(by_size, [0.25, 0.75])
    np.testing.assert_allclose(helpful, [1, 0])


def test_where_nothing_flows_the_walk_goes_straight_down():
    graph = graph_of(0, layers=1, tokens=2, read=(1,))
    still = DecisionGraph(**{**graph.__dict__, "edges": np.zeros((1, 2, 2))})
    np.testing.assert_array_equal(still.shares[0][0], np.eye(2))


def test_bad_k():
    with pytest.raises(ValueError, match="k=0"):
        decision_path(graph_of(0), k=0)


def test_the_verb_takes_models_and_graphs(bert, tokenizer, decision_graph):
    texts = ["jordan", "said", "the", "plan"], ["paris", "said", "the", "plan"]
    graph = decision_graph(bert, tokenizer, *texts, (2, "B-PER"))
    assert decision_path((bert, tokenizer), *texts, (2, "B-PER")) == decision_path(
        graph
    )
    with pytest.raises(TypeError, match="no layers to follow"):
        decision_path(len, 1, 2, 0)


def test_where_the_clean_input_lowers_the_logit_what_lowers_it_helps():
    graph = graph_of(0, layers=1, tokens=2, read=(1,), sign=-1.0)
    fields = graph.__dict__ | {
        "edges": np.array([[[-1.0, 3.0], [2.0, -6.0]]]),
        "readout": np.array([[0.0, 0.0], [-3.0, 1.0]]),
    }
    falling = DecisionGraph(**fields)
    edges, readout = falling.shares
    np.testing.assert_array_equal(edges, [np.eye(2)])
    np.testing.assert_array_equal(readout, [[0, 0], [1, 0]])
    assert decision_path(falling).positions == (0, 0)
