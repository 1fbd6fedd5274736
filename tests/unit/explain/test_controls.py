import json

import numpy as np
import pytest

from qglib.data import planted
from qglib.explain import (
    KnownCause,
    PathControls,
    attributions,
    decided_entities,
    decision_graphs,
    decision_path,
    deletion_effects,
    explanation,
    first_entities,
    interval_table,
    intervention_trial,
    known_causes,
    oracle_agreement,
    path_agreement,
    path_controls,
    planted_pairs,
    right_entities,
    sanity_check,
    turning_pairs,
    word_rankings,
)


@pytest.fixture(scope="module")
def tagger(encoder_dir):
    """A linear head on layers 3 and 6, taught a few planted sentences."""
    from qglib.models import build_tagger, frozen_features, train_head

    model, tokenizer = build_tagger(str(encoder_dir), head="linear", seed=0)
    lessons = [e.sentence for e in planted(60, np.random.default_rng(0))]
    features = frozen_features(model, tokenizer, [s.words for s in lessons])
    train_head(model, features, [s.tags for s in lessons], epochs=20)
    return model, tokenizer


def test_interval_table():
    rng = np.random.default_rng(0)
    table = interval_table({"a": rng.normal(1, 1, 400), "b": [2.0, 2.0]}, rng)
    assert list(table.columns) == ["mean", "low", "high"]
    assert table.low["a"] < table["mean"]["a"] < table.high["a"]
    # 95 % of a mean of 400 normal values: about 2 * 1.96 / 20 wide
    assert table.high["a"] - table.low["a"] == pytest.approx(0.196, rel=0.2)
    assert tuple(table.loc["b"]) == (2, 2, 2)
    with pytest.raises(ValueError, match="finite"):
        interval_table({"a": [np.nan]}, rng)
    with pytest.raises(ValueError, match="at least one"):
        interval_table({"a": []}, rng)


def test_known_cause_auc():
    case = KnownCause(("a", "b", "c", "d"), (0, "O"), (1, 2))
    assert case.auc(np.array([0.1, -5.0, 3.0, 0.2])) == 1
    assert case.auc(np.array([1.0, 0.5, 0.2, 2.0])) == 0
    assert case.auc(np.zeros(4)) == 0.5
    assert case.auc(np.array([[0.1, 5, 3, 0.2], [1, 0.5, 0.2, 2]])) == 0.5
    many = np.random.default_rng(0).normal(size=(4000, 4))
    assert case.auc(many) == pytest.approx(0.5, abs=0.03)
    with pytest.raises(ValueError, match="3 scores for 4 words"):
        case.auc(np.zeros(3))


def test_margin_is_chosen_and_measured_on_different_halves():
    d, rival = np.zeros((8, 4)), np.zeros((8, 4))
    d[:4, 2] = 1.0  # layer 2 wins on the first half only
    d[4:, 1] = 0.5
    controls = PathControls(
        3, tuple(range(8)), {"D": d, "pinned ends": rival}, {}, 0.0, 0.0
    )
    layer, margin = controls.margin(np.random.default_rng(0))
    assert layer == 2
    assert tuple(margin) == (0, 0, 0)
    assert list(margin.index) == ["effect", "low", "high"]


def test_whole_walk_on_the_tagger(tagger):
    rng = np.random.default_rng(0)
    cases = known_causes(*tagger, planted(20, rng))
    assert cases
    short = known_causes(*tagger, planted(20, np.random.default_rng(0)), most_words=14)
    assert all(len(case.words) <= 14 for case in short)
    for case in cases:
        assert case.target[1].startswith("B-")
        assert set(case.cause) < set(range(len(case.words)))
    offered = planted_pairs(tagger[1], 60, rng)
    pairs = turning_pairs(*tagger, offered, least=0.5)[:6]
    assert len(pairs) >= 3
    graphs = decision_graphs(
        *tagger, [(p.clean, p.corrupt) for p in pairs], [p.target for p in pairs]
    )
    assert all(graph.read_layers == (3, 6) for graph in graphs)
    for graph, pair in zip(graphs, pairs, strict=True):
        assert graph.clean_logit - graph.corrupt_logit >= 0.5 - 1e-4
        assert graph.target == pair.target
        # a linear head: the read-out is the whole difference
        assert graph.readout.sum() == pytest.approx(
            graph.clean_logit - graph.corrupt_logit, abs=1e-3
        )
    paths = [decision_path(graph) for graph in graphs]
    same = paths[0].exit_layer
    chosen = [i for i, p in enumerate(paths) if p.exit_layer == same]
    if len(chosen) >= 2:
        controls = path_controls(*tagger, pairs, graphs, paths, rng)
        size = (len(controls.cases), controls.exit_layer + 1)
        assert all(value.shape == size for value in controls.by_layer.values())
        first = {name: v[:, 0] for name, v in controls.by_layer.items()}
        np.testing.assert_allclose(first["D"], first["stay"], atol=1e-4)
        np.testing.assert_allclose(first["D"], first["pinned ends"], atol=1e-4)
    pearson, top = oracle_agreement(*tagger, pairs[:2], graphs[:2])
    assert pearson > 0.5
    assert 0 <= top <= 1
    one = attributions(*tagger, cases[0].words, cases[0].target, "occlusion")
    plain = explanation([one], graphs[0], paths[0])
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    with pytest.raises(ValueError, match="at least one"):
        explanation([], graphs[0], paths[0])


def test_paths_need_something_between_their_ends(tagger):
    with pytest.raises(ValueError, match="at least 2 pairs"):
        path_controls(*tagger, [], [], [], np.random.default_rng(0))


def test_right_entities(tagger):
    sentences = [e.sentence for e in planted(10, np.random.default_rng(5))]
    for sentence, at in right_entities(*tagger, sentences):
        assert sentence.tags[at].startswith("B-")


def test_first_entities_and_their_trial(tagger):
    sentences = [e.sentence for e in planted(30, np.random.default_rng(5))]
    cases = first_entities(*tagger, sentences, 6)
    assert 3 <= len(cases) <= 6
    assert len({words for words, _, _ in cases}) == len(cases)
    right = {(s.words, at) for s, at in right_entities(*tagger, sentences)}
    assert all((words, at) in right for words, at, _ in cases)
    got = intervention_trial(*tagger, cases, np.random.default_rng(0))
    assert list(got) == ["D", "attention", "nearness"]
    effects = [deletion_effects(*tagger, words, (at, y)) for words, at, y in cases]
    near = word_rankings(*tagger, cases, ["nearness"])["nearness"]
    places = [at for _, at, _ in cases]
    again = path_agreement(effects, near, places, np.random.default_rng(1), 9)
    np.testing.assert_allclose(got["nearness"].each, again.each, atol=1e-9)
    with pytest.raises(ValueError, match="most=0"):
        first_entities(*tagger, sentences, 0)


def test_decided_entities_carry_the_taggers_own_label(tagger):
    from qglib.models import word_logits

    sentences = [e.sentence for e in planted(12, np.random.default_rng(6))]
    found = decided_entities(*tagger, sentences, 8, np.random.default_rng(0))
    assert 0 < len(found) <= 8
    by_words = {s.words: s for s in sentences}
    for words, at, own in found:
        assert by_words[words].tags[at].startswith("B-")
        logits = word_logits(*tagger, [words])[0][at]
        assert own == tagger[0].config.labels[int(logits.argmax())] != "O"
    with pytest.raises(ValueError, match="most=0"):
        decided_entities(*tagger, sentences, 0, np.random.default_rng(0))


def test_sanity_check_rows(bert, tokenizer):
    import torch

    words = ["jordan", "said", "the", "plan"]
    explained = [attributions(bert, tokenizer, words, (0, 1), "occlusion")]
    got = sanity_check(bert, tokenizer, explained, torch.Generator().manual_seed(0))
    assert list(got) == [
        "encoder redrawn",
        "head redrawn",
        "both redrawn",
        "input only",
    ]
    assert all(len(row) == 1 and -1 <= row[0] <= 1 for row in got.values())
