from __future__ import annotations

from itertools import combinations, permutations, product

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from qglib.causal import (
    cpdag,
    discover,
    discrete_bic,
    exact_search,
    graph_metrics,
    load_network,
)
from qglib.causal.graphs import compelled_arrows
from qglib.causal.scores import mixed_bic


def brute_force_best(d: int, score, max_parents: int) -> float:
    pairs = list(combinations(range(d), 2))
    best = -np.inf
    for states in product(range(3), repeat=len(pairs)):
        dag = nx.DiGraph()
        dag.add_nodes_from(range(d))
        for (a, b), state in zip(pairs, states, strict=True):
            if state:
                dag.add_edge(*((a, b) if state == 1 else (b, a)))
        if not nx.is_directed_acyclic_graph(dag):
            continue
        parents = [sorted(dag.predecessors(i)) for i in range(d)]
        if max(map(len, parents)) <= max_parents:
            best = max(best, sum(score(i, p) for i, p in enumerate(parents)))
    return best


def total(adjacency: np.ndarray, score) -> float:
    d = len(adjacency)
    return sum(score(i, list(np.flatnonzero(adjacency[:, i]))) for i in range(d))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("max_parents", [1, 3])
def test_exact_search_equals_brute_force(seed: int, max_parents: int) -> None:
    rng = np.random.default_rng(seed)
    table = {
        (i, subset): float(rng.normal())
        for i in range(4)
        for size in range(4)
        for subset in combinations([k for k in range(4) if k != i], size)
    }

    def score(node: int, parents) -> float:
        return table[node, tuple(sorted(parents))]

    adjacency, value = exact_search(4, score, max_parents)
    assert value == pytest.approx(brute_force_best(4, score, max_parents))
    assert total(adjacency, score) == pytest.approx(value)
    assert nx.is_directed_acyclic_graph(nx.DiGraph(adjacency))
    assert adjacency.sum(0).max() <= max_parents


def test_exact_search_beats_the_truth_on_its_own_score() -> None:
    network = load_network("asia")
    data = network.sample(2000, np.random.default_rng(0))
    score = discrete_bic(data.to_numpy())
    _, value = exact_search(8, score, 4)
    truth = total(nx.to_numpy_array(network.dag, dtype=int), score)
    assert value >= truth - 1e-9


def test_asia_2000_reaches_the_measured_distance() -> None:
    network = load_network("asia")
    shd = {"exact": [], "ges": [], "pc": []}
    for seed in range(3):
        data = network.sample(2000, np.random.default_rng(seed))
        for method in shd:
            found = discover(data, method)
            shd[method].append(graph_metrics(found, network.dag)["shd"])
    assert np.mean(shd["exact"]) <= 2.0
    assert np.mean(shd["ges"]) <= 2.0
    assert np.mean(shd["pc"]) < 8  # better than the empty graph
    empty = discover(data, "empty")
    assert graph_metrics(empty, network.dag)["shd"] == 8


def test_discrete_bic_by_hand() -> None:
    data = np.array([[0, 0], [0, 1], [1, 1], [1, 1]])
    score = discrete_bic(data)
    assert score(0, []) == pytest.approx(4 * np.log(0.5) - 0.5 * np.log(4))
    assert score(1, [0]) == pytest.approx(2 * np.log(0.5) - 0.5 * np.log(4) * 2)
    shifted = discrete_bic(data * 7 - 3)  # the labels do not matter
    assert shifted(1, [0]) == pytest.approx(score(1, [0]))


def test_mixed_bic_by_hand_and_score_equivalence() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=300)
    data = np.stack([x, 0.7 * x + rng.normal(size=300)], 1)
    score = mixed_bic(data)
    expected = -150 * np.log(data[:, 0].var()) - 0.5 * np.log(300)
    assert score(0, []) == pytest.approx(expected)
    slope, offset = np.polyfit(x, data[:, 1], 1)
    residual = (data[:, 1] - slope * x - offset).var()
    assert score(1, [0]) == pytest.approx(-150 * np.log(residual) - np.log(300))
    assert score(0, []) + score(1, [0]) == pytest.approx(score(1, []) + score(0, [1]))


def test_pc_skeleton_on_a_known_collider() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 2000))
    frame = pd.DataFrame({"a": a, "b": b, "c": a + b + 0.3 * rng.normal(size=2000)})
    for method in ("pc", "ges", "exact"):
        found = discover(frame, method)
        assert set(found.edges) == {("a", "c"), ("b", "c")}, method
        assert found.graph["method"] == method


def test_bootstrap_confidence() -> None:
    data = load_network("asia").sample(500, np.random.default_rng(0))
    data = data[["smoke", "bronc", "dysp", "xray"]]
    graph = discover(data, "exact", n_bootstrap=20, rng=np.random.default_rng(1))
    again = discover(data, "exact", n_bootstrap=20, rng=np.random.default_rng(1))
    assert nx.utils.graphs_equal(graph, again)
    assert graph.edges["bronc", "dysp"]["confidence"] > 0.9
    for a, b, edge in graph.edges(data=True):
        assert edge["arrow_confidence"] <= edge["confidence"] <= 1
        if graph.has_edge(b, a):
            assert edge["confidence"] == graph.edges[b, a]["confidence"]


def test_warning_when_no_arrow_is_identified() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    chain = np.stack([x, x + rng.normal(size=300)], 1)
    found = discover(chain, "exact")
    assert not compelled_arrows(found)
    assert "only the skeleton" in " ".join(found.graph["warnings"])
    assert set(found.edges) == set(cpdag(nx.DiGraph([("x0", "x1")])).edges)


def bad_frames() -> dict[str, tuple[pd.DataFrame, str]]:
    rng = np.random.default_rng(0)
    good = pd.DataFrame(rng.normal(size=(30, 3)), columns=list("abc"))
    return {
        "constant": (good.assign(c=1.0), "are constant"),
        "duplicate": (good.assign(c=good["a"]), "duplicates"),
        "nan": (good.mask(good > 2).assign(a=np.nan), "missing or infinite"),
        "infinite": (good.assign(b=np.inf), "missing or infinite"),
        "few rows": (good.head(4), "4 rows for 3 columns; at least 10"),
        "names": (
            good.set_axis(["a", "a", "b"], axis=1),
            "names repeat",
        ),
    }


@pytest.mark.parametrize("case", list(bad_frames()))
def test_bad_tables_are_refused(case: str) -> None:
    frame, message = bad_frames()[case]
    with pytest.raises(ValueError, match=message):
        discover(frame, "exact")


def test_bad_arguments() -> None:
    data = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ValueError, match="method must be one of"):
        discover(data, "magic")
    with pytest.raises(ValueError, match="alpha must lie"):
        discover(data, "pc", alpha=0)
    with pytest.raises(ValueError, match="kind must be"):
        discover(data, "pc", kind="ordinal")
    with pytest.raises(ValueError, match="default_rng"):
        discover(data, "exact", n_bootstrap=3)
    with pytest.raises(ValueError, match="GB"):
        exact_search(25, lambda node, parents: 0.0)
    with pytest.raises(ValueError, match="max_parents"):
        exact_search(3, lambda node, parents: 0.0, -1)
    with pytest.raises(ValueError, match="n_bootstrap=-1"):
        discover(data, "exact", n_bootstrap=-1)


def hill_climbing(d: int, score, most: int) -> float:
    """Best neighbour by adding, deleting or turning an arc, from the empty graph."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(d))

    def total(g: nx.DiGraph) -> float:
        return sum(score(v, sorted(g.predecessors(v))) for v in g)

    best = total(graph)
    while True:
        moves = []
        for a, b in permutations(range(d), 2):
            changed = graph.copy()
            if graph.has_edge(a, b):
                changed.remove_edge(a, b)
                moves.append(changed.copy())
                changed.add_edge(b, a)
            elif not graph.has_edge(b, a):
                changed.add_edge(a, b)
            moves.append(changed)
        valid = [
            m
            for m in moves
            if nx.is_directed_acyclic_graph(m)
            and max(dict(m.in_degree).values()) <= most
        ]
        step = max(valid, key=total)
        if total(step) <= best + 1e-9:
            return best
        graph, best = step, total(step)


def test_exact_search_on_asia_never_falls_below_hill_climbing() -> None:
    network, distances = load_network("asia"), []
    for seed in range(8):
        data = network.sample(2000, np.random.default_rng(seed))
        found = discover(data, "exact")
        distances.append(graph_metrics(found, network.dag)["shd"])
        if seed < 2:
            climbed = hill_climbing(8, _remembered(discrete_bic(data.to_numpy())), 4)
            assert found.graph["score"] >= climbed - 1e-9
    assert np.mean(distances) == pytest.approx(1.1, abs=0.35)


def _remembered(score):
    known = {}

    def look(node: int, parents) -> float:
        key = node, tuple(parents)
        if key not in known:
            known[key] = score(*key)
        return known[key]

    return look
