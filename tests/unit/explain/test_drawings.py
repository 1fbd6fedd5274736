import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pytest

from qglib.explain import (
    attributions,
    decision_graph,
    decision_path,
    draw_attributions,
    draw_causal_graph,
    draw_curves,
    draw_decision_graph,
)

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]


@pytest.fixture(autouse=True)
def clean_figures():
    before = dict(plt.rcParams)
    yield
    plt.close("all")
    assert dict(plt.rcParams) == before


def texts(fig):
    return [t.get_text() for ax in fig.axes for t in ax.texts]


def test_attributions(bert, tokenizer):
    explained = [
        attributions(bert, tokenizer, CLEAN, (0, "B-PER"), method)
        for method in ("occlusion", "gradient_x_input")
    ]
    fig = draw_attributions(explained, title="t")
    assert texts(fig) == CLEAN * 2
    labels = [t.get_text() for t in fig.axes[0].get_yticklabels()]
    assert labels == ["occlusion", "gradient x input"]
    with pytest.raises(ValueError, match="at least one"):
        draw_attributions([])
    other = attributions(bert, tokenizer, CORRUPT, (0, "B-PER"), "occlusion")
    with pytest.raises(ValueError, match="same sentence"):
        draw_attributions([explained[0], other])


def test_decision_graph_shows_label_tokens_and_path(bert, tokenizer):
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, (0, "B-PER"))
    path = decision_path(graph)
    fig = draw_decision_graph(graph, path)
    shown = texts(fig)
    assert "B-PER" in shown
    assert set(graph.tokens) <= set(shown)
    assert {"paris", "scored"} <= set(shown)
    widths = [p.get_linewidth() for p in fig.axes[0].patches]
    assert widths.count(3.2) == path.exit_layer + 1
    branches = [(1, 1, 1, 1), (2, 2, 2, 2)]
    fig = draw_decision_graph(graph, branches=branches)
    assert [p.get_linewidth() for p in fig.axes[0].patches].count(3.2) == 8


@pytest.mark.parametrize("style", ["hasse", "light_cone"])
def test_causal_graph(style):
    graph = nx.DiGraph([("G", "Y"), ("Y", "C"), ("C", "L"), ("Y", "S"), ("S", "L")])
    rng = np.random.default_rng(0)
    fig = draw_causal_graph(graph, ["Y", "C", "L"], style=style, rng=rng)
    assert sorted(texts(fig)) == sorted(graph)


def test_causal_graph_bad_input():
    graph = nx.DiGraph([("a", "b")])
    with pytest.raises(ValueError, match="not in the graph"):
        draw_causal_graph(graph, ["a", "z"])
    with pytest.raises(ValueError, match="unknown"):
        draw_causal_graph(graph, style="circle")
    with pytest.raises(ValueError, match="rng"):
        draw_causal_graph(graph, style="light_cone")


def test_curves():
    rng = np.random.default_rng(0)
    curves = {"D": rng.random((5, 3)), "random": rng.random((7, 3))}
    fig = draw_curves(
        curves, np.arange(3), xlabel="x", ylabel="y", rng=rng, reference=0.0
    )
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["D", "random"]
    with pytest.raises(ValueError, match="shape"):
        draw_curves({"D": np.ones(3)}, np.arange(3), xlabel="", ylabel="", rng=rng)
