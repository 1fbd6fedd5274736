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
from typing import TYPE_CHECKING, Any

from qglib.record import ROOT
from qglib.verdict import OPEN, VERDICTS, check_rule, supporting, verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FILE = ROOT / "data" / "reference" / "ledger.json"
FIELDS = ("id", "claim", "decides", "notebook", "rule", "rival", "would_change")
NOTHING = dict.fromkeys(("effect", "low", "high"), math.nan) | {
    "rival": None,
    "detail": "",
}


def rows(path: Path | str = FILE) -> list[dict[str, Any]]:
    """Read the rows of the ledger.

    Raises:
        ValueError: for a row that lacks a field, an unknown kind of rule, a rule
            without threshold, or an id that occurs twice.
    """
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    seen: set[str] = set()
    for row in found:
        missing = [field for field in FIELDS if field not in row]
        if missing:
            raise ValueError(
                f"ledger row {row.get('id')!r} lacks {', '.join(missing)}."
            )
        check_rule(row["rule"])
        if row["id"] in seen:
            raise ValueError(f"ledger row {row['id']!r} occurs twice.")
        seen.add(row["id"])
    return found


def read_records(folder: str | Path) -> tuple[list[dict[str, Any]], str]:
    """Read the records of one run, and where they came from.

    Args:
        folder: folder of the run, with one folder per notebook.  A notebook that
            did not finish there is taken from ``data/reference``, if it is there.

    Returns:
        The records and one phrase on their origin, without machine paths.
    """
    from qglib import run

    found, origins = [], {}
    for notebook in dict.fromkeys(row["notebook"] for row in rows()):
        try:
            here = Path(folder) / notebook
            artefact = run.artefact(here, notebook, "record.json")
        except FileNotFoundError:
            continue
        found.append(json.loads(artefact.path.read_text(encoding="utf-8")))
        origins.setdefault(artefact.origin, []).append(notebook[:2])
    parts = [f"{origin} ({', '.join(names)})" for origin, names in origins.items()]
    return found, "; ".join(parts) or "no record yet"


def fill(
    rows: Sequence[Mapping[str, Any]], records: Iterable[Mapping[str, Any]]
) -> pd.DataFrame:
    """Put the numbers of the records into the rows.

    Returns:
        One line per row, in order: the fields of the row, effect, low, high, unit,
        rival_value, verdict, detail, kind and threshold of the rule.  Without a
        number the verdict is ``"open"``.

    Raises:
        ValueError: for a claim without a row, from another notebook than the row
            names, or in another unit.
    """
    import pandas as pd

    by_id = {row["id"]: row for row in rows}
    numbers: dict[str, Mapping[str, Any]] = {}
    for record in records:
        for name, claim in record.get("claims", {}).items():
            _check_claim(name, claim, record["notebook"], by_id)
            numbers[name] = claim
    lines = []
    for row in rows:
        claim, rule = numbers.get(row["id"], NOTHING), row["rule"]
        ends = [claim[key] for key in ("effect", "low", "high")]
        lines.append(
            {key: row[key] for key in FIELDS if key != "rule"}
            | {key: claim[key] for key in ("effect", "low", "high", "detail")}
            | {
                "rival_value": claim["rival"],
                "verdict": OPEN if claim is NOTHING else verdict(rule, *ends),
                "kind": rule["kind"],
                "threshold": rule.get("threshold", math.nan),
                "unit": rule.get("unit", ""),
            }
        )
    return pd.DataFrame(lines)


def picture(table: pd.DataFrame) -> Figure:
    """Draw one row per claim: interval, threshold, verdict in colour.

    The claims have different units, so each interval is drawn on its own scale:
    zero in the middle, the farther end of interval or threshold at full width. The
    shaded part of a row is where its rule would call the claim supported.

    Args:
        table: what `fill` returned.

    Raises:
        ValueError: for an empty table.
    """
    import matplotlib.pyplot as plt

    from qglib.plots import ROLES, legend_for

    if table.empty:
        raise ValueError("the ledger has no rows to draw.")
    count = len(table)
    fig, ax = plt.subplots(figsize=(9.0, 1.2 + 0.42 * count))
    ax.axvline(0, color=ROLES["null"], linewidth=1, linestyle="--")
    for line, row in enumerate(table.to_dict("records")):
        color = ROLES[row["verdict"]]
        if row["verdict"] == OPEN:
            text = "open: no number yet"
        else:
            ends = [abs(row[k]) for k in ("low", "high", "effect", "threshold")]
            scale = max((e for e in ends if math.isfinite(e)), default=0.0) or 1.0
            ends = [row["low"] / scale, row["high"] / scale]
            ax.plot(ends, [line, line], color=color, linewidth=3)
            ax.plot(row["effect"] / scale, line, "o", color=color, markersize=8)
            left, right = (min(max(e / scale, -1.05), 1.05) for e in supporting(row))
            band = {"height": 0.62, "color": ROLES["supported"], "alpha": 0.13}
            ax.barh(line, right - left, left=left, linewidth=0, zorder=0, **band)
            for edge in filter(math.isfinite, supporting(row)):
                ax.plot(edge / scale, line, "|", color=ROLES["truth"], markersize=13)
            text = _number(row)
        shade = color if row["verdict"] == OPEN else ROLES["truth"]
        ax.text(1.1, line, text, va="center", color=shade, fontsize=9)
    ax.set_yticks(range(count), table["id"].str.replace("_", " "))
    ax.set_ylim(count - 0.5, -0.5)
    ax.set_xlim(-1.05, 1.05)
    ax.set_xticks([0], ["zero"])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    below = (0.5, -0.7 / fig.get_figheight())
    present = [v for v in VERDICTS if (table["verdict"] == v).any()]
    tally = ", ".join(f"{(table['verdict'] == v).sum()} {v}" for v in present)
    ax.set_title(f"The article's claims: {tally}")
    ax.set_xlabel(
        "effect and interval, each row on its own scale; "
        "shaded: where its rule supports the claim"
    )
    legend_for(present, ax, loc="upper center", ncols=4, bbox_to_anchor=below)
    return fig


def markdown(table: pd.DataFrame) -> str:
    """Return the table of `fill` as Markdown, one line per claim.

    Each line says what was measured, the number with its rule, the rival, the
    verdict, the notebook and what would change the verdict.
    """
    lines = [
        "| claim, and what is measured | number | compared with | verdict | notebook "
        "| what would change it |",
        "|" + "---|" * 6,
    ]
    for row in table.to_dict("records"):
        name = row["id"].replace("_", " ")
        claim = f"*{name}*: **{row['claim']}** {row['decides']}"
        number = "–"
        if row["verdict"] != OPEN:
            parts = (_number(row), _rule(row), row["detail"])
            number = "<br>".join(part for part in parts if part)
        rival, value = row["rival"], row["rival_value"]
        if isinstance(value, str):
            rival = value
        elif value is not None and math.isfinite(value):
            first, mark, rest = rival.partition(";")  # the number is the first one's
            rival = f"{first}: {value:.3g}{mark}{rest}"
        place = f"**{row['verdict']}**", row["notebook"][:2], row["would_change"]
        cells = (claim, number, rival, *place)
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines)


def _number(row: Mapping[str, Any]) -> str:
    text = f"{row['effect']:.3g} [{row['low']:.3g}, {row['high']:.3g}]"
    return f"{text} {row['unit']}".strip()


def _rule(row: Mapping[str, Any]) -> str:
    if row["kind"] == "descriptive":
        return ""
    low, high = (f"{edge:g}" for edge in supporting(row))
    return {
        "greater": f"supported if above {low}",
        "less": f"supported if below {high}",
        "equivalent": f"supported if between {low} and {high}",
    }[row["kind"]]


def _check_claim(
    name: str, claim: Mapping[str, Any], notebook: str, by_id: Mapping[str, Any]
) -> None:
    if name not in by_id:
        known = ", ".join(by_id)
        raise ValueError(f"{notebook} claims {name!r}, not in the ledger: {known}.")
    row = by_id[name]
    if row["notebook"] != notebook:
        raise ValueError(
            f"{notebook} claims {name!r}, which the ledger gives to {row['notebook']}."
        )
    unit = row["rule"].get("unit", "")
    if claim["unit"] != unit:
        raise ValueError(
            f"{notebook} claims {name!r} in {claim['unit']!r}, the rule is in {unit!r}."
        )
