import numpy as np
import pytest
import torch
from transformers import BertForTokenClassification

from qglib.explain import decision_graphs
from qglib.explain.decision import decision
from qglib.explain.encoder import layer_inputs_changed, trace

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "said", "the", "plan"]
TARGET = (2, "B-PER")


@pytest.fixture
def fixed_attention():
    """Without queries the attention is uniform, so values alone carry changes."""

    def change(model):
        for name, parameter in model.named_parameters():
            if "query" in name:
                torch.nn.init.zeros_(parameter)

    return change


@pytest.mark.parametrize("kind", ["one read-out layer", "two"])
def test_first_order_meets_node_effects(
    kind,
    bert,
    two_layer_reader,
    tokenizer,
    nearly_equal_words,
    fixed_attention,
    node_effects,
    decision_graph,
):
    model = bert if kind == "one read-out layer" else two_layer_reader
    nearly_equal_words(model, tokenizer)
    fixed_attention(model)
    graph = decision_graph(model, tokenizer, CLEAN, CORRUPT, TARGET)
    exact = node_effects(model, tokenizer, CLEAN, CORRUPT, TARGET)
    difference = abs(graph.clean_logit - graph.corrupt_logit)
    np.testing.assert_allclose(graph.node_scores, exact, atol=1e-3 * difference)


@pytest.mark.parametrize("kind", ["one read-out layer", "two"])
def test_every_cut_carries_the_whole_difference(
    kind, bert, two_layer_reader, tokenizer, nearly_equal_words, decision_graph
):
    """The nodes of one layer, plus what the head has read below it."""
    model = bert if kind == "one read-out layer" else two_layer_reader
    nearly_equal_words(model, tokenizer)
    graph = decision_graph(model, tokenizer, CLEAN, CORRUPT, TARGET)
    difference = graph.clean_logit - graph.corrupt_logit
    for layer in range(4):
        carried = graph.node_scores[layer].sum() + graph.readout[:layer].sum()
        assert carried == pytest.approx(difference, rel=1e-3)


def test_read_out_layers_are_found(bert, two_layer_reader, tokenizer, decision_graph):
    one = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    two = decision_graph(two_layer_reader, tokenizer, CLEAN, CORRUPT, TARGET)
    assert one.read_layers == (3,)
    assert two.read_layers == (1, 3)
    for graph in (one, two):
        assert (np.flatnonzero(np.abs(graph.readout).sum(0)) == [3]).all()


def test_read_out_of_a_linear_head_is_exact(
    two_layer_reader, tokenizer, decision_graph
):
    graph = decision_graph(two_layer_reader, tokenizer, CLEAN, CORRUPT, TARGET)
    difference = graph.clean_logit - graph.corrupt_logit
    assert graph.readout.sum() == pytest.approx(difference, rel=1e-9)
    states = []
    for words in (CLEAN, CORRUPT):
        ids = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        out = two_layer_reader.encoder(**ids, output_hidden_states=True)
        states.append(out.hidden_states[1][0, 3])
    weight = two_layer_reader.head.weight[1, :16]
    expected = ((states[0] - states[1]) @ weight).item()
    assert graph.readout[1, 3] == pytest.approx(expected, rel=1e-9)


def test_last_hidden_layer_is_explained_exactly(
    bert, tokenizer, node_effects, decision_graph
):
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    exact = node_effects(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    np.testing.assert_allclose(graph.node_scores[3], exact[3], atol=1e-10)


def test_shares_are_probabilities(two_layer_reader, tokenizer, decision_graph):
    edges, readout = decision_graph(
        two_layer_reader, tokenizer, CLEAN, CORRUPT, TARGET
    ).shares
    np.testing.assert_allclose(edges.sum(-1), 1, atol=1e-12)
    assert readout.sum() == pytest.approx(1)
    assert (edges >= 0).all()
    assert (readout >= 0).all()


def test_batches_give_what_single_pairs_give(bert, tokenizer, decision_graph):
    pairs = [
        (CLEAN, CORRUPT),
        (["the", "planner", "said"], ["in", "planner", "said"]),
        (["in", "paris", "the", "plan"], ["in", "jordan", "the", "plan"]),
    ]
    targets = [TARGET, (1, "O"), (1, "B-LOC")]
    together = decision_graphs(bert, tokenizer, pairs, targets)
    for graph, (clean, corrupt), target in zip(together, pairs, targets, strict=True):
        alone = decision_graph(bert, tokenizer, clean, corrupt, target)
        assert graph.target == alone.target
        np.testing.assert_allclose(graph.edges, alone.edges, atol=1e-12)


def test_frozen_encoder_gives_the_same_graph(bert, tokenizer, decision_graph):
    free = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    bert.bert.requires_grad_(False)
    frozen = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    np.testing.assert_allclose(frozen.edges, free.edges, atol=1e-12)
    assert all(p.grad is None for p in bert.parameters())


def test_texts_must_align(bert, tokenizer, decision_graph):
    with pytest.raises(ValueError, match="6 sub-words and corrupt 7"):
        decision_graph(
            bert, tokenizer, CLEAN, ["jordan", "said", "the", "planner"], TARGET
        )
    with pytest.raises(ValueError, match="starts at sub-word"):
        decision_graph(
            bert, tokenizer, ["planner", "said"], ["jordan", "planner"], (1, "O")
        )
    with pytest.raises(IndexError, match="beyond"):
        decision_graph(bert, tokenizer, CLEAN, CORRUPT, (9, "O"))
    with pytest.raises(ValueError, match="2 targets"):
        decision_graphs(bert, tokenizer, [(CLEAN, CORRUPT)], [TARGET, TARGET])
    with pytest.raises(ValueError, match="use 'ends' or 'midpoint'"):
        decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET, slopes="clean")


def test_equal_texts_have_no_shares(bert, tokenizer, decision_graph):
    graph = decision_graph(bert, tokenizer, CLEAN, CLEAN, TARGET)
    with pytest.raises(ValueError, match="no difference to explain"):
        _ = graph.shares


def test_attention_of_another_implementation_is_put_back(
    bert, tokenizer, decision_graph
):
    config = bert.config.__class__(
        **bert.config.to_dict() | {"attn_implementation": "sdpa"}
    )
    fast = BertForTokenClassification(config).double().eval()
    fast.load_state_dict(bert.state_dict())
    graph = decision_graph(fast, tokenizer, CLEAN, CORRUPT, TARGET)
    assert fast.config._attn_implementation == "sdpa"
    eager = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    np.testing.assert_allclose(graph.edges, eager.edges, atol=1e-10)
    assert not fast.bert.encoder.layer[0].attention.self._forward_hooks


def test_model_without_bert_layers(bag_of_words, tokenizer, decision_graph):
    with pytest.raises(ValueError, match="no BERT-type encoder"):
        decision_graph(bag_of_words, tokenizer, CLEAN, CORRUPT, (None, "O"))


def test_text_classifier(tokenizer, bert, decision_graph):
    from transformers import BertForSequenceClassification

    torch.manual_seed(0)
    model = BertForSequenceClassification(bert.config).double().eval()
    graph = decision_graph(model, tokenizer, CLEAN, CORRUPT, (None, "B-PER"))
    assert graph.position is None
    assert (np.flatnonzero(np.abs(graph.readout).sum(0)) == [0]).all()  # [CLS]


def test_without_a_corrupt_text_it_is_the_blank_one(bert, tokenizer, decision_graph):
    graph = decision_graph(bert, tokenizer, CLEAN, None, TARGET)
    assert graph.corrupt_tokens == ("[CLS]", *["[MASK]"] * 4, "[SEP]")
    blank = decision_graph(bert, tokenizer, CLEAN, ["[MASK]"] * 4, TARGET)
    np.testing.assert_allclose(graph.edges, blank.edges, atol=1e-12)


def test_midpoint_gradient_is_the_slope_halfway(bert, tokenizer, fixed_attention):
    """Against a central difference along the line between the embeddings.

    With fixed attention the first layer is linear up to its first sum.
    """
    fixed_attention(bert)
    clean, corrupt = (decision(bert, tokenizer, w, TARGET) for w in (CLEAN, CORRUPT))
    one, two = (trace(bert, d.inputs, d.read).hidden[0] for d in (clean, corrupt))

    def logit(share):
        def change(layer, hidden):
            return two + share * (one - two) if layer == 0 else hidden

        with layer_inputs_changed(bert, change):
            return corrupt.logits(corrupt.inputs)[0]

    halfway = trace(bert, corrupt.inputs, corrupt.read, first=(one + two) / 2)
    (graph,) = decision_graphs(
        bert, tokenizer, [(CLEAN, CORRUPT)], [TARGET], slopes="midpoint"
    )
    slope = graph.node_scores[0].sum()
    assert halfway.logit.item() == pytest.approx(logit(0.5), abs=1e-12)
    difference = (logit(0.5 + 1e-4) - logit(0.5 - 1e-4)) / 2e-4
    assert slope == pytest.approx(difference, rel=1e-6)
