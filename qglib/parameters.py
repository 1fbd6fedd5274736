"""The parameters cell of a notebook: what it declares and what may be passed.

papermill only logs a warning for a name it does not know and then runs the whole
notebook on defaults; its own inspection of the cell is a regular expression that
leaves out unions and comments with an equals sign.  Here the cell is parsed.
"""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from qglib import devices

TYPES = {"int": int, "float": float, "str": str, "bool": bool}
CHOICES = {"profile": ("quick", "full"), "device": devices.NAMES}
PLACES = ("corpus", "encoder", "table", "speech")  # may name a folder or a file
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str
    type: str
    """``int``, ``float``, ``str`` or ``bool``."""
    default: Any
    comment: str


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """Return the cells that carry ``tag``."""
    return [c for c in notebook.cells if tag in c.metadata.get("tags", [])]


def declared(notebook: Path | str) -> dict[str, Parameter]:
    """Read the parameters cell: name, type, default and comment of each line.

    Raises:
        ValueError: if there is not exactly one such cell, or a line is not
            ``name: type = literal`` with one of `TYPES`.
    """
    title = Path(notebook).name
    cells = tagged(nbformat.read(notebook, as_version=4), "parameters")
    if len(cells) != 1:
        raise ValueError(
            f"{title} has {len(cells)} cells tagged 'parameters': it needs exactly one."
        )
    source = cells[0].source
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for line in ast.parse(source).body:
        kind = ast.unparse(line.annotation) if isinstance(line, ast.AnnAssign) else ""
        if kind not in TYPES or not isinstance(line.target, ast.Name) or not line.value:
            raise ValueError(
                f"{title}, parameters cell: {ast.unparse(line)!r} is not of the form "
                f"name: type = literal with a type of {', '.join(TYPES)}."
            )
        try:
            default = ast.literal_eval(line.value)
        except ValueError:
            raise ValueError(
                f"{title}, parameters cell: the default of {line.target.id} is not a "
                "literal; compute it in a later cell."
            ) from None
        name = line.target.id
        comment = comments.get(line.end_lineno or line.lineno, "")
        found[name] = Parameter(name, kind, default, comment)
    return found


def parse(text: str, parameter: Parameter) -> int | float | str | bool:
    """Read a value from the command line by the declared type.

    Raises:
        TypeError: if the text is not of that type.
    """
    if parameter.type == "str":
        return text
    if parameter.type == "bool" and text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    try:
        if parameter.type in ("int", "float"):
            return TYPES[parameter.type](text)
    except ValueError:
        pass
    raise TypeError(
        f"{parameter.name} is declared {parameter.type}, but {text!r} is none"
        f" ({parameter.comment or 'no comment'})."
    )


def _refuse(name: str, value: Any) -> None:
    """Raise for a value that no notebook takes: said before a kernel starts."""
    choices = CHOICES.get(name, (value,))
    if value not in choices:
        raise ValueError(f"{name} is {value!r}: choose one of {', '.join(choices)}.")
    if name == "seed" and not 0 <= value < 2**32:
        raise ValueError(f"seed is {value}: give a whole number from 0 to 2**32 - 1.")


def _absolute(name: str, text: str) -> str:
    """Return a place as the caller means it: a kernel stands in another folder."""
    place = Path(text)
    if name in PLACES and text and text != "newswire" and place.exists():
        return str(place.resolve())
    return text


def check(notebook: Path | str, given: Mapping[str, Any]) -> None:
    """Raise unless every given value exists in the notebook with that type.

    Raises:
        ValueError: for an unknown name, with the nearest known one, or a profile,
            device or seed that does not exist.
        TypeError: for a wrong type.
    """
    title, known = Path(notebook).name, declared(notebook)
    for name, value in given.items():
        if name not in known:
            raise ValueError(unknown(name, known, title))
        kind = type(value).__name__
        if kind != known[name].type and (kind, known[name].type) != ("int", "float"):
            raise TypeError(
                f"{title}: {name} is declared {known[name].type}, but {value!r} is "
                f"{kind}."
            )
        _refuse(name, value)


def unknown(name: str, known: Iterable[str], title: str) -> str:
    """Return the sentence about an unknown name, with the nearest known one."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{title} has no parameter {name!r}{hint} Known: {', '.join(known)}."


def assign(
    notebooks: Sequence[Path], texts: Sequence[str]
) -> dict[Path, dict[str, Any]]:
    """Give each notebook those of the ``name=value`` texts that it declares.

    Raises:
        ValueError: for a text without ``=``, a name given twice, ``out_dir``, or a
            name that none of the notebooks declares, or a profile, device or
            seed that does not exist.
        TypeError: for a value of the wrong type.
    """
    known = {path: declared(path) for path in notebooks}
    asked: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form name=value.")
        if name in asked:
            raise ValueError(f"{name} is given twice.")
        if name == "out_dir":
            raise ValueError("out_dir is set by --out, not by -p.")
        asked[name] = _absolute(name, value)
    every = dict.fromkeys(name for one in known.values() for name in one)
    title = notebooks[0].name if len(notebooks) == 1 else "The selection"
    for name in asked:
        if name not in every:
            raise ValueError(unknown(name, every, title))
    given = {
        path: {n: parse(v, mine[n]) for n, v in asked.items() if n in mine}
        for path, mine in known.items()
    }
    for values in given.values():
        for name, value in values.items():
            _refuse(name, value)
    return given
