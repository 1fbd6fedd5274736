from __future__ import annotations

import json
import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.causal import (
    cpdag,
    draw_path,
    effects_over_class,
    fit_linear_model,
    load_network,
    optimal_path,
    path_products,
    path_report,
    path_stability,
    path_summary,
    total_effects,
)


def random_weighted(seed: int, integer: bool) -> nx.DiGraph:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(3, 8))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(d))
    for a in range(d):
        for b in range(a + 1, d):
            if rng.random() < 0.6:
                w = rng.integers(-2, 3) if integer else rng.normal()
                graph.add_edge(a, b, weight=float(w))
    graph.add_edge(0, d - 1, weight=1.0)
    return graph


def brute_force(graph: nx.DiGraph, kind: str) -> list[float]:
    sizes = []
    for path in nx.all_simple_paths(graph, 0, len(graph) - 1):
        weights = [graph.edges[arc]["weight"] for arc in pairwise(path)]
        sizes.append(
            {
                "product": abs(math.prod(weights)),
                "sum": sum(weights),
                "longest": len(weights),
            }[kind]
        )
    return sorted(sizes, reverse=True)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 100_000),
    st.booleans(),
    st.sampled_from(["product", "sum", "longest"]),
)
def test_optimal_path_equals_brute_force(seed: int, integer: bool, kind: str) -> None:
    graph = random_weighted(seed, integer)
    found = optimal_path(graph, 0, len(graph) - 1, kind=kind)
    sizes = brute_force(graph, kind)
    values = [abs(v) if kind == "product" else v for _, v in found.alternatives]
    assert values == pytest.approx(sizes[:5])
    assert found.n_optima == sum(abs(s - sizes[0]) < 1e-9 for s in sizes)
    if len(sizes) == 1:
        assert found.margin == math.inf
    else:
        assert found.margin == pytest.approx(sizes[0] - sizes[1], abs=1e-9)
    assert len({path for path, _ in found.alternatives}) == len(found.alternatives)
    for path, _ in found.alternatives:
        assert all(graph.has_edge(a, b) for a, b in pairwise(path))


def test_layered_viterbi_dijkstra_and_longest_path_agree() -> None:
    """One layered instance, five solvers: the value must be the same."""
    rng = np.random.default_rng(4)
    graph = nx.DiGraph()
    for layer in range(3):
        for a in range(4):
            for b in range(4):
                w = float(rng.uniform(0.1, 1))
                graph.add_edge((layer, a), (layer + 1, b), weight=w)
    for k in range(4):
        graph.add_edge("s", (0, k), weight=1.0)
        graph.add_edge((3, k), "t", weight=1.0)
    for _, _, data in graph.edges(data=True):
        data["cost"] = -math.log(data["weight"])
        data["gain"] = 10 - data["cost"]  # every path has the same number of arcs
    product = optimal_path(graph, "s", "t")
    dijkstra = nx.dijkstra_path(graph, "s", "t", weight="cost")
    longest = nx.dag_longest_path(graph, weight="gain")
    summed = optimal_path(graph, "s", "t", weight="gain", kind="sum")
    assert list(product.nodes) == dijkstra == longest == list(summed.nodes)
    shortest = nx.shortest_simple_paths(graph, "s", "t", weight="cost")
    five = [tuple(path) for path, _ in zip(shortest, range(5), strict=False)]
    assert [path for path, _ in product.alternatives] == five


def wright() -> nx.DiGraph:
    """Total effect .8*.7 - .9*.5 + .2 = .31 by three paths of mixed sign."""
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(
        [
            ("x", "m", 0.8),
            ("m", "y", 0.7),
            ("x", "k", 0.9),
            ("k", "y", -0.5),
            ("x", "y", 0.2),
        ]
    )
    return graph


def test_wright_in_the_population() -> None:
    graph = wright()
    products = path_products(graph, "x", "y")
    assert [value for _, value in products] == pytest.approx([0.56, -0.45, 0.20])
    assert total_effects(graph).loc["x", "y"] == pytest.approx(0.31, abs=1e-12)
    assert sum(v for _, v in products) == pytest.approx(0.31, abs=1e-12)
    best = optimal_path(graph, "x", "y")
    assert best.nodes == ("x", "m", "y") and best.value == pytest.approx(0.56)
    assert best.margin == pytest.approx(0.11)
    assert [math.copysign(1, v) for _, v in best.alternatives] == [1, -1, 1]
    assert optimal_path(graph, "x", "k").sign == 1


def test_wright_in_a_sample_equals_the_regression_total() -> None:
    rng = np.random.default_rng(0)
    n = 5000
    x = rng.normal(size=n)
    m = 0.8 * x + rng.normal(size=n)
    k = 0.9 * x + rng.normal(size=n)
    y = 0.7 * m - 0.5 * k + 0.2 * x + rng.normal(size=n)
    data = pd.DataFrame({"x": x, "m": m, "k": k, "y": y})
    fitted = fit_linear_model(wright(), data)
    total = total_effects(fitted).loc["x", "y"]
    products = sum(v for _, v in path_products(fitted, "x", "y"))
    assert products == pytest.approx(total, abs=1e-12)
    assert total == pytest.approx(0.31, abs=4 * 0.02)
    # m and k share no cause but x, and x has no parent: the regression of y on x
    # differs from the path sum only by the sampled correlation of the noises
    assert np.polyfit(x, y, 1)[0] == pytest.approx(total, abs=0.03)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000))
def test_path_sum_is_the_total_effect(seed: int) -> None:
    graph = random_weighted(seed, integer=False)
    last = len(graph) - 1
    products = path_products(graph, 0, last)
    total = total_effects(graph).loc[0, last]
    assert sum(v for _, v in products) == pytest.approx(total, abs=1e-9)


def test_effects_over_the_class_of_asia_bracket_the_truth() -> None:
    network = load_network("asia")
    data = network.sample(5000, np.random.default_rng(0))
    table = effects_over_class(cpdag(network.dag), data, "smoke", "dysp")
    assert len(table) == 6
    # the truth, by intervening on the network itself
    do = [
        network.sample(200_000, np.random.default_rng(1), do={"smoke": v})["dysp"]
        for v in (0, 1)
    ]
    truth = do[1].mean() - do[0].mean()
    assert table["total_effect"].min() - 0.03 <= truth
    assert truth <= table["total_effect"].max() + 0.03


def test_stability() -> None:
    network = load_network("asia")
    data = network.sample(1000, np.random.default_rng(0))
    out = path_stability(
        network.dag, data, "smoke", "dysp", 40, np.random.default_rng(1)
    )
    assert out.share > 0.9  # smoke -> bronc -> dysp is far ahead
    assert min(out.arcs.values()) >= out.share
    assert out.path_effect[0] < out.path_effect[1]
    assert out.total_effect[0] < out.total_effect[1]
    with pytest.raises(ValueError, match="at least 2"):
        path_stability(network.dag, data, "smoke", "dysp", 1, np.random.default_rng(1))


def test_report_survives_json() -> None:
    network = load_network("cancer")
    data = network.sample(3000, np.random.default_rng(0))
    pdag = cpdag(network.dag)
    args = (data, "smoker", "xray")
    report = path_report(
        fit_linear_model(network.dag, data),
        pdag,
        "smoker",
        "xray",
        path_stability(network.dag, *args, 20, np.random.default_rng(1)),
        effects_over_class(pdag, *args),
        "none needed",
    )
    graph = nx.node_link_graph(json.loads(json.dumps(report, allow_nan=False)))
    assert graph.graph["path"] == ["smoker", "cancer", "xray"]
    assert set(graph.edges) == set(network.dag.edges)
    assert all(e["compelled"] for _, _, e in graph.edges(data=True))
    summary = path_summary(report, network.effect("smoker", "xray"))
    assert summary.index[0] == "P: smoker → cancer → xray"
    assert (summary["low"] <= summary["effect"]).all()
    assert (summary["effect"] <= summary["high"]).all()
    assert len(set(summary.loc["truth, by intervention"])) == 1


def test_figure_of_the_path_names_it() -> None:
    graph = wright()
    best = optimal_path(graph, "x", "y")
    fig = draw_path(graph, nx.circular_layout(graph), best)
    assert fig.axes[0].get_title() == "P: x → m → y, effect +0.56"


def test_bad_input() -> None:
    graph = wright()
    with pytest.raises(nx.NetworkXNoPath, match="swap source and target"):
        optimal_path(graph, "y", "x")
    with pytest.raises(nx.NetworkXNoPath, match="choose a descendant"):
        optimal_path(graph, "m", "k")
    with pytest.raises(nx.NodeNotFound, match="target 'z'"):
        optimal_path(graph, "x", "z")
    with pytest.raises(ValueError, match="both 'x'"):
        optimal_path(graph, "x", "x")
    with pytest.raises(ValueError, match="kind must be"):
        optimal_path(graph, "x", "y", kind="mean")
    with pytest.raises(ValueError, match="k must be"):
        optimal_path(graph, "x", "y", k=0)
    with pytest.raises(ValueError, match="opposite arcs"):
        optimal_path(cpdag(load_network("asia").dag), "smoke", "dysp")
    graph.edges["x", "y"]["weight"] = float("nan")
    with pytest.raises(ValueError, match="finite number"):
        optimal_path(graph, "x", "y")
    graph.add_edge("y", "x", weight=1.0)
    with pytest.raises(ValueError, match="must be acyclic"):
        total_effects(graph)
    with pytest.raises(ValueError, match="has no columns"):
        fit_linear_model(wright(), pd.DataFrame({"x": [1.0, 2.0]}))


def test_zero_coefficients() -> None:
    graph = nx.DiGraph()
    graph.add_weighted_edges_from([("a", "b", 0.0), ("b", "c", 1.0), ("a", "c", 0.0)])
    found = optimal_path(graph, "a", "c")
    assert found.value == 0 and found.sign == 0
    assert found.n_optima == 2 and found.margin == 0
