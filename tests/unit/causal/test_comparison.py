from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from qglib.causal import compare_methods, cpdag, draw_classes, load_network


def test_every_method_beside_the_truth_and_the_empty_graph() -> None:
    network = load_network("cancer")
    table = network.sample(500, np.random.default_rng(0))
    classes, metrics = compare_methods(table, network.dag, ("exact", "empty"))
    assert list(classes) == ["truth", "exact", "empty"]
    assert nx.utils.graphs_equal(classes["truth"], cpdag(network.dag))
    assert metrics.loc["empty", "shd"] == network.dag.number_of_edges()
    assert metrics.loc["empty", "edges"] == 0
    assert metrics.index.name == "method"


def test_figure_names_the_methods() -> None:
    network = load_network("cancer")
    table = network.sample(500, np.random.default_rng(0))
    classes, _ = compare_methods(table, network.dag, ("pc", "exact", "empty"))
    places = nx.circular_layout(network.dag)
    titles = [ax.get_title() for ax in draw_classes(classes, network.dag, places).axes]
    assert titles[0] == "truth" and titles[1].startswith("PC: SHD")
    assert titles[3] == "empty graph: SHD 4"


def test_a_table_without_the_nodes_is_refused() -> None:
    table = load_network("asia").sample(2000, np.random.default_rng(0))
    with pytest.raises(ValueError, match="share their nodes"):
        compare_methods(table, load_network("cancer").dag, ("empty",))


def test_rows_may_carry_their_own_settings() -> None:
    rng = np.random.default_rng(0)
    a, b, e = rng.normal(size=(3, 100))
    data = pd.DataFrame({"a": a, "b": b, "c": a**2 + 1.5 * np.sin(2 * b) + 0.3 * e})
    truth = nx.DiGraph([("a", "c"), ("b", "c")])
    rows = {
        "PC, lines": {"method": "pc"},
        "PC, kernel": {"method": "pc", "ci_test": "kci"},
        "empty": {"method": "empty"},
    }
    classes, table = compare_methods(data, truth, rows)
    assert list(table.index) == list(rows)
    assert table.loc["PC, kernel", "shd"] == 0 < table.loc["PC, lines", "shd"]
    assert classes["PC, kernel"].graph["ci_test"] == "kci"
