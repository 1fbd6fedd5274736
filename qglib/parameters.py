"""What may be passed to a notebook, refused before a kernel starts if it is wrong.

papermill reads the parameters cell but only warns of a name that it does not know
and then runs the whole notebook on defaults.
"""

import ast
import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import papermill
from nbformat import ValidationError

from qglib import devices

TYPES = {"int": int, "float": float, "str": str, "bool": bool}
CHOICES = {"profile": ("quick", "full"), "device": devices.NAMES}
PLACES = ("corpus", "data", "encoder", "table", "speech")  # may name a folder or a file


def declared(notebook: Path | str) -> dict[str, dict[str, Any]]:
    """Read the parameters cell: name -> inferred_type_name, default and help.

    No such cell, or a line that is not ``name: type = value``, is a ValueError.
    """
    try:
        found = papermill.inspect_notebook(str(notebook))
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError) as error:
        fault = f"{Path(notebook).name} is no notebook: {type(error).__name__} {error}"
        raise ValueError(f"{fault:.200}; restore it by git checkout.") from error
    if not found:
        raise ValueError(f"{Path(notebook).name} has no cell tagged 'parameters'.")
    for name, one in found.items():
        if one["inferred_type_name"] not in TYPES:
            raise ValueError(
                f"{Path(notebook).name}, parameters cell: {name} is not of the form "
                f"name: type = value with a type of {', '.join(TYPES)}."
            )
    return found


def profile_of(notebook: Path, given: Mapping[str, Any]) -> str:
    """Return the profile a run takes: the one given, else the notebook's own."""
    own = declared(notebook).get("profile", {"default": "'quick'"})
    return given.get("profile", ast.literal_eval(own["default"]))


def check(notebook: Path | str, given: Mapping[str, Any]) -> None:
    """Raise a TypeError for a value that is not of the declared type.

    An unknown name, profile, device or seed, or a number that is not finite, is a
    ValueError.
    """
    title, known = Path(notebook).name, declared(notebook)
    for name, value in given.items():
        if name not in known:
            raise ValueError(_unknown(name, known, title))
        kind, wanted = type(value).__name__, known[name]["inferred_type_name"]
        if kind != wanted and (kind, wanted) != ("int", "float"):
            raise TypeError(
                f"{title}: {name} is declared {wanted}, but {value!r} is {kind}."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{title}: {name} is {value}: give a finite number.")
        if name in CHOICES and value not in CHOICES[name]:
            options = ", ".join(CHOICES[name])
            raise ValueError(f"{name} is {value!r}: choose one of {options}.")
        if name == "seed" and not 0 <= value < 2**32:
            raise ValueError(f"seed is {value}: give a whole number from 0 to 2^32 - 1")


def assign(
    notebooks: Sequence[Path], texts: Sequence[str]
) -> dict[Path, dict[str, Any]]:
    """Give each notebook those of the ``name=value`` texts that it declares.

    Any other text, a name twice, ``out_dir``, and what `check` refuses, is a ValueError
    or TypeError.
    """
    known = {path: declared(path) for path in notebooks}
    asked: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form name=value.")
        if name in asked or name == "out_dir":
            fault = "given twice" if name in asked else "set by --out, not by -p"
            raise ValueError(f"{name} is {fault}.")
        if name in PLACES and value not in ("", "newswire") and Path(value).exists():
            value = str(Path(value).resolve())  # a kernel stands in another folder
        asked[name] = value
    every = dict.fromkeys(name for one in known.values() for name in one)
    title = notebooks[0].name if len(notebooks) == 1 else "The selection"
    for name in asked.keys() - every.keys():
        raise ValueError(_unknown(name, every, title))
    given = {}
    for path, mine in known.items():
        given[path] = {n: _parse(v, mine[n]) for n, v in asked.items() if n in mine}
        check(path, given[path])
    return given


def _parse(text: str, one: Mapping[str, Any]) -> int | float | str | bool:
    truth = {"true": True, "1": True, "false": False, "0": False}
    kind = one["inferred_type_name"]
    try:
        return truth[text.lower()] if kind == "bool" else TYPES[kind](text)
    except (ValueError, KeyError):
        raise TypeError(
            f"{one['name']} is declared {kind}, but {text!r} is none ({one['help']})."
        ) from None


def _unknown(name: str, known: Mapping[str, Any], title: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{title} has no parameter {name!r}{hint} Known: {', '.join(known)}."
