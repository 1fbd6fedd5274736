"""Encoders of other builds: the right graph, or an error that says what to do."""

import numpy as np
import pytest
import torch
from transformers import (
    BertForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForTokenClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
)

from qglib.explain import attribute, decision_graphs, patched_logits
from qglib.explain.decision import decision

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "said", "the", "plan"]
LABELS = {"id2label": {0: "O", 1: "B-PER", 2: "B-LOC"}}
SIZE = {"vocab_size": 14, "initializer_range": 0.3, **LABELS}
WIDE = SIZE | {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
NARROW = SIZE | {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32}


def distilbert(kind=DistilBertForTokenClassification):
    torch.manual_seed(0)
    return kind(DistilBertConfig(**NARROW, pad_token_id=0)).double().eval()


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (DistilBertForTokenClassification, 2),
        (DistilBertForSequenceClassification, None),
    ],
)
def test_distilbert_meets_exact_patching(
    kind, word, tokenizer, nearly_equal_words, decision_graph, node_effects
):
    model, target = distilbert(kind), (word, "B-PER")
    for name, parameter in model.named_parameters():
        if "q_lin" in name:  # even attention: values alone carry changes
            torch.nn.init.zeros_(parameter)
    nearly_equal_words(model, tokenizer)
    graph = decision_graph(model, tokenizer, CLEAN, CORRUPT, target)
    exact = node_effects(model, tokenizer, CLEAN, CORRUPT, target)
    difference = abs(graph.clean_logit - graph.corrupt_logit)
    np.testing.assert_allclose(graph.node_scores, exact, atol=1e-3 * difference)
    assert model.config._attn_implementation == "sdpa"


def test_distilbert_patched_whole_is_the_clean_text(tokenizer):
    model, target = distilbert(), (2, "B-PER")
    whole = [(0, s) for s in range(6)]
    logits = patched_logits(model, tokenizer, CLEAN, CORRUPT, target, [[], whole])
    for words, logit in zip((CORRUPT, CLEAN), logits, strict=True):
        this = decision(model, tokenizer, words, target)
        assert logit == pytest.approx(this.logits(this.inputs)[0], abs=1e-12)


def roberta(places):
    config = RobertaConfig(
        **WIDE, max_position_embeddings=places, pad_token_id=0, type_vocab_size=1
    )
    torch.manual_seed(0)
    return RobertaForTokenClassification(config).double().eval()


def test_roberta_counts_places_behind_its_padding(tokenizer):
    """514 places of the published model are 512 sub-words; here 13 are 12."""
    model = roberta(13)
    full = ["the"] * 10  # with both special tokens 12 sub-words
    found = attribute((model, tokenizer), full, (0, "B-PER"), "occlusion")
    assert np.isfinite(found.scores).all()
    with pytest.raises(ValueError, match="13 sub-words and the encoder takes 12"):
        attribute((model, tokenizer), [*full, "the"], (0, "B-PER"), "occlusion")
    graphs = decision_graphs(model, tokenizer, [(CLEAN, CORRUPT)], [(0, "B-PER")])
    assert graphs[0].read_layers == (2,)


def test_deberta_is_refused_with_the_remedy(tokenizer, decision_graph):
    torch.manual_seed(0)
    config = DebertaV2Config(**WIDE, relative_attention=True, pos_att_type=["c2p"])
    model = DebertaV2ForTokenClassification(config).eval()
    with pytest.raises(ValueError, match=r"no BERT-type encoder.*attribute\(\)"):
        decision_graph(model, tokenizer, CLEAN, CORRUPT, (0, "B-PER"))
    with pytest.raises(ValueError, match="no BERT-type encoder"):
        patched_logits(model, tokenizer, CLEAN, CORRUPT, (0, "B-PER"), [[]])
    words = attribute((model, tokenizer), CLEAN, (0, "B-PER"), "shapley")
    assert abs(words.completeness_gap) < 1e-5


@pytest.mark.parametrize("ask", ["attribute", "decision_graphs", "patched_logits"])
def test_word_and_kind_of_classifier_must_agree(ask, bert, tokenizer):
    torch.manual_seed(0)
    texts = BertForSequenceClassification(bert.config).double().eval()

    def run(model, word):
        target = (word, "B-PER")
        if ask == "attribute":
            return attribute((model, tokenizer), CLEAN, target, "gradient_x_input")
        if ask == "decision_graphs":
            return decision_graphs(model, tokenizer, [(CLEAN, CORRUPT)], [target])
        return patched_logits(model, tokenizer, CLEAN, CORRUPT, target, [[]])

    with pytest.raises(ValueError, match=r"at every word.*\(word index, 'B-PER'\)"):
        run(bert, None)
    with pytest.raises(ValueError, match=r"whole text, give target=\(None, 'B-PER'\)"):
        run(texts, 1)
    run(bert, 1), run(texts, None)
