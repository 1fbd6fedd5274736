from __future__ import annotations

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from qglib.causal import spurious_cue_test
from qglib.data.structural import ADVERBS

# the sub-package exports functions under the names of their modules
cue_module = importlib.import_module("qglib.causal.spurious_cue")
LABELS = ["O"] + [f"{p}-{kind}" for kind in sorted(ADVERBS) for p in "BI"]
STUB = SimpleNamespace(config=SimpleNamespace(labels=LABELS))


def logits_of(tags):
    rows = np.zeros((len(tags), len(LABELS)), dtype=np.float32)
    for row, tag in enumerate(tags):
        rows[row, LABELS.index(tag)] = 30
    return rows


@pytest.fixture
def gold(monkeypatch):
    """Gold tags of every sentence that is drawn."""
    known = {}
    original = cue_module.planted

    def remember(*args, **kwargs):
        examples = original(*args, **kwargs)
        known.update({e.sentence.words: e.sentence.tags for e in examples})
        return examples

    monkeypatch.setattr(cue_module, "planted", remember)
    return known


def test_a_perfect_reader_loses_nothing(monkeypatch, gold) -> None:
    monkeypatch.setattr(
        cue_module,
        "word_logits",
        lambda m, t, lines: [logits_of(gold[x]) for x in lines],
    )
    cue = spurious_cue_test(STUB, None, 40, np.random.default_rng(0))
    assert cue.table.loc["intact", "effect"] == cue.table.loc["broken", "effect"] == 1
    assert (cue.table.loc["difference"] == 0).all()
    assert len(cue.broken) == 40


def test_a_reader_of_the_adverb_falls(monkeypatch, gold) -> None:
    """Every name takes the type that the adverb stands for."""
    kinds = {word: kind for kind, word in ADVERBS.items()}

    def read(model, tokenizer, lines):
        out = []
        for words in lines:
            kind = next(kinds[w.lower()] for w in words if w.lower() in kinds)
            tags = gold[words]
            out.append(logits_of([t if t == "O" else f"{t[:2]}{kind}" for t in tags]))
        return out

    monkeypatch.setattr(cue_module, "word_logits", read)
    cue = spurious_cue_test(STUB, None, 150, np.random.default_rng(0), rho=1.0)
    assert cue.table.loc["intact", "effect"] > 0.5
    assert cue.table.loc["difference", "high"] < -0.15
    assert list(cue.table.columns) == ["effect", "low", "high"]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        spurious_cue_test(STUB, None, 0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="probability"):
        spurious_cue_test(STUB, None, 3, np.random.default_rng(0), rho=2.0)
