"""Verdicts by rule, numbers from records, the table and the picture."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qglib import ledger


def row(name: str, kind: str = "greater", threshold: float = 0.0, **changes) -> dict:
    return {
        "id": name,
        "claim": f"The claim | {name}.",
        "decides": "a difference",
        "notebook": "02_model_training",
        "rule": {"kind": kind, "threshold": threshold, "unit": "F1"},
        "rival": "the classical head",
        "would_change": "more seeds",
    } | changes


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
def test_verdicts(kind, threshold, interval, expected) -> None:
    rule = {"kind": kind, "threshold": threshold}
    assert ledger.verdict(rule, *interval) == expected


@pytest.mark.parametrize("interval", [(0, 1, -1), (0, float("nan"), 1)])
def test_no_interval_no_verdict(interval) -> None:
    with pytest.raises(ValueError, match="no interval"):
        ledger.verdict({"kind": "greater", "threshold": 0}, *interval)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "bigger", "threshold": 0}, "rule kind is 'bigger'"),
        ({"kind": "greater"}, "needs a number as threshold"),
        ({"kind": "less", "threshold": "0"}, "needs a number as threshold"),
        ({"kind": "equivalent", "threshold": 0}, "above 0"),
    ],
)
def test_a_wrong_rule_is_refused(rule, message) -> None:
    with pytest.raises(ValueError, match=message):
        ledger.verdict(rule, 0, 0, 0)


def test_a_row_without_a_number_stays_open() -> None:
    table = ledger.fill([row("a"), row("b")], [record(a=(0.2, 0.1, 0.3))])
    assert list(table["verdict"]) == ["supported", "open"]
    assert table["effect"].isna().tolist() == [False, True]
    assert set(table["verdict"]) <= set(ledger.VERDICTS)
    assert {"claim", "low", "high", "unit", "rival", "would_change"} <= set(table)
    assert table[["left", "right"]].to_numpy().tolist() == [[0, np.inf]] * 2


def test_without_any_record_all_is_open() -> None:
    assert set(ledger.fill([row("a"), row("b")], [])["verdict"]) == {"open"}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (record(c=(0, 0, 0)), "claims 'c' in 'F1'; .* gives it to no row"),
        (record("03_causal_analysis", a=(0, 0, 0)), "gives it to 02_model_training"),
        (record(unit="accuracy", a=(0, 0, 0)), "in 'accuracy'; .*, in 'F1'"),
    ],
)
def test_a_claim_must_fit_its_row(made, message) -> None:
    with pytest.raises(ValueError, match=message):
        ledger.fill([row("a")], [made])


def test_rows_are_checked(tmp_path) -> None:
    path = tmp_path / "ledger.json"

    def read(*rows) -> list[dict]:
        path.write_text(json.dumps(rows))
        return ledger.rows(path)

    assert read(row("a"), row("b"))[1]["id"] == "b"
    with pytest.raises(ValueError, match="'a' occurs twice"):
        read(row("a"), row("a"))
    with pytest.raises(ValueError, match="'a' lacks claim"):
        read({k: v for k, v in row("a").items() if k != "claim"})


def test_the_projects_ledger_is_complete() -> None:
    found = ledger.rows()
    assert len(found) >= 13
    assert all(row["claim"].endswith(".") and row["decides"] for row in found)
