"""What changing an input does to a model's decision, for every kind of data.

Each kind (`qglib.data.KINDS`) brings a placebo, an edit that must change nothing: a
model that moves under it is read wrongly, and its other rows mean nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from qglib.data import KINDS, Examples
from qglib.stats import bootstrap

Predict = Callable[[list[Any]], np.ndarray]
Edits = Callable[[Any, np.random.Generator], Mapping[str, Any]]


def intervene(
    predict: Predict,
    examples: Examples,
    rng: np.random.Generator,
    *,
    edits: Edits | None = None,
    classes: Sequence[Any] | None = None,
    draws: int = 1,
) -> pd.DataFrame:
    """Effect of every edit on a model's decisions over the test part.

    The effect is the change of one probability, averaged over the draws and the
    examples of a group, then over groups; intervals resample whole groups, because
    interventions on one group are not independent.

    Args:
        predict: maps a list of inputs to probabilities (n, classes).
        examples: the test part is edited (if empty, a ValueError); a table's values
            come from the training part.
        rng: source of the edits and of the bootstrap.
        edits: (input, rng) -> edited copies by name, one "placebo"; or the kind's.
        classes: label of each column of `predict`; if given, the example's own label
            is watched, else the class decided before.
        draws: edited copies per example and edit.

    Returns:
        One row per edit, the placebo last: ``effect`` with its 95 % interval ``low``,
        ``high``; ``flipped``, the share of decisions that change, with
        ``flipped_low``, ``flipped_high``; ``interventions``, ``groups``.
    """
    rows = np.flatnonzero(np.asarray(examples.split) == "test")
    if not len(rows) or draws < 1:
        raise ValueError(
            f"examples have {len(rows)} in the test part and draws={draws}: both must "
            "be at least 1; mark inputs as 'test' in split."
        )
    inputs = [examples.inputs[k] for k in rows]
    groups = rows if examples.groups is None else np.asarray(examples.groups)[rows]
    before = _probabilities(predict, inputs)
    watched = before.argmax(1)
    if classes is not None:
        known, labels = list(classes), [examples.labels[k] for k in rows.tolist()]
        unknown = sorted({str(one) for one in labels if one not in known})
        if unknown:
            raise ValueError(
                f"labels {unknown[:5]} are not among classes {known}: name every "
                "column of predict."
            )
        watched = np.array([known.index(one) for one in labels])
    make = _edits_of(examples) if edits is None else edits
    found: dict[str, list[tuple[int, float, float]]] = {}
    for _ in range(draws):
        edited = [make(x, rng) for x in inputs]
        for name in dict.fromkeys(name for one in edited for name in one):
            # aligned with the first reading: equal inputs meet equal batches
            here = [k for k, one in enumerate(edited) if name in one]
            after = _probabilities(predict, [edited[k][name] for k in here])
            change = (after - before[here])[range(len(here)), watched[here]]
            flip = after.argmax(1) != before[here].argmax(1)
            found.setdefault(name, []).extend(zip(here, change, flip, strict=True))
    table = {}
    for name in sorted(found, key=lambda name: name == "placebo"):
        who, change, flip = map(np.array, zip(*found[name], strict=True))
        units = groups[who]
        effect, flipped = (bootstrap(v, rng, units) for v in (change, flip * 1.0))
        ends = zip(("flipped", "flipped_low", "flipped_high"), flipped, strict=True)
        counts = {"interventions": len(who), "groups": len(np.unique(units))}
        table[name] = effect.claim() | dict(ends) | counts
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("edit")


def _edits_of(examples: Examples) -> Edits:
    """The kind's own edits, with the training inputs as background."""
    if examples.kind not in KINDS:
        raise ValueError(f"kind is {examples.kind!r}: choose one of {list(KINDS)}.")
    options = {}
    if examples.kind == "table":
        pairs = zip(examples.inputs, examples.split, strict=True)
        rows = np.array([x for x, part in pairs if part == "train"], dtype=float)
        options = {"background": rows, "columns": examples.columns}
    return partial(KINDS[examples.kind].edits, **options)


def _probabilities(predict: Predict, inputs: list[Any]) -> np.ndarray:
    table = np.asarray(predict(inputs), dtype=float)
    if table.ndim != 2 or len(table) != len(inputs) or not np.isfinite(table).all():
        raise ValueError(
            f"predict gave shape {table.shape} for {len(inputs)} inputs: it must give "
            "finite probabilities, one row per input and one column per class."
        )
    return table
