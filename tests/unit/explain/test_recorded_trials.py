"""Records of the explanation studies: a slice of each computed again."""

import numpy as np
import pytest

from bench.studies import branching
from qglib import intervals, run
from qglib.explain import negation_classifier


@pytest.fixture(scope="module")
def heads():
    return {h["head"]: h for h in run.recorded("branching")["heads"]}


@pytest.mark.parametrize("head", branching.HEADS)
def test_branches_lead_pinned_ends_by_more_than_asked(head, heads):
    """The issue asks for 0.3 where the planted task is not trivial."""
    rows = intervals.recorded_rows(heads[head]["rows"])
    assert rows["low"]["two minus pinned ends"] > 0.3
    assert rows["low"]["two minus stay"] > 0
    assert rows["low"]["two minus one branch"] > 0
    assert rows["mean"]["accuracy"] > 0.9


def test_one_classifier_lies_among_the_recorded_five(encoder_dir, heads):
    model = negation_classifier("linear", encoder=str(encoder_dir))
    accuracy, found = branching.measured(model, 1, 16)
    assert accuracy > 0.8
    lead = found.over("pinned ends", heads["linear"]["layer"])
    row = intervals.recorded_rows(heads["linear"]["rows"]).loc["two minus pinned ends"]
    spread = 3 * lead.std(ddof=1) / np.sqrt(len(lead))
    assert row["low"] - spread < lead.mean() < row["high"] + spread


def test_the_oracle_record_is_of_its_protocol():
    record = run.recorded("oracle")
    assert record["pairs"] == 80
    assert record["time_ratio"] >= 10
    # 7 layers of nodes and the unpatched run, at least 7 sub-words each
    assert record["exact_rows"] > 80 * (7 * 7 + 1)
    rows = intervals.recorded_rows(record["rows"])
    assert ((0 < rows["mean"]) & (rows["mean"] < 1)).all()
