"""The claims ledger: every claim of the article with the number that decides it.

The rows (claim, experiment, rule) are written before the run and kept in
``data/reference/ledger.json``; the numbers come from the records of the notebooks,
by code.  A row without a number stays "open" and is never filled with prose.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qglib.record import ROOT

FILE = ROOT / "data" / "reference" / "ledger.json"
FIELDS = ("id", "claim", "decides", "notebook", "rival", "would_change")
VERDICTS = ("supported", "not supported", "undecided", "open")


def support(rule: Mapping[str, Any]) -> tuple[float, float]:
    """Ends of the open interval of effects that support a claim.

    ``greater`` and ``less`` have one threshold, ``equivalent`` lies within plus or
    minus its threshold (as in two one-sided tests).  ``descriptive`` is a number
    without a test: two equal infinities.

    Raises:
        ValueError: for another kind or an unusable threshold.
    """
    kind, edge = rule.get("kind"), rule.get("threshold")
    if kind == "descriptive":
        return math.inf, math.inf
    if kind not in ("greater", "less", "equivalent"):
        known = "greater, less, equivalent, descriptive"
        raise ValueError(f"rule kind is {kind!r}: choose one of {known}.")
    if isinstance(edge, bool) or not isinstance(edge, (int, float)):
        raise ValueError(f"a rule {kind!r} needs a number as threshold, not {edge!r}.")
    if kind == "equivalent" and edge <= 0:
        raise ValueError(f"an equivalence needs a threshold above 0, not {edge}.")
    left = {"greater": edge, "less": -math.inf, "equivalent": -edge}[kind]
    return left, math.inf if kind == "greater" else edge


def verdict(rule: Mapping[str, Any], effect: float, low: float, high: float) -> str:
    """Decide a claim by its rule and the interval [low, high] of the effect.

    Returns:
        ``"supported"`` if the whole interval lies in `support`, ``"not supported"``
        if none of it does, else ``"undecided"``; so is every descriptive row.

    Raises:
        ValueError: for an unknown rule, a number that is not finite, or a reversed
            interval.
    """
    left, right = support(rule)
    if not all(map(math.isfinite, (effect, low, high))) or low > high:
        raise ValueError(f"effect {effect}, interval [{low}, {high}]: no interval.")
    if rule["kind"] == "descriptive":
        return "undecided"
    if left < low and high < right:
        return "supported"
    return "not supported" if high <= left or low >= right else "undecided"


def rows(path: Path | str = FILE) -> list[dict[str, Any]]:
    """Read the rows of the ledger.

    Raises:
        ValueError: for a row that lacks a field, an unknown kind of rule, a rule
            without threshold, or an id that occurs twice.
    """
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    seen: set[str] = set()
    for row in found:
        missing = [field for field in (*FIELDS, "rule") if field not in row]
        if missing:
            raise ValueError(
                f"ledger row {row.get('id')!r} lacks {', '.join(missing)}."
            )
        support(row["rule"])
        if row["id"] in seen:
            raise ValueError(f"ledger row {row['id']!r} occurs twice.")
        seen.add(row["id"])
    return found


def fill(
    rows: Sequence[Mapping[str, Any]], records: Iterable[Mapping[str, Any]]
) -> pd.DataFrame:
    """Put the numbers of the records into the rows.

    Returns:
        One line per row, in order: the fields of the row, effect, low, high, unit,
        rival_value, detail, verdict, and the ends of `support`, left and right.
        Without a number the verdict is ``"open"``.

    Raises:
        ValueError: for a claim without a row, from another notebook than the row
            names, or in another unit.
    """
    by_id, numbers = {row["id"]: row for row in rows}, {}
    for record in records:
        for name, claim in record.get("claims", {}).items():
            row = by_id.get(name, {"notebook": "no row", "rule": {}})
            unit = row["rule"].get("unit", "")
            if (row["notebook"], unit) != (record["notebook"], claim["unit"]):
                raise ValueError(
                    f"{record['notebook']} claims {name!r} in {claim['unit']!r}; the "
                    f"ledger gives it to {row['notebook']}, in {unit!r}."
                )
            numbers[name] = claim
    nothing = dict.fromkeys(("effect", "low", "high"), math.nan)
    lines = []
    for row in rows:
        claim, rule = numbers.get(row["id"], {}), row["rule"]
        line = {key: row[key] for key in FIELDS} | nothing
        line |= {key: claim[key] for key in nothing if claim}
        line |= {"rival_value": claim.get("rival"), "detail": claim.get("detail", "")}
        line |= {
            "verdict": verdict(rule, *(line[k] for k in nothing)) if claim else "open"
        }
        line |= dict(zip(("left", "right"), support(rule), strict=True))
        lines.append(line | {"unit": rule.get("unit", "")})
    return pd.DataFrame(lines)
