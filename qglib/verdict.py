"""Rules of the claims ledger: when an interval supports a claim.

A rule names a kind and a threshold before the run; the verdict follows from the
rule and the interval alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

KINDS = ("greater", "less", "equivalent", "descriptive")
VERDICTS = ("supported", "not supported", "undecided", "open")
OPEN = "open"


def verdict(rule: Mapping[str, Any], effect: float, low: float, high: float) -> str:
    """Decide a claim by its rule and the interval [low, high] of the effect.

    ``greater``: supported if the whole interval is above the threshold, not
    supported if none of it is.  ``less``: the mirror image.  ``equivalent``:
    supported if the whole interval lies within plus or minus the threshold (as in
    two one-sided tests), not supported if all of it lies outside on one side.
    ``descriptive``: a number without a test, always undecided.

    Returns:
        ``"supported"``, ``"not supported"`` or ``"undecided"``.

    Raises:
        ValueError: for an unknown rule, a number that is not finite, or a reversed
            interval.
    """
    check_rule(rule)
    if not all(map(math.isfinite, (effect, low, high))) or low > high:
        raise ValueError(f"effect {effect}, interval [{low}, {high}]: no interval.")
    if rule["kind"] == "descriptive":
        return "undecided"
    edge = float(rule["threshold"])
    yes, no = {
        "greater": (low > edge, high <= edge),
        "less": (high < edge, low >= edge),
        "equivalent": (-edge < low and high < edge, low >= edge or high <= -edge),
    }[rule["kind"]]
    return "supported" if yes else "not supported" if no else "undecided"


def supporting(rule: Mapping[str, Any]) -> tuple[float, float]:
    """Ends of the open interval of effects that support a claim.

    A side without a bound is infinite; ``descriptive`` has no such interval and
    gives two equal infinities.
    """
    if rule["kind"] == "descriptive":
        return math.inf, math.inf
    edge = float(rule["threshold"])
    return {
        "greater": (edge, math.inf),
        "less": (-math.inf, edge),
        "equivalent": (-edge, edge),
    }[rule["kind"]]


def check_rule(rule: Mapping[str, Any]) -> None:
    """Refuse a rule of unknown kind or without a usable threshold.

    Raises:
        ValueError: for either.
    """
    kind = rule.get("kind")
    if kind not in KINDS:
        raise ValueError(f"rule kind is {kind!r}: choose one of {', '.join(KINDS)}.")
    if kind == "descriptive":
        return
    edge = rule.get("threshold")
    if isinstance(edge, bool) or not isinstance(edge, (int, float)):
        raise ValueError(f"a rule {kind!r} needs a number as threshold, not {edge!r}.")
    if kind == "equivalent" and edge <= 0:
        raise ValueError(f"an equivalence needs a threshold above 0, not {edge}.")
