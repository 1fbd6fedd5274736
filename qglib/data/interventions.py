"""Interventions on planted sentences, with their exact counterfactuals."""

from __future__ import annotations

from typing import Any

import numpy as np

from qglib.data.lexicon import TYPES, names
from qglib.data.structural import ADVERBS, PlantedSentence, check_rng, solve

INTERVENTIONS = ("C", "N", "H", "ORDER", "S")


def intervene(
    example: PlantedSentence,
    variable: str,
    value: Any,
    rng: np.random.Generator,
    *,
    slot: int = 0,
) -> PlantedSentence:
    """The sentence as it would have been under do(variable := value).

    All noise is kept, so only the effects of the intervention change. Interventions
    add up; the last one on a variable counts.

    Args:
        example: planted sentence, possibly already intervened on; left as it is.
        variable: what is set

            - ``"C"``, the type that the words around ``slot`` ask for (cue frames
              only): another type's frame stands there. The label changes if and only
              if the name is ambiguous;
            - ``"N"``, the adverb (a word of ``ADVERBS``), ``"H"``, sentence in
              capitals (bool): the label never changes;
            - ``"ORDER"``, True for the names of an order frame in exchanged places,
              False for those first drawn; None exchanges them once more. Two
              ambiguous names exchange their labels, unambiguous ones keep theirs;
            - ``"S"``, the name in ``slot``: a type draws a name of that type,
              ``"AMB"`` an ambiguous one, None another name of the same kind (which
              never changes the label). The new name stands without affixes.
        value: what it is set to; None draws it, uniformly over the other values.
        rng: source of the choice.
        slot: which slot C and S are set in.

    Raises:
        ValueError: an unknown variable or value, a value that is already there, no
            such slot, C in an order frame, ORDER without one.
        TypeError: ``rng`` is no ``numpy.random.Generator``.
    """
    if variable not in INTERVENTIONS:
        raise ValueError(
            f"variable must be one of {', '.join(INTERVENTIONS)}, got {variable!r}"
        )
    check_rng(rng)
    if not 0 <= slot < len(example.slots):
        raise ValueError(
            f"slot must be 0..{len(example.slots) - 1} in this sentence, got {slot!r}"
        )
    choose = _other_name if variable == "S" else _setting
    setting = choose(example, variable, value, slot, rng)
    at = slot if variable in ("C", "S") else 0
    done = {**example.done, (variable, at): setting}
    return solve(example.settings, example.noise, done)


def true_flip(before: PlantedSentence, after: PlantedSentence) -> tuple[bool, ...]:
    """Per slot, whether the gold label of its name differs between the two.

    A name keeps its slot when names change places, so after ``ORDER`` a name is
    compared with itself.

    Raises:
        ValueError: the two do not stem from the same drawn sentence.
    """
    if before.noise != after.noise or before.settings != after.settings:
        raise ValueError(
            "before and after must stem from the same planted sentence; make after "
            "with intervene(before, …)"
        )
    pairs = zip(before.variables["L"], after.variables["L"], strict=True)
    return tuple(a != b for a, b in pairs)


def _setting(
    example: PlantedSentence,
    variable: str,
    value: Any,
    slot: int,
    rng: np.random.Generator,
) -> Any:
    """The value asked for, or one drawn, if it is a change."""
    order_frame = len(example.clauses[0]) == 2
    if variable == "C" and order_frame and slot in example.clauses[0]:
        raise ValueError(
            f"slot {slot} stands in an order frame, whose types hang on position: "
            "intervene on ORDER, or choose the slot of a cue frame"
        )
    if variable == "ORDER" and not order_frame:
        raise ValueError(
            "ORDER needs two names in one frame; this sentence has no order frame "
            "(draw some with order_share=1)"
        )
    options, now = {
        "C": (TYPES, example.variables["C"][slot]),
        "N": (tuple(ADVERBS.values()), example.variables["N"][0]),
        "H": ((False, True), example.variables["H"][0]),
        "ORDER": ((False, True), example.clauses[0] == (1, 0)),
    }[variable]
    others = [o for o in options if o != now]
    if value is None:
        return others[int(rng.integers(len(others)))]
    if value not in others:
        raise ValueError(
            f"value for {variable} must be None or one of {others} (now {now!r}), "
            f"got {value!r}"
        )
    return value


def _other_name(
    example: PlantedSentence,
    variable: str,
    value: Any,
    slot: int,
    rng: np.random.Generator,
) -> tuple[str, str]:
    """A kind of name, and a name of it that the sentence does not hold yet."""
    kinds = (*TYPES, "AMB")
    if value is not None and value not in kinds:
        raise ValueError(
            f"value for S must be None or a kind of name {kinds}, got {value!r}"
        )
    kind = example.pools[slot] if value is None else value
    lexicon = names(example.settings["split"])
    pool = lexicon.ambiguous if kind == "AMB" else lexicon.suffixed[kind]
    there = {word for name in example.variables["S"] for word in name.split()}
    options = [name for name in pool if name not in there]
    return kind, options[int(rng.integers(len(options)))]
