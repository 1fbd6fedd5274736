import numpy as np
import pytest
import torch

from qglib.explain import decision_path
from qglib.explain.decision import decision
from qglib.explain.decision_graph import decision_graph
from qglib.explain.edge_patching import EdgePatcher, checked_graph, exact_graph
from qglib.explain.encoder import hidden_states, layer_inputs_changed, trace

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]
TARGET = (2, "B-PER")


def by_hand(model, clean, corrupt, layer, to, source):
    """One edge patched with the layers called one by one: no hooks, no trace."""
    layers = model.bert.encoder.layer
    states = [hidden_states(model, d.inputs)[:, 0] for d in (clean, corrupt)]
    own = layers[layer].attention

    def message(hidden):
        attended = own.self(hidden[None])[1][0]  # heads, destination, source
        value = own.self.value(hidden[source]).unflatten(-1, (len(attended), -1))
        sent = attended[:, to, source, None] * value
        out = own.output.dense.weight @ sent.flatten()
        return out + hidden[to] if to == source else out

    hidden = states[1][layer][None]
    total = own.output.dense(own.self(hidden)[0]) + hidden
    total[0, to] += message(states[0][layer]) - message(states[1][layer])
    inner = own.output.LayerNorm(total)
    hidden = layers[layer].output(layers[layer].intermediate(inner), inner)
    for later in layers[layer + 1 :]:
        hidden = later(hidden)
    return corrupt.read(model.classifier(hidden)).item()


def test_single_edges_meet_a_forward_pass_by_hand(bert, tokenizer):
    clean, corrupt = (decision(bert, tokenizer, w, TARGET) for w in (CLEAN, CORRUPT))
    plain = corrupt.logits(corrupt.inputs)[0]
    edges = [(0, 1, 1), (0, 4, 1), (1, 3, 2), (1, 2, 2), (2, 3, 1), (2, 4, 1)]
    got = EdgePatcher(clean, corrupt).effects(edges, batch_size=4)
    with torch.inference_mode():
        hand = [by_hand(bert, clean, corrupt, *edge) - plain for edge in edges]
    np.testing.assert_allclose(got, hand, atol=1e-10)
    assert (np.abs(got[:5]) > 1e-6).all()
    assert abs(got[5]) < 1e-12  # the head reads sub-word 3 only


def test_read_out_of_a_linear_head_is_its_first_order(two_layer_reader, tokenizer):
    """The next layer must not see what the head is shown."""
    graph = decision_graph(two_layer_reader, tokenizer, CLEAN, CORRUPT, TARGET)
    exact = exact_graph(two_layer_reader, tokenizer, (CLEAN, CORRUPT), graph)
    np.testing.assert_allclose(exact.readout, graph.readout, atol=1e-10)
    total = graph.clean_logit - graph.corrupt_logit
    assert exact.readout.sum() == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("slopes", ["ends", "midpoint"])
def test_first_order_meets_exact_edges_of_nearly_equal_words(
    slopes, two_layer_reader, tokenizer, nearly_equal_words
):
    nearly_equal_words(two_layer_reader, tokenizer)
    texts = (["jordan", *CLEAN[1:]], ["paris", *CLEAN[1:]])
    graph = decision_graph(two_layer_reader, tokenizer, *texts, TARGET, slopes=slopes)
    exact = exact_graph(two_layer_reader, tokenizer, texts, graph)
    size = np.abs(exact.edges).max()
    np.testing.assert_allclose(graph.edges, exact.edges, atol=2e-3 * size)


def test_midpoint_gradient_is_the_slope_halfway(bert, tokenizer):
    """Against a central difference along the line between the embeddings."""
    clean, corrupt = (decision(bert, tokenizer, w, TARGET) for w in (CLEAN, CORRUPT))
    one, two = (hidden_states(bert, d.inputs)[0] for d in (clean, corrupt))

    def logit(share):
        def change(layer, hidden):
            return two + share * (one - two) if layer == 0 else hidden

        with layer_inputs_changed(bert, change):
            return corrupt.logits(corrupt.inputs)[0]

    halfway = trace(bert, corrupt.inputs, corrupt.read, first=(one + two) / 2)
    slope = ((one - two) * halfway.grad_hidden[0]).sum().item()
    assert halfway.logit.item() == pytest.approx(logit(0.5), abs=1e-12)
    difference = (logit(0.5 + 1e-4) - logit(0.5 - 1e-4)) / 2e-4
    assert slope == pytest.approx(difference, rel=1e-6)


def test_a_trace_without_backward_pass_sees_the_same_states(bert, tokenizer):
    this = decision(bert, tokenizer, CLEAN, TARGET)
    full = trace(bert, this.inputs, this.read)
    cheap = trace(bert, this.inputs, this.read, backward=False)
    torch.testing.assert_close(cheap.hidden, full.hidden)
    torch.testing.assert_close(cheap.value, full.value)
    assert cheap.grad_sum.numel() == cheap.grad_read.numel() == 0


@pytest.mark.parametrize("k", [1, 2])
def test_checked_paths_run_through_exact_nodes(k, two_layer_reader, tokenizer):
    texts = (CLEAN, CORRUPT)
    graph = decision_graph(
        two_layer_reader, tokenizer, *texts, TARGET, slopes="midpoint"
    )
    checked = checked_graph(two_layer_reader, tokenizer, texts, graph, k=k)
    exact = exact_graph(two_layer_reader, tokenizer, texts, graph)
    path = decision_path(checked, 2)
    for positions in [path.positions, *(p for p, _ in path.alternatives)][:k]:
        for layer, to in enumerate(positions[1:]):
            got, want = checked.edges[layer, to], exact.edges[layer, to]
            np.testing.assert_allclose(got, want, atol=1e-10)
    untouched = np.isclose(checked.edges, graph.edges, atol=1e-12).all(-1)
    assert untouched.any()


def test_all_paths_checked_give_the_exact_path(two_layer_reader, tokenizer):
    texts = (CLEAN, CORRUPT)
    graph = decision_graph(two_layer_reader, tokenizer, *texts, TARGET)
    checked = checked_graph(two_layer_reader, tokenizer, texts, graph, k=2000)
    exact = exact_graph(two_layer_reader, tokenizer, texts, graph)
    best = decision_path(exact)
    assert decision_path(checked).positions == best.positions
    assert decision_path(checked).score == pytest.approx(best.score, rel=1e-9)


def test_bad_arguments(bert, tokenizer):
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    with pytest.raises(ValueError, match="at least one path"):
        checked_graph(bert, tokenizer, (CLEAN, CORRUPT), graph, k=0)
    with pytest.raises(ValueError, match="texts it was made from"):
        exact_graph(bert, tokenizer, (CORRUPT, CLEAN), graph)
    with pytest.raises(ValueError, match="use 'ends' or 'midpoint'"):
        decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET, slopes="clean")
