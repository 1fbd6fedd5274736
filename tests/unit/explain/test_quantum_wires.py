"""Wires of the quantum head: the path sum is the whole logit difference."""

import numpy as np
import pytest

from qglib.explain.decision_path import best_paths
from qglib.explain.quantum_wires import quantum_head, wire_graph, wire_path

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]


@pytest.mark.parametrize("kind", ["tagger", "classifier"])
def test_path_sum_is_complete(kind, tokenizer, request):
    model = request.getfixturevalue(f"quantum_{kind}")
    target = (2 if kind == "tagger" else None, "B-PER")
    wires = wire_graph(model, tokenizer, CLEAN, CORRUPT, target)
    gap = wires.graph.clean_logit - wires.graph.corrupt_logit
    assert abs(gap) > 1e-3
    assert abs(wires.completeness_gap) < 1e-6
    assert wires.circuit.sum() == pytest.approx(gap, abs=1e-6)
    np.testing.assert_allclose(wires.inputs, 0, atol=1e-9)
    # what enters a wire leaves it
    np.testing.assert_allclose(wires.entry.sum((0, 1)), wires.circuit.sum(0), atol=1e-9)
    read = np.abs(wires.entry).sum((1, 2)) > 0
    assert read.tolist() == [False, kind == "tagger", False, True]
    if kind == "tagger":  # the head reads the target sub-word only
        assert set(np.argwhere(wires.entry)[:, 1]) == {3}


@pytest.mark.parametrize("kind", ["tagger", "classifier"])
def test_walk_and_best_path(kind, tokenizer, request):
    model = request.getfixturevalue(f"quantum_{kind}")
    target = (2 if kind == "tagger" else None, "B-PER")
    wires = wire_graph(model, tokenizer, CLEAN, CORRUPT, target)
    entering, leaving = wires.wire_visits
    assert entering.sum() == pytest.approx(1)
    assert leaving.sum() == pytest.approx(1)
    assert wires.readout_shares.sum() == pytest.approx(1)
    path = wire_path(wires)
    leave, inside, entry = wires.shares
    best = max(
        leave[p]
        * inside[p, q]
        * np.exp(best_paths(wires.graph.shares[0], entry[q], 1)[0][0])
        for p in range(len(leave))
        for q in range(len(entry))
    )
    assert path.score == pytest.approx(best, rel=1e-9)
    assert len(path.tokens) == len(path.positions)


def test_without_a_quantum_head(bert, tokenizer):
    with pytest.raises(ValueError, match="no quantum head"):
        wire_graph(bert, tokenizer, CLEAN, CORRUPT, (2, "B-PER"))
    with pytest.raises(ValueError, match="no quantum head"):
        quantum_head(bert)


def test_no_step(quantum_tagger, tokenizer):
    with pytest.raises(ValueError, match="steps=0"):
        wire_graph(quantum_tagger, tokenizer, CLEAN, CORRUPT, (2, "B-PER"), steps=0)
