"""Answers of a saved model, line by line: ``python -m qglib predict FOLDER``.

A line is a text; for a model of tables it is a JSON list of numbers. An answer is one
JSON object: the entities of a tagger, else label, probabilities and the part of the
input without which the label's probability falls most.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

from transformers import pipeline

from qglib import explain, models
from qglib.models.tagger import TokenTaggerConfig
from qglib.record import read_json

AT_ONCE = 64  # lines of one pass
Ask = Callable[[Sequence[str]], list[dict[str, Any]]]


def answers(folder: str | Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """One answer for each line; for a line that cannot be read, ``error`` says why.

    No model in the folder, or one of images or sound, is a ValueError or
    FileNotFoundError.
    """
    found = read_json(Path(folder) / "config.json").get("model_type")
    tagger = found == TokenTaggerConfig.model_type
    ask = _entities(folder) if tagger else _labels(folder)
    rest = (line.rstrip("\r\n") for line in lines)
    while rows := list(islice(rest, AT_ONCE)):
        try:
            told = ask(rows)
        except ValueError:  # one bad line must not cost the others their answers
            told = [_alone(ask, row) for row in rows]
        for row, answer in zip(rows, told, strict=True):
            yield {"input": row} | answer


def _alone(ask: Ask, row: str) -> dict[str, Any]:
    try:
        return ask([row])[0]
    except ValueError as error:
        return {"error": str(error)}


def tagging(model: Any, tokenizer: Any) -> Callable[[Sequence[str]], list]:
    """From texts to the entities of each, as the pipeline gives them."""
    found = cast(Any, pipeline)("word-tagging", model=model, tokenizer=tokenizer)
    return lambda texts: found(list(texts))


def _entities(folder: str | Path) -> Ask:
    tag = tagging(*models.load_tagger(folder))
    return lambda rows: [{"entities": found} for found in tag(rows)]


def _labels(folder: str | Path) -> Ask:
    model = models.load_model(folder)
    kind, ask = model.settings["kind"], model.probabilities
    if kind not in ("text", "table") or model.settings["tagged"]:
        raise ValueError(f"{folder}: a model of {kind} does not read lines")
    # the mean of the training rows
    background = [model.feature_mean.cpu().numpy()] if kind == "table" else ()

    def answer(given: Any, chances: Any) -> dict[str, Any]:
        best = int(chances.argmax())
        why = explain.attribute(
            ask, given, best, "occlusion", kind=kind, background=background
        )
        top = int(why.scores.argmax())
        named = zip(map(str, model.labels), chances.tolist(), strict=True)
        because = {"part": why.parts[top], "by": float(why.scores[top])}
        found = {"label": model.labels[best], "probabilities": dict(named)}
        return found | {"because": because}

    def answer_all(rows: Sequence[str]) -> list[dict[str, Any]]:
        inputs = [row if kind == "text" else json.loads(row) for row in rows]
        return list(map(answer, inputs, ask(inputs)))

    return answer_all
