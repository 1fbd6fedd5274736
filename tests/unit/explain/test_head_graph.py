"""Heads as graphs: flows by hand, the path sum is the whole difference."""

from itertools import product

import numpy as np
import pennylane as qml
import pytest
import torch
from torch import nn

from qglib import data, models
from qglib.explain import attribute, decision_path, head_graph
from qglib.explain.head_graph import model_graph
from qglib.models.heads import build_head
from qglib.quantum import QuantumHead

CLEAN, CORRUPT = np.linspace(-1, 1, 6), np.linspace(0.5, -0.5, 6)


def head(name: str) -> nn.Module:
    torch.manual_seed(1)
    return build_head(name, 6, 3, qubits=3, layers=2).double()


def test_a_linear_head_by_hand():
    module = head("linear")
    graph = head_graph(module, CLEAN, CORRUPT, 2)
    weight = module[1].weight.detach().numpy()[2]
    np.testing.assert_allclose(graph.readout, [weight * (CLEAN - CORRUPT)], atol=1e-12)
    assert abs(graph.completeness_gap) < 1e-12
    path = decision_path(module, CLEAN, CORRUPT, 2)
    sign = np.sign(graph.clean_logit - graph.corrupt_logit)
    assert path.positions == (int((sign * graph.readout[0]).argmax()),)
    assert path.tokens == (f"feature {path.positions[0]}",)


def test_a_linear_chain_by_hand():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).double()
    one, two = np.ones(4), np.zeros(4)
    parts = {"a": [0, 2], "b": [1, 3]}
    graph = head_graph(module, one, two, 0, parts=parts)
    first, second = (m.weight.detach().numpy() for m in module)
    flow = second[0][:, None] * first
    grouped = np.stack([flow[:, [0, 2]].sum(1), flow[:, [1, 3]].sum(1)], 1)
    np.testing.assert_allclose(graph.edges[0, :, :2], grouped, atol=1e-12)
    assert not graph.edges[0, :, 2:].any()
    assert graph.names[0] == ("a", "b")


def test_a_module_behind_the_last_weights_belongs_to_the_last_stage():
    torch.manual_seed(0)
    chain = nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 2), nn.Softplus()
    graph = head_graph(nn.Sequential(*chain).double(), CLEAN, CORRUPT, 1, steps=32)
    assert [len(names) for names in graph.names] == [6, 3]
    assert abs(graph.completeness_gap) < 1e-9


@pytest.mark.parametrize("name", ["linear", "mlp:5", "bottleneck", "quantum"])
def test_what_enters_a_node_leaves_it_and_the_sum_is_complete(name):
    module = head(name).train()
    graph = head_graph(module, CLEAN, CORRUPT, 1, steps=32)
    assert module.training
    assert abs(graph.clean_logit - graph.corrupt_logit) > 1e-3
    assert abs(graph.completeness_gap) < 1e-6
    out = graph.edges.sum(2)  # what reaches a level
    carried = [*graph.edges[1:].sum(1), graph.readout[-1]]
    assert not graph.readout[:-1].any()
    for entering, leaving in zip(out, carried, strict=False):
        np.testing.assert_allclose(entering, leaving, atol=1e-6)


@pytest.mark.parametrize("name", ["mlp:5", "bottleneck", "quantum"])
def test_best_path_equals_brute_force(name):
    graph = head_graph(head(name), CLEAN, CORRUPT, 1)
    edges, readout = graph.shares
    sizes = [range(len(names)) for names in graph.names]

    def weight(path):
        steps = [edges[n, path[n + 1], path[n]] for n in range(len(path) - 1)]
        return readout[-1, path[-1]] * np.prod(steps)

    best = max(product(*sizes), key=weight)
    found = decision_path(graph)
    assert weight(found.positions) == pytest.approx(weight(best))
    assert found.score == pytest.approx(weight(best), rel=1e-6)
    named = [graph.names[n][p] for n, p in enumerate(found.positions)]
    assert list(found.tokens) == named
    assert all(
        p < len(graph.names[n])
        for ps, _ in found.alternatives
        for n, p in enumerate(ps)
    )


def test_a_circuit_in_a_chain_runs_on_its_device():
    device = qml.device("default.qubit", wires=2)

    @qml.qnode(device, interface="torch")
    def circuit(inputs, weights):
        qml.AngleEmbedding(inputs, wires=range(2), rotation="Y")
        qml.CNOT(wires=[0, 1])
        qml.RY(weights[0], wires=1)
        return [qml.expval(qml.Z(w)) for w in range(2)]

    torch.manual_seed(0)
    graphs = []
    for backend in ("batched", "default.qubit"):
        layer = QuantumHead(circuit, {"weights": (1,)}, backend=backend)
        with torch.no_grad():
            layer.weights.fill_(0.3)
        torch.manual_seed(5)
        ends = nn.Linear(6, 2), nn.Linear(2, 3)
        module = nn.Sequential(ends[0], nn.Tanh(), layer, ends[1]).double()
        graphs.append(head_graph(module, CLEAN, CORRUPT, 0))
    assert graphs[0].names[1:] == (("wire 0", "wire 1"), ("output 0", "output 1"))
    np.testing.assert_allclose(graphs[0].edges, graphs[1].edges, atol=1e-8)
    assert abs(graphs[0].completeness_gap) < 1e-6


def test_bad_input():
    module = head("bottleneck")
    with pytest.raises(ValueError, match="steps=0"):
        head_graph(module, CLEAN, CORRUPT, 0, steps=0)
    with pytest.raises(ValueError, match="equally long"):
        head_graph(module, CLEAN, CORRUPT[:3], 0)
    with pytest.raises(ValueError, match="labels 0 to 2"):
        head_graph(module, CLEAN, CORRUPT, 3)
    with pytest.raises(ValueError, match="exactly once"):
        head_graph(module, CLEAN, CORRUPT, 0, parts={"a": [0, 1]})
    with pytest.raises(ValueError, match="shows no layers"):
        head_graph(nn.LSTM(6, 3), CLEAN, CORRUPT, 0)
    with pytest.raises(ValueError, match="no difference"):
        decision_path(module, CLEAN, CLEAN, 0)


# ------------------------------------------------------------------ trained models

RNG = np.random.default_rng(0)


class Trained(nn.Module):
    """What a trained model shows: kind, labels, features, a head."""

    def __init__(self, kind, read, width):
        super().__init__()
        torch.manual_seed(0)
        self.settings, self.labels, self.read = {"kind": kind}, ("no", "yes"), read
        self.head = nn.Sequential(nn.Linear(width, 3), nn.Tanh(), nn.Linear(3, 2))

    def scaled(self, rows):
        return rows


EXAMPLES = {  # two inputs; features with one part each, but for the last
    "table": (RNG.normal(size=5), RNG.normal(size=5), np.asarray),
    "image": (
        RNG.random((8, 8)),
        RNG.random((8, 8)),
        lambda images: np.asarray(images).reshape(len(images), -1),
    ),
    "series": (RNG.normal(size=64), RNG.normal(size=64), np.asarray),
    "text": (
        "one two three",
        None,
        lambda texts: [
            [t.count("[MASK]"), "one" in t, "two" in t and "three" in t] for t in texts
        ],
    ),
}


@pytest.mark.parametrize("kind", list(EXAMPLES))
def test_a_decision_of_every_kind(kind):
    clean, corrupt, read = EXAMPLES[kind]
    width = len(np.asarray(read([clean]))[0])
    model = Trained(kind, read, width)
    graph = model_graph(model, clean, corrupt, "yes")
    assert list(graph.names[0]) == data.KINDS[kind].parts(clean)
    assert abs(graph.clean_logit - graph.corrupt_logit) > 1e-4
    assert abs(graph.completeness_gap) < 1e-5
    if corrupt is not None:  # a part's flow is the sum of its features' flows
        sides = [np.asarray(read([x]), float)[0] for x in (clean, corrupt)]
        single = head_graph(model.head, *sides, 1, steps=32)
        np.testing.assert_allclose(graph.edges[0].sum(), single.edges[0].sum(), 1e-4)
    path = decision_path(model, clean, corrupt, "yes")
    assert path.tokens[0] in graph.names[0]


def test_table_parts_are_features():
    clean, corrupt, read = EXAMPLES["table"]
    model = Trained("table", read, 5)
    one = model_graph(model, clean, corrupt, 1)
    two = head_graph(model.head, clean, corrupt, 1)
    np.testing.assert_allclose(one.edges, two.edges, atol=1e-6)


def test_a_trained_model_of_the_library_is_explained():
    examples = data.load("wine", seed=0)
    model = models.train(examples, "linear", seed=0)
    clean, corrupt, label = examples.inputs[0], examples.inputs[1], model.labels[1]
    path = decision_path(model, clean, corrupt, label)
    assert len(path.positions) == 1  # a linear head: columns, then the label
    assert path.tokens[0].startswith("column")
    decided = model.probabilities([clean])[0].argmax()
    assert decision_path(model, clean, corrupt).target == decided
    found = attribute(model, clean, label, "occlusion", background=[corrupt])
    assert found.full == pytest.approx(model.probabilities([clean])[0, 1])


def test_parts_that_cannot_be_exchanged():
    model = Trained("text", lambda texts: [[len(t), 0] for t in texts], 2)
    with pytest.raises(ValueError, match="corrupt=None"):
        model_graph(model, "one two", "three two", "yes")
    with pytest.raises(ValueError, match="not one of the labels"):
        model_graph(model, "one two", None, "maybe")


def test_a_feature_that_no_part_moves_alone_is_shared_evenly():
    """Masks: a third each; "one": its word; "two" and "three" at once: a third each."""
    clean, _, read = EXAMPLES["text"]
    model = Trained("text", read, 3)
    sides = [np.asarray(read([x]), float)[0] for x in (clean, "[MASK] [MASK] [MASK]")]
    masks, one, both = head_graph(model.head, *sides, 1).edges[0].T[:, :, None]
    thirds, first = np.full(3, 1 / 3), np.eye(3)[0]
    expected = masks * thirds + one * first + both * thirds
    graph = model_graph(model, clean, None, 1)
    np.testing.assert_allclose(graph.edges[0], expected, atol=1e-6)
