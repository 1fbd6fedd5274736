import numpy as np
import pytest
import torch

from qglib.explain import decision_path, patched_logits

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]
TARGET = (2, "B-PER")


def restored_logits(model, tokenizer, clean, corrupt, paths, layer_sets, target):
    """Share of the logit difference that patching paths brings back."""
    patches = [[(n, path[n]) for n in some] for path in paths for some in layer_sets]
    whole = [(0, s) for s in range(len(tokenizer(clean, is_split_into_words=True)[0]))]
    logits = patched_logits(
        model, tokenizer, clean, corrupt, target, [*patches, [], whole]
    )
    restored = (logits[:-2] - logits[-2]) / (logits[-1] - logits[-2])
    return restored.reshape(len(paths), len(layer_sets))


def test_everything_and_nothing(bert, tokenizer):
    def restored(path, layers):
        return restored_logits(
            bert, tokenizer, CLEAN, CORRUPT, [path], [layers], TARGET
        )[0, 0]

    assert restored([3, 3, 3, 3], []) == pytest.approx(0, abs=1e-12)
    # The head reads sub-word 3 of layer 3 and nothing else.
    assert restored([0, 0, 0, 3], [3]) == pytest.approx(1)
    assert restored([0, 0, 0, 1], [3]) == pytest.approx(0, abs=1e-12)


def test_only_changed_words_count_at_the_input(bert, tokenizer, node_effects):
    exact = node_effects(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    assert exact.shape == (4, 6)
    np.testing.assert_allclose(exact[0, [0, 3, 4, 5]], 0, atol=1e-12)
    assert (np.abs(exact[0, [1, 2]]) > 1e-6).all()


def test_patching_a_word_at_the_input_is_writing_it(
    bert, tokenizer, node_effects, decision_graph
):
    exact = node_effects(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    graph = decision_graph(
        bert, tokenizer, ["jordan", "scored", "the", "plan"], CORRUPT, TARGET
    )
    written = graph.clean_logit - graph.corrupt_logit
    assert exact[0, 1] == pytest.approx(written, abs=1e-12)


def test_a_head_that_reads_an_inner_layer_sees_the_patch(two_layer_reader, tokenizer):
    def restored(layers):
        return restored_logits(
            two_layer_reader,
            tokenizer,
            CLEAN,
            CORRUPT,
            [(3, 3, 3, 3)],
            layers,
            TARGET,
        )[0]

    inner, last, both = restored([[1], [3], [1, 3]])
    assert both == pytest.approx(1)  # all that the head reads is clean
    assert abs(last - 1) > 1e-3
    assert abs(inner) > 1e-3


def test_a_decision_path_is_a_path(bert, tokenizer, decision_graph):
    path = decision_path(decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET))
    texts = bert, tokenizer, CLEAN, CORRUPT
    value = restored_logits(*texts, [path.positions], [[3]], TARGET)
    np.testing.assert_allclose(value, 1)


@pytest.mark.parametrize("node", [(4, 1), (-1, 1), (1, 6)])
def test_nodes_outside_the_encoder(node, bert, tokenizer):
    with pytest.raises(ValueError, match="layers 0 to 3 and sub-words 0 to 5"):
        patched_logits(bert, tokenizer, CLEAN, CORRUPT, TARGET, [[], [node]])


def test_no_hooks_are_left(bert, tokenizer, node_effects):
    node_effects(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    for layer in bert.bert.encoder.layer:
        assert not layer._forward_pre_hooks
        handles = [str(hook) for hook in layer._forward_hooks.values()]
        assert not any("layer_inputs_changed" in text for text in handles)


# ------------------------------------------------------------------ known cause

GOOD = "great superb lovely brilliant wonderful excellent delightful charming".split()
BAD = "awful dreadful terrible boring horrible dull miserable poor".split()
THINGS = "film meal hotel book concert show garden lecture".split()
PEOPLE = "anna peter maria john laura david helen mark".split()


def sentiment_pairs(n, rng):
    """Ten words; four differ, only the adjective decides."""
    pairs = []
    for _ in range(n):
        who, whom = rng.choice(PEOPLE, 2, replace=False)
        thing, other = rng.choice(THINGS, 2, replace=False)

        def text(name, place, adjective):
            line = f"{name} said that the {place} in town was {adjective} ."
            return line.split()

        pairs.append(
            (text(who, thing, rng.choice(GOOD)), text(whom, other, rng.choice(BAD)))
        )
    return pairs


class ClsClassifier(torch.nn.Module):
    def __init__(self, folder):
        super().__init__()
        from transformers import AutoModel

        self.encoder = AutoModel.from_pretrained(folder, attn_implementation="eager")
        self.config = self.encoder.config
        self.config.id2label = {0: "bad", 1: "good"}
        self.head = torch.nn.Linear(self.config.hidden_size, 2)

    def forward(self, **inputs):
        from transformers.modeling_outputs import SequenceClassifierOutput

        state = self.encoder(**inputs).last_hidden_state[:, 0]
        return SequenceClassifierOutput(logits=self.head(state))


def _pinned_ends(positions, rng):
    """The path's own ends with the hop at a random layer."""
    hop, n = int(rng.integers(1, len(positions))), len(positions)
    return (positions[0],) * hop + (positions[-1],) * (n - hop)


def test_planted_sentiment(encoder_dir, node_effects):
    """D of a [CLS] head: restored > .9, layer 5 > pinned ends + .5, Pearson > .85."""
    from sklearn.linear_model import LogisticRegression
    from transformers import AutoTokenizer

    from qglib.explain import decision_graphs

    rng = np.random.default_rng(0)
    tokenizer = AutoTokenizer.from_pretrained(encoder_dir)
    model = ClsClassifier(encoder_dir).eval()
    train = [text for pair in sentiment_pairs(100, rng) for text in pair]
    batch = tokenizer(
        train, is_split_into_words=True, return_tensors="pt", padding=True
    )
    with torch.inference_mode():
        features = model.encoder(**batch).last_hidden_state[:, 0].numpy()
    fit = LogisticRegression(C=10, max_iter=1000).fit(features, [1, 0] * 100)
    with torch.no_grad():
        weight = torch.tensor(fit.coef_[0]).float() / 2
        model.head.weight.copy_(torch.stack([-weight, weight]))
        half = float(fit.intercept_[0]) / 2
        model.head.bias.copy_(torch.tensor([-half, half]))
    pairs = [
        (clean, corrupt)
        for clean, corrupt in sentiment_pairs(60, rng)
        if len(tokenizer(clean, is_split_into_words=True)["input_ids"])
        == len(tokenizer(corrupt, is_split_into_words=True)["input_ids"])
    ][:40]
    assert len(pairs) >= 30
    targets = [(None, "good")] * len(pairs)
    graphs = decision_graphs(model, tokenizer, pairs, targets)
    rows = []
    for (clean, corrupt), graph in zip(pairs, graphs, strict=True):
        path = decision_path(graph)
        assert path.exit_layer == 6
        pinned = _pinned_ends(path.positions, rng)
        rows.append(
            restored_logits(
                model,
                tokenizer,
                clean,
                corrupt,
                [path.positions, pinned],
                [[1, 2, 3, 4, 5], [5]],
                (None, "good"),
            )
        )
    restored = np.median(rows, axis=0)
    assert restored[0, 0] > 0.9
    assert restored[0, 1] - restored[1, 1] > 0.5
    agreement = []
    for (clean, corrupt), graph in list(zip(pairs, graphs, strict=True))[:6]:
        exact = node_effects(model, tokenizer, clean, corrupt, (None, "good"))
        agreement.append(
            np.corrcoef(exact[:6].ravel(), graph.node_scores[:6].ravel())[0, 1]
        )
    assert np.median(agreement) > 0.85
