import numpy as np
import pytest

from qglib.explain import planted_pairs


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
        assert label != pair.corrupt_label
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
