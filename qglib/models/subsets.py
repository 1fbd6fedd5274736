"""Scores on parts of a test set: seen and unseen names, ambiguous sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from qglib.data import Sentence, entities
from qglib.models.evaluation import COLUMNS

Span = tuple[str, int, int]


def surface(words: Sequence[str], span: Span) -> str:
    """Lower-cased text of a span."""
    return " ".join(words[span[1] : span[2]]).lower()


def known_surfaces(sentences: Iterable[Sentence]) -> dict[str, set[str]]:
    """Lower-cased entity surface to the set of types it carries."""
    known: dict[str, set[str]] = defaultdict(set)
    for s in sentences:
        for span in entities(s.tags):
            known[surface(s.words, span)].add(span[0])
    return dict(known)


def novelty(kind: str, text: str, known: dict[str, set[str]]) -> str:
    """How an entity relates to training: by surface and type.

    ``"unseen"``, ``"seen, this type"``, ``"seen, several types"`` (this one among
    them) or ``"seen, other type"``.
    """
    types = known.get(text)
    if not types:
        return "unseen"
    if kind not in types:
        return "seen, other type"
    return "seen, this type" if len(types) == 1 else "seen, several types"


def subset_report(
    test: Sequence[Sentence],
    predicted: Sequence[Sequence[str]],
    train: Iterable[Sentence],
) -> pd.DataFrame:
    """Entity scores on parts of a test set, strict spans.

    Rows: all; entities whose lower-cased surface occurs as an entity in training
    (seen) or not (unseen); the three kinds of seen; sentences marked ambiguous and
    the others. Gold entities are divided by their own surface, predicted ones by
    theirs. The kinds of seen depend on the gold type, which a wrong prediction does
    not have: there only recall is defined and the rest is NaN.

    Returns
    -------
    DataFrame with precision, recall, f1 and support (gold entities).
    """
    if len(test) != len(predicted):
        raise ValueError(f"test has {len(test)} sentences, predicted {len(predicted)}")
    known = known_surfaces(train)
    counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3, dtype=np.int64))

    def count(column: int, span: Span, s: Sentence) -> None:
        text = surface(s.words, span)
        kind = novelty(span[0], text, known)
        parts = ["all", "seen" if text in known else "unseen"]
        parts += [kind] if kind.startswith("seen,") else []
        parts.append("ambiguous sentences" if s.ambiguous else "other sentences")
        for part in parts:
            counts[part][column] += 1

    for s, tags in zip(test, predicted, strict=True):
        if len(tags) != len(s):
            raise ValueError(
                f"{len(tags)} predicted tags for {len(s)} words: {s.words}"
            )
        gold, found = set(entities(s.tags)), set(entities(tags))
        for column, spans in enumerate((gold & found, found, gold)):
            for span in spans:
                count(column, span, s)
    kinds = ("seen, this type", "seen, several types", "seen, other type")
    order = ("all", "seen", *kinds, "unseen", "ambiguous sentences", "other sentences")
    rows = []
    for part in order:
        hit, guessed, true = (int(v) for v in counts[part])
        recall = hit / true if true else np.nan
        if part in kinds:
            rows.append((np.nan, recall, np.nan, true))
            continue
        precision = hit / guessed if guessed else np.nan
        f1 = 2 * hit / (guessed + true) if guessed + true else np.nan
        rows.append((precision, recall, f1, true))
    return pd.DataFrame(rows, index=list(order), columns=COLUMNS)
