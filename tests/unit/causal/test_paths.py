from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.causal import (
    best_path,
    cpdag,
    effects_over_class,
    effects_over_resamples,
    fit_linear_model,
    load_network,
)
from qglib.causal.effects import total_effects


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


def path_products(graph: nx.DiGraph, source, target) -> list[float]:
    """Signed product along every path, largest size first."""
    products = [
        math.prod(graph.edges[arc]["weight"] for arc in pairwise(path))
        for path in nx.all_simple_paths(graph, source, target)
    ]
    return sorted(products, key=lambda v: -abs(v))


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 100_000), st.booleans(), st.integers(1, 5))
def test_best_path_equals_brute_force(seed: int, integer: bool, k: int) -> None:
    graph = random_weighted(seed, integer)
    found = best_path(graph, 0, len(graph) - 1, k)
    sizes = [abs(v) for v in path_products(graph, 0, len(graph) - 1)]
    assert [abs(v) for _, v in found.alternatives] == pytest.approx(sizes[:k])
    assert found.nodes == found.alternatives[0][0]
    assert found.n_optima == sum(abs(s - sizes[0]) < 1e-9 for s in sizes)
    if len(sizes) == 1:
        assert found.margin == math.inf
    else:
        assert found.margin == pytest.approx(sizes[0] - sizes[1], abs=1e-9)


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
    assert products == pytest.approx([0.56, -0.45, 0.20])
    assert total_effects(graph).loc["x", "y"] == pytest.approx(0.31, abs=1e-12)
    assert sum(products) == pytest.approx(0.31, abs=1e-12)
    best = best_path(graph, "x", "y")
    assert best.nodes == ("x", "m", "y") and best.value == pytest.approx(0.56)
    assert best.margin == pytest.approx(0.11)
    assert [math.copysign(1, v) for _, v in best.alternatives] == [1, -1, 1]


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
    products = sum(path_products(fitted, "x", "y"))
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
    assert sum(products) == pytest.approx(total, abs=1e-9)


def test_effects_over_the_class_of_asia_bracket_the_truth() -> None:
    network = load_network("asia")
    data = network.sample(5000, np.random.default_rng(0))
    table = effects_over_class(cpdag(network.dag), data, "smoke", "dysp")
    assert len(table) == 6
    truth = network.effect("smoke", "dysp")
    assert table["total_effect"].min() - 0.03 <= truth
    assert truth <= table["total_effect"].max() + 0.03


def test_bad_input() -> None:
    graph = wright()
    with pytest.raises(nx.NetworkXNoPath, match="swap source and target"):
        best_path(graph, "y", "x")
    with pytest.raises(nx.NetworkXNoPath, match="choose a descendant"):
        best_path(graph, "m", "k")
    with pytest.raises(ValueError, match="target 'z'"):
        best_path(graph, "x", "z")
    with pytest.raises(ValueError, match="both 'x'"):
        best_path(graph, "x", "x")
    with pytest.raises(ValueError, match="k must be"):
        best_path(graph, "x", "y", k=0)
    with pytest.raises(ValueError, match="opposite arcs"):
        best_path(cpdag(load_network("asia").dag), "smoke", "dysp")
    graph.edges["x", "y"]["weight"] = float("nan")
    with pytest.raises(ValueError, match="finite number"):
        best_path(graph, "x", "y")
    graph.add_edge("y", "x", weight=1.0)
    with pytest.raises(ValueError, match="must be acyclic"):
        best_path(graph, "x", "y")
    with pytest.raises(ValueError, match="has no columns"):
        fit_linear_model(wright(), pd.DataFrame({"x": [1.0, 2.0]}))


def test_zero_coefficients() -> None:
    graph = nx.DiGraph()
    graph.add_weighted_edges_from([("a", "b", 0.0), ("b", "c", 1.0), ("a", "c", 0.0)])
    found = best_path(graph, "a", "c")
    assert found.value == 0
    assert found.n_optima == 2 and found.margin == 0


def test_sampling_and_class_are_one_uncertainty() -> None:
    """asia, 2000 rows: single members claim [.017, .032]; the truth is .234."""
    network, inside = load_network("asia"), []
    truth = network.effect("smoke", "dysp")
    for seed in range(5):
        rng = np.random.default_rng(seed)
        data = network.sample(2000, rng)
        found = effects_over_resamples(data, "smoke", "dysp", rng, n_bootstrap=40)
        low, high = found.attrs["interval"]
        inside.append(low <= truth <= high)
        assert found.weight.sum() == pytest.approx(1)
        shares = found.attrs["shares"]
        assert shares.sum() == pytest.approx(1) and shares.is_monotonic_decreasing
        assert shares.iloc[0] < 1  # no draw is that sure
        again = effects_over_resamples(
            data, "smoke", "dysp", np.random.default_rng(1), n_bootstrap=5
        )
        assert again.groupby("resample").weight.sum().to_numpy() == pytest.approx(0.2)
    assert sum(inside) >= 4


def test_knowledge_narrows_the_range() -> None:
    network = load_network("asia")
    data = network.sample(2000, np.random.default_rng(7))
    tiers = [["asia", "smoke"], ["tub", "lung", "bronc", "either"], ["xray", "dysp"]]
    rng = np.random.default_rng
    free = effects_over_resamples(data, "smoke", "dysp", rng(0), n_bootstrap=30)
    told = effects_over_resamples(
        data, "smoke", "dysp", rng(0), n_bootstrap=30, tiers=tiers
    )
    widths = [np.subtract(*t.attrs["interval"][::-1]) for t in (free, told)]
    assert widths[1] < widths[0] / 2
    low, high = told.attrs["interval"]
    assert low <= network.effect("smoke", "dysp") <= high


def test_effects_need_amounts() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=200)})
    dag = nx.DiGraph([("x", "y")])
    exact = fit_linear_model(dag, data).edges["x", "y"]["weight"]
    assert exact == pytest.approx(np.polyfit(data.x, data.y, 1)[0])
    two = data.assign(x=np.where(x > 0, "yes", "no"))
    gap = data.y[x > 0].mean() - data.y[x <= 0].mean()
    assert fit_linear_model(dag, two).edges["x", "y"]["weight"] == pytest.approx(gap)
    coded = data.assign(x=np.where(x > 0, 3, 1))  # a step of two units
    assert fit_linear_model(dag, coded).edges["x", "y"]["weight"] == pytest.approx(
        gap / 2
    )
    three = data.assign(x=np.where(x > 1, "a", np.where(x > 0, "b", "c")))
    with pytest.raises(ValueError, match="column 'x' holds no amounts"):
        fit_linear_model(dag, three)


def test_rows_with_gaps_are_left_out_of_every_resample() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    data = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=300)})
    data.iloc[::10, 0] = np.nan
    found = effects_over_resamples(
        data, "x", "y", rng, n_bootstrap=20, missing="drop", tiers=[["x"], ["y"]]
    )
    assert found.attrs["failed"] == 0
    low, high = found.attrs["interval"]
    assert low < 2 < high and high - low < 0.6
    with pytest.raises(ValueError, match="column 'x' has 30 gaps"):
        fit_linear_model(nx.DiGraph([("x", "y")]), data)


def test_lengths_of_time_are_seconds() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=200)})
    timed = data.assign(x=pd.to_timedelta(data.x, unit="s"))
    dag = nx.DiGraph([("x", "y")])
    weights = [
        fit_linear_model(dag, t).edges["x", "y"]["weight"] for t in (data, timed)
    ]
    assert weights[0] == pytest.approx(weights[1], rel=1e-6)


NAMES = [["a", "b", "c"], [0, 1, 2], [("a", 1), ("a", 2), ("b", 1)], None]


@pytest.mark.parametrize("names", NAMES, ids=["words", "numbers", "pairs", "array"])
def test_effects_are_the_same_under_any_names(names: list | None) -> None:
    values = np.random.default_rng(0).normal(size=(200, 3)) @ [
        [1, 0.8, 0.4],
        [0, 1, 0.5],
        [0, 0, 1],
    ]
    data = pd.DataFrame(values, columns=names) if names else values
    ends = (names[0], names[2]) if names else ("x0", "x2")
    rng = np.random.default_rng(1)
    found = effects_over_resamples(data, *ends, rng, n_bootstrap=10)
    assert found.total_effect.max() == pytest.approx(0.4, abs=0.25)
    assert found.attrs["interval"][1] > 0.15


def test_ends_that_are_no_columns_are_named() -> None:
    data = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 3)))
    for ends in (("0", 2), (0, "2")):
        with pytest.raises(ValueError, match=r"there is no .* among \[0, 1, 2\]"):
            effects_over_resamples(data, *ends, np.random.default_rng(1))
    with pytest.raises(ValueError, match="no target 'z'"):
        graph = cpdag(nx.DiGraph([(0, 1), (1, 2)]))
        effects_over_class(graph, data, 0, "z")
    with pytest.raises(ValueError, match="are both 0"):
        effects_over_resamples(data, 0, 0, np.random.default_rng(1))
