"""Compare the results of a run with expected values, each with its tolerance.

``tests/expected/<notebook>.<profile>.json`` holds for every result the value, the
allowed deviation (``rel``, ``abs`` or both; 0 is exact) and ``why``: where value
and tolerance come from.  The optional entry ``gpu`` replaces the tolerance on
lightning.gpu; ``may be nothing`` says why a tolerance holds 0.  Words and truth
values are compared exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qglib.record import ROOT, read_json, write_json

EXPECTED = ROOT / "tests" / "expected"
JUMP = 10  # an update beyond this many tolerances needs force
UNEXPLAINED = "say where this value and its tolerance come from"


@dataclass(frozen=True)
class Difference:
    """One result that is not as expected."""

    name: str
    got: str
    want: str
    allowed: str
    why: str


def expected_file(notebook: str, profile: str, folder: Path = EXPECTED) -> Path:
    """Return the file with the expected values of one notebook and profile."""
    return folder / f"{notebook}.{profile}.json"


def load(path: Path | str) -> dict[str, dict[str, Any]]:
    """Read a file of expected values.

    Raises:
        ValueError: for an entry without value or ``why``, or a number without a
            tolerance.
    """
    path = Path(path)
    expected = read_json(path, "restore it with git checkout")
    for name, entry in expected.items():
        if (
            not isinstance(entry, dict)
            or "value" not in entry
            or not str(entry.get("why", "")).strip()
        ):
            raise ValueError(f"{path.name}: {name} needs a value and a why.")
        if not _is_word(entry["value"]) and not {"rel", "abs"} & entry.keys():
            raise ValueError(f"{path.name}: {name} needs rel or abs (0 for exact).")
    return expected


def compare(
    results: Mapping[str, Any],
    expected: Mapping[str, Mapping[str, Any]],
    *,
    device: str = "",
) -> list[Difference]:
    """Return every disagreement; a missing and an extra result are ones too.

    Args:
        results: ``results`` of a record.
        expected: what `load` returned.
        device: name of the device of the run; decides which tolerance holds.
    """
    found = []
    for name in sorted(results.keys() | expected.keys()):
        if name not in expected:
            got = _text(results[name])
            found.append(Difference(name, got, "-", "-", "no expected value"))
            continue
        entry = expected[name]
        want, why = entry["value"], str(entry["why"])
        if name not in results:
            found.append(
                Difference(name, "-", _text(want), "-", "not reported; " + why)
            )
            continue
        got = results[name]
        rel, absolute = tolerance(entry, device)
        if _is_word(want) or _is_word(got):
            good, allowed = type(got) is type(want) and got == want, "exact"
        else:
            good = math.isclose(got, want, rel_tol=rel, abs_tol=absolute)
            allowed = f"± {max(rel * abs(want), absolute):.3g}"
        if not good:
            found.append(Difference(name, _text(got), _text(want), allowed, why))
    return found


def tolerance(entry: Mapping[str, Any], device: str = "") -> tuple[float, float]:
    """Return the relative and absolute tolerance of one entry on one device."""
    limits = entry["gpu"] if device == "lightning.gpu" and "gpu" in entry else entry
    return float(limits.get("rel", 0.0)), float(limits.get("abs", 0.0))


def table(differences: Sequence[Difference]) -> str:
    """Return the differences as aligned lines under a heading, for a message."""
    rows = [("name", "got", "want", "allowed", "why")]
    rows += [(d.name, d.got, d.want, d.allowed, d.why) for d in differences]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[4]])
        for row in rows
    )


def updated(
    results: Mapping[str, Any],
    expected: Mapping[str, Mapping[str, Any]],
    *,
    force: bool = False,
) -> dict[str, dict[str, Any]]:
    """Return expected values with the new numbers and the old tolerances and whys.

    A new result gets a tight tolerance and a ``why`` to be filled in; a result that
    is no longer reported goes.

    Raises:
        ValueError: if a value moved by more than ten tolerances and not ``force``.
    """
    new: dict[str, dict[str, Any]] = {}
    jumps = []
    for name, value in results.items():
        entry = dict(expected.get(name, {}))
        if entry and _jumps(value, entry):
            jumps.append(f"{name} from {_text(entry['value'])} to {_text(value)}")
        if not entry:
            entry = {"value": value} | _first_tolerance(value) | {"why": UNEXPLAINED}
        elif _is_word(value) or compare({name: value}, {name: entry}):
            entry["value"] = value
        new[name] = entry
    if jumps and not force:
        raise ValueError(
            f"more than {JUMP} tolerances away, look before using --force: "
            + "; ".join(jumps)
        )
    return new


def update_file(path: Path, results: Mapping[str, Any], *, force: bool = False) -> None:
    """Rewrite the values in a file of expected values; see `updated`."""
    expected = load(path) if path.exists() else {}
    write_json(path, updated(results, expected, force=force))


def _jumps(value: Any, entry: Mapping[str, Any]) -> bool:
    old = entry["value"]
    if _is_word(old) or _is_word(value):
        return type(old) is not type(value) or old != value
    rel, absolute = tolerance(entry)
    return abs(value - old) > JUMP * max(rel * abs(old), absolute)


def _first_tolerance(value: Any) -> dict[str, float]:
    if _is_word(value):
        return {}
    return {"abs": 0} if isinstance(value, int) else {"rel": 1e-6}


def _is_word(value: Any) -> bool:
    return isinstance(value, (str, bool))


def _text(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else repr(value)
