"""The smallest change of word order that flips a text classifier's decision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from qglib.causal.control_tasks import CONTROL_TASKS, control_task
from qglib.causal.naturalness import LanguageModel, NgramModel, naturalness
from qglib.causal.order_search import Levels, order_levels, search_together
from qglib.causal.text_classifier import TextClassifier, fit_text_classifier

__all__ = ["classifier_order_flips", "control_flips"]


def classifier_order_flips(
    classifier: TextClassifier,
    texts: Sequence[Sequence[str]],
    labels: Sequence[str],
    *,
    language: LanguageModel | None = None,
    batch_size: int = 32,
    progress: bool = False,
    **settings: object,
) -> pd.DataFrame:
    """Smallest reordering that flips each right decision; marks stay in place.

    Parameters
    ----------
    classifier: see `fit_text_classifier`.
    texts: texts as words, without repeated words (an exchange of equal words is no
        change, but would count as a move).
    labels: their true labels; texts that are classified wrongly are left out.
    language: judge of the found orders, such as `NgramModel`.
    batch_size, progress: passed to the classifier.
    settings: ``exact_to``, ``beam``, ``max_swaps``, ``moves``, ``budget`` of
        `minimal_order_change`.

    Returns
    -------
    One row per right decision: ``text``, ``label``, ``swaps`` (NaN where none was
    found), ``exact``, ``changed``, ``naturalness`` (with a `language`).

    Raises
    ------
    ValueError: lengths that differ, a label unknown to the classifier.
    """
    if not len(texts) or len(texts) != len(labels):
        raise ValueError(
            f"texts and labels must be as long and not empty, got {len(texts)} and "
            f"{len(labels)}."
        )
    unknown = sorted(set(labels) - set(classifier.classes))
    if unknown:
        raise ValueError(
            f"labels {unknown} are unknown to the classifier, which has "
            f"{list(classifier.classes)}."
        )
    columns = np.array([classifier.classes.index(label) for label in labels])
    first = classifier.probabilities([" ".join(t) for t in texts], batch_size, progress)
    right = np.flatnonzero(first.argmax(1) == columns)

    def score(levels: Levels) -> dict[int, np.ndarray]:
        raw = [
            " ".join(texts[right[k]][i] for i in order)
            for k, level in levels.items()
            for order in level
        ]
        p = iter(classifier.probabilities(raw, batch_size, progress))
        found = {}
        for k, level in levels.items():
            rows = np.stack([next(p) for _ in level])
            own = rows[:, columns[right[k]]]
            found[k] = own - np.delete(rows, columns[right[k]], axis=1).max(1)
        return found

    searches = [
        order_levels(
            len(texts[k]),
            movable=[any(c.isalnum() for c in word) for word in texts[k]],
            **settings,
        )
        for k in right
    ]
    rows = []
    for k, found in zip(right, search_together(searches, score), strict=True):
        changed = [] if found is None else [texts[k][i] for i in found.order]
        row = {
            "text": " ".join(texts[k]),
            "label": labels[k],
            "swaps": np.nan if found is None else found.swaps,
            "exact": found is not None and found.exact,
            "changed": " ".join(changed),
        }
        if language is not None:
            row["naturalness"] = (
                naturalness(language, texts[k], changed) if changed else np.nan
            )
        rows.append(row)
    names = ["text", "label", "swaps", "exact", "changed"]
    return pd.DataFrame(rows, columns=names + ["naturalness"] * (language is not None))


def control_flips(
    model: torch.nn.Module,
    tokenizer: object,
    sentences: Sequence[Sequence[str]],
    rng: np.random.Generator,
    *,
    n_train: int = 300,
    n_test: int = 12,
    moves: Sequence[str] = ("adjacent", "transposition"),
    **settings: object,
) -> pd.DataFrame:
    """Smallest flipping reorderings on the control tasks, fresh sentences only.

    Parameters
    ----------
    model, tokenizer: a tagger whose encoder is read.
    sentences: what the n-gram judge is counted on, beside the lesson of the task.
    rng: source of the sentences.
    n_train, n_test: sentences of the lesson, and at most so many of the exam, which
        leaves out those of the lesson.
    moves: kinds of moves, see `minimal_order_change`.
    settings: others of `minimal_order_change`.

    Returns
    -------
    Index (task, moves); ``right`` decisions, ``flipped``, the share of them that some
    order flips, ``fewest`` and ``median`` moves, median ``naturalness`` and the most
    natural flipping order as ``example``.
    """
    rows = {}
    for task in CONTROL_TASKS:
        lesson, answers = control_task(task, n_train, rng)
        raw = [" ".join(words) for words in lesson]
        reader = fit_text_classifier(model, tokenizer, raw, answers, strength=10.0)
        exam = dict(zip(*control_task(task, 5 * n_test, rng), strict=True))
        fresh = [words for words in exam if words not in set(lesson)][:n_test]
        language = NgramModel([*sentences, *lesson])
        for kind in moves:
            found = classifier_order_flips(
                reader,
                fresh,
                [exam[words] for words in fresh],
                language=language,
                moves=kind,
                **settings,
            )
            flips = found.dropna().sort_values("naturalness")
            rows[task, kind] = {
                "right": len(found),
                "flipped": found["swaps"].notna().mean(),
                "fewest": flips["swaps"].min(),
                "median": flips["swaps"].median(),
                "naturalness": flips["naturalness"].median(),
                "example": "" if flips.empty else flips["changed"].iloc[-1],
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["task", "moves"])
