import numpy as np
import pytest

from qglib.data import planted
from qglib.explain import decision_graphs, planted_pairs, turning_pairs


@pytest.fixture(scope="module")
def minilm(encoder_dir):
    from qglib.models import build_tagger

    return build_tagger(str(encoder_dir))[1]


def test_pairs_align_and_know_their_cause(minilm):
    pairs = planted_pairs(minilm, 60, np.random.default_rng(0))
    assert len({pair.clean for pair in pairs}) > 50
    for pair in pairs:
        slot, label = pair.target
        sides = [
            minilm(list(words), is_split_into_words=True).word_ids()
            for words in (pair.clean, pair.corrupt)
        ]
        assert len(sides[0]) == len(sides[1])
        assert sides[0].index(slot) == sides[1].index(slot)
        assert label[:2] == "B-"
        assert slot in pair.bait
        assert not set(pair.cause) & set(pair.bait)
        assert len(pair.cause) + len(pair.bait) == len(pair.clean) - 1
        for i in pair.bait:
            assert pair.clean[i] != pair.corrupt[i]
        assert any(pair.clean[i] != pair.corrupt[i] for i in pair.cause)


def test_repeatable(minilm):
    one, two = (planted_pairs(minilm, 5, np.random.default_rng(3)) for _ in range(2))
    assert one == two
    with pytest.raises(ValueError, match="n=0"):
        planted_pairs(minilm, 0, np.random.default_rng(0))


@pytest.fixture(scope="module")
def tagger(encoder_dir):
    """A linear head on layers 3 and 6, taught a few planted sentences."""
    from qglib.models import build_tagger, frozen_features, train_head

    model, tokenizer = build_tagger(str(encoder_dir), head="linear", seed=0)
    lessons = [e.sentence for e in planted(60, np.random.default_rng(0))]
    features = frozen_features(model, tokenizer, [s.words for s in lessons])
    train_head(model, features, [s.tags for s in lessons], epochs=20)
    return model, tokenizer


def test_pairs_turn_the_tagger_and_the_linear_read_out_is_all(tagger):
    offered = planted_pairs(tagger[1], 60, np.random.default_rng(0))
    pairs = turning_pairs(*tagger, offered, least=0.5)[:6]
    assert len(pairs) >= 3
    texts = [(p.clean, p.corrupt) for p in pairs]
    for graph in decision_graphs(*tagger, texts, [p.target for p in pairs]):
        assert graph.read_layers == (3, 6)
        difference = graph.clean_logit - graph.corrupt_logit
        assert difference >= 0.5 - 1e-4
        # a linear head: the read-out is the whole difference
        assert graph.readout.sum() == pytest.approx(difference, abs=1e-3)
