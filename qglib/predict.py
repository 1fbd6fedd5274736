"""Answers of a saved model, line by line: ``python -m qglib predict FOLDER``.

A line is a text; for a model of tables it is a JSON list of numbers. An answer is one
JSON object: the entities of a tagger, else label, probabilities and the part of the
input without which the label's probability falls most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from transformers import pipeline

from qglib import explain, models
from qglib.models.tagger import TokenTaggerConfig
from qglib.record import read_json

AT_ONCE = 64  # lines of one pass
Ask = Callable[[Sequence[str]], list[dict[str, Any]]]


def answers(folder: str | Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """One answer for each line; for a line that cannot be read, ``error`` says why.

    Raises:
        ValueError, FileNotFoundError: no model there, or a model of images or sound.
    """
    found = read_json(Path(folder) / "config.json").get("model_type")
    ask = _tagger(folder) if found == TokenTaggerConfig.model_type else _model(folder)
    rest = (line.rstrip("\r\n") for line in lines)
    while rows := list(islice(rest, AT_ONCE)):
        try:
            yield from ask(rows)
        except ValueError:  # one bad line must not cost the others their answers
            for row in rows:
                try:
                    yield from ask([row])
                except ValueError as error:
                    yield {"input": row, "error": str(error)}


def _tagger(folder: str | Path) -> Ask:
    model, tokenizer = models.load_tagger(folder)
    tag = pipeline("word-tagging", model=model, tokenizer=tokenizer)
    return lambda rows: [
        {"input": row, "entities": found}
        for row, found in zip(rows, tag(list(rows)), strict=True)
    ]


def _model(folder: str | Path) -> Ask:
    model = models.load_model(folder)
    kind = model.settings["kind"]
    if kind not in ("text", "table") or model.settings["tagged"]:
        raise ValueError(f"{folder}: a model of {kind} does not read lines")

    mean = model.feature_mean.cpu().numpy()  # of the training rows
    background = [mean] if kind == "table" else ()

    def ask(rows: Sequence[str]) -> list[dict[str, Any]]:
        inputs = [row if kind == "text" else json.loads(row) for row in rows]
        out = []
        for row, given, chances in zip(
            rows, inputs, model.probabilities(inputs), strict=True
        ):
            best = int(chances.argmax())
            why = explain.attribute(
                model.probabilities, given, best, "occlusion", kind=kind,
                background=background,
            )  # fmt: skip
            top = int(why.scores.argmax())
            named = zip(model.labels, chances.tolist(), strict=True)
            out.append({"input": row, "label": model.labels[best]})
            out[-1] |= {"probabilities": {str(k): v for k, v in named}}
            because = {"part": why.parts[top], "by": float(why.scores[top])}
            out[-1] |= {"because": because}
        return out

    return ask
