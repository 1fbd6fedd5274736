"""Figures of layered drawings, curvature and wires."""

import matplotlib.pyplot as plt
import pytest

from qglib.explain import decision_graph
from qglib.explain.graph_figures import draw_curvature, draw_layered, draw_wires
from qglib.explain.quantum_wires import wire_graph, wire_path

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]
TARGET = (2, "B-PER")


def test_layered():
    orders = {"given": [(0, 1), (0, 1)], "better": [(0, 1), (1, 0)]}
    edges = [(0, 0, 1), (0, 1, 0)]
    crossings = {"given": 1, "better": 0}
    fig = draw_layered(orders, edges, crossings=crossings, title="T")
    assert [ax.get_title() for ax in fig.axes] == [
        "given: 1 crossings",
        "better: 0 crossings",
    ]
    plt.close(fig)
    fig = draw_layered(orders, edges, names=[("a", "b"), ("c", "")])
    assert [t.get_text() for t in fig.axes[0].texts] == ["a", "b", "c"]  # a bend
    plt.close(fig)
    with pytest.raises(ValueError, match="empty"):
        draw_layered({}, edges)


def test_curvature(bert, tokenizer):
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    fig = draw_curvature(graph, 9, title="T")
    assert len(fig.axes[0].lines) == 9
    plt.close(fig)


def test_wires(quantum_tagger, tokenizer):
    wires = wire_graph(quantum_tagger, tokenizer, CLEAN, CORRUPT, TARGET)
    fig = draw_wires(wires, wire_path(wires), title="T")
    assert "B-PER" in [t.get_text() for t in fig.axes[0].texts]
    plt.close(fig)


def test_a_causal_graph_drawn_by_qaoa():
    import networkx as nx
    import numpy as np

    from qglib.explain import hasse_layout, layered_graph, qaoa_drawing
    from qglib.quantum.layered_orders import count_crossings

    graph = nx.DiGraph()
    graph.add_nodes_from("abcdef")  # a ladder entered crosswise
    graph.add_edges_from([("a", "d"), ("b", "c"), ("d", "e"), ("c", "f")])
    drawn = qaoa_drawing(graph, np.random.default_rng(0), depth=2, shots=64)
    layered = layered_graph(graph)
    assert drawn.layered == layered
    assert drawn.crossings["as entered"] == 2
    assert drawn.crossings["QAOA"] == 0 == hasse_layout(graph).crossings
    assert count_crossings(drawn.orders["QAOA"], layered.edges) == 0
    fig = drawn.figure("T")
    shown = [t.get_text() for ax in fig.axes for t in ax.texts]
    assert sorted(shown) == sorted(2 * "abcdef")
    plt.close(fig)
    large = nx.DiGraph([(a, 5 + b) for a in range(5) for b in range(5)])
    with pytest.raises(ValueError, match="20 variables"):
        qaoa_drawing(large, np.random.default_rng(0))
