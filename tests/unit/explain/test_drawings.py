import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from qglib.explain import (
    decision_path,
    draw_decision_graph,
    head_graph,
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


def test_decision_graph_shows_label_tokens_and_path(bert, tokenizer, decision_graph):
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


def test_head_graph_names_its_parts():
    torch.manual_seed(0)
    head = torch.nn.Sequential(
        torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)
    )
    parts = {"left": [0, 1], "right": [2, 3]}
    graph = head_graph(head, np.ones(4), np.zeros(4), 1, parts=parts)
    fig = draw_decision_graph(graph, decision_path(graph), title="t")
    assert texts(fig) == ["1", "left", "right"]
