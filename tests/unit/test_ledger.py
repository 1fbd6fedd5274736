"""Verdicts by rule and numbers from records, as the cells of notebook 00 define them.

The cells are taken from the notebook, so that what a reader sees is what is tested.
"""

from __future__ import annotations

import ast
import json
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest

from qglib.run import NOTEBOOKS, REFERENCE

ROWS = json.loads((REFERENCE / "ledger.json").read_text("utf-8"))
FIELDS = {"id", "claim", "decides", "notebook", "rule", "rival", "would_change"}


@pytest.fixture
def ledger() -> SimpleNamespace:
    """The functions of the notebook, without the cells that call them."""
    names = {"support", "verdict", "claims_of", "filled"}
    space = {"np": np, "rows": []}
    for cell in nbformat.read(NOTEBOOKS / "00_start_here.ipynb", 4).cells:
        tree = ast.parse(cell.source) if cell.cell_type == "code" else ast.Module([])
        found = [n for n in tree.body if getattr(n, "name", "") in names]
        exec(compile(ast.Module(found, []), cell.id, "exec"), space)
    return SimpleNamespace(**{name: space[name] for name in names}, rows=space["rows"])


def table(ledger, rows: list[dict], records: list[dict]) -> pd.DataFrame:
    ledger.rows[:] = rows
    claims = ledger.claims_of(records)
    return pd.DataFrame([ledger.filled(row, claims) for row in rows])


def row(name: str, kind: str = "greater", threshold: float = 0.0) -> dict:
    return {
        "id": name,
        "claim": f"The claim | {name}.",
        "decides": "a difference",
        "notebook": "02_model_training",
        "rule": {"kind": kind, "threshold": threshold, "unit": "F1"},
        "rival": "the classical head",
        "would_change": "more seeds",
    }


def record(notebook: str = "02_model_training", unit: str = "F1", **claims) -> dict:
    full = {
        name: {
            "effect": effect,
            "low": low,
            "high": high,
            "unit": unit,
            "rival": None,
            "detail": "",
        }
        for name, (effect, low, high) in claims.items()
    }
    return {"notebook": notebook, "claims": full}


@pytest.mark.parametrize(
    ("kind", "threshold", "interval", "expected"),
    [
        ("greater", 0.0, (0.2, 0.1, 0.3), "supported"),
        ("greater", 0.0, (0.2, -0.1, 0.3), "undecided"),
        ("greater", 0.0, (-0.2, -0.3, -0.1), "not supported"),
        ("greater", 0.0, (0.0, 0.0, 0.0), "not supported"),
        ("greater", 0.0, (0.1, 0.0, 0.2), "undecided"),
        ("greater", 0.25, (0.2, 0.1, 0.24), "not supported"),
        ("less", 0.0, (-0.2, -0.3, -0.1), "supported"),
        ("less", 0.0, (0.2, 0.1, 0.3), "not supported"),
        ("less", 0.0, (0.0, -0.1, 0.3), "undecided"),
        ("equivalent", 0.1, (0.0, -0.05, 0.05), "supported"),
        ("equivalent", 0.1, (0.1, 0.05, 0.15), "undecided"),
        ("equivalent", 0.1, (0.0, -0.2, 0.2), "undecided"),
        ("equivalent", 0.1, (0.3, 0.2, 0.4), "not supported"),
        ("equivalent", 0.1, (-0.3, -0.4, -0.2), "not supported"),
        ("descriptive", 0.0, (0.3, 0.2, 0.4), "undecided"),
    ],
)
def test_verdicts(ledger, kind, threshold, interval, expected) -> None:
    rule = {"kind": kind, "threshold": threshold}
    assert ledger.verdict(rule, *interval) == expected


@pytest.mark.parametrize("interval", [(0, 1, -1), (0, float("nan"), 1)])
def test_no_interval_no_verdict(ledger, interval) -> None:
    with pytest.raises(AssertionError, match="no interval"):
        ledger.verdict({"kind": "greater", "threshold": 0}, *interval)


def test_a_row_without_a_number_stays_open(ledger) -> None:
    found = table(ledger, [row("a"), row("b")], [record(a=(0.2, 0.1, 0.3))])
    assert list(found["verdict"]) == ["supported", "open"]
    assert found["effect"].isna().tolist() == [False, True]
    assert {"claim", "low", "high", "unit", "rival", "would_change"} <= set(found)
    assert found[["left", "right"]].to_numpy().tolist() == [[0, np.inf]] * 2


def test_without_any_record_all_is_open(ledger) -> None:
    assert set(table(ledger, [row("a"), row("b")], [])["verdict"]) == {"open"}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (record(c=(0, 0, 0)), "'c' is claimed by .*'F1'.*, ledger: None"),
        (record("03_causal_analysis", a=(0, 0, 0)), "ledger: .*02_model_training"),
        (record(unit="accuracy", a=(0, 0, 0)), "'accuracy'.*, ledger: .*'F1'"),
    ],
)
def test_a_claim_must_fit_its_row(ledger, made, message) -> None:
    with pytest.raises(AssertionError, match=message):
        table(ledger, [row("a")], [made])


def test_the_projects_ledger_is_complete(ledger) -> None:
    """Rows are data: each is whole, has a rule that can decide, and occurs once."""
    assert len(ROWS) >= 13
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    for one in ROWS:
        assert one.keys() >= FIELDS, one
        assert one["claim"].endswith(".") and one["decides"]
        rule = one["rule"]
        assert "unit" in rule and ledger.support(rule)[0] is not None, rule
        if rule["kind"] != "descriptive":
            assert type(rule["threshold"]) in (int, float), rule
        if rule["kind"] == "equivalent":
            assert rule["threshold"] > 0, rule
