"""Effects of interventions on a text classifier, with the exact placebo and controls.

The same interventions as on the tagger, but the whole text is context: every word may
be touched. An effect is the change of the probability of the true label.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from qglib.causal.control_tasks import CONTROL_TASKS, control_task
from qglib.causal.interventions import KINDS, Target, intervene_on_context
from qglib.causal.text_classifier import TextClassifier, fit_text_classifier
from qglib.causal.text_effects import TextEffects, effect_table
from qglib.causal.word_classes import WordClasses

__all__ = ["classifier_effects", "control_effects", "trained_effects"]


def classifier_effects(
    classifier: TextClassifier,
    texts: Sequence[Sequence[str]],
    labels: Sequence[str],
    rng: np.random.Generator,
    *,
    clusters: Sequence[object] | None = None,
    kinds: Sequence[str] = KINDS,
    n_draws: int = 4,
    classes: WordClasses | None = None,
    n_bootstrap: int = 2000,
    batch_size: int = 32,
    progress: bool = False,
) -> TextEffects:
    """Intervene on every text and read the classifier again.

    Parameters
    ----------
    classifier: see `fit_text_classifier`.
    texts: texts as words.
    labels: true label of each text.
    rng: source of the interventions and of the bootstrap.
    clusters: what is resampled whole, such as the document of each sentence; each
        text by itself if None.
    kinds, n_draws, classes: see `intervene_on_context`.
    n_bootstrap, batch_size, progress: as in `text_effects`.

    Returns
    -------
    `TextEffects`; the placebo row ``whitespace`` doubles every blank.

    Raises
    ------
    ValueError: lengths that differ, labels unknown to the classifier, as
        `intervene_on_context`.
    """
    groups = range(len(texts)) if clusters is None else clusters
    if not len(texts) or not len(texts) == len(labels) == len(groups):
        raise ValueError(
            f"texts, labels and clusters must be as long and not empty, got "
            f"{len(texts)}, {len(labels)} and {len(groups)}."
        )
    unknown = sorted(set(labels) - set(classifier.classes))
    if unknown:
        raise ValueError(
            f"labels {unknown} are unknown to the classifier, which has "
            f"{list(classifier.classes)}."
        )
    _, number = np.unique(np.array([str(g) for g in groups]), return_inverse=True)
    targets = [
        Target(int(g), tuple(words), 0, 0, label)
        for g, words, label in zip(number, texts, labels, strict=True)
    ]
    done = intervene_on_context(targets, kinds, n_draws, rng, classes)
    jobs = [(d.kind, d.target, " ".join(d.words)) for d in done]
    jobs += [("whitespace", k, "  ".join(t.words)) for k, t in enumerate(targets)]
    raw = [" ".join(t.words) for t in targets] + [text for *_, text in jobs]
    found = classifier.probabilities([r for r in raw if r], batch_size, progress)
    rows = iter(found)
    p = [next(rows) if r else None for r in raw]  # a one-word text may be deleted
    records = []
    for (kind, k, text), after in zip(jobs, p[len(targets) :], strict=True):
        if after is None:
            continue
        column = classifier.classes.index(labels[k])
        records.append(
            {
                "kind": kind,
                "sentence": targets[k].sentence,
                "target": k,
                "before": float(p[k][column]),
                "after": float(after[column]),
                "flipped": bool(after.argmax() != p[k].argmax()),
                "text": text,
            }
        )
    draws = pd.DataFrame(records)
    return TextEffects(effect_table(draws, kinds, rng, n_bootstrap), draws)


def trained_effects(
    model: torch.nn.Module,
    tokenizer: object,
    lesson: tuple[Sequence[Sequence[str]], Sequence[str]],
    exam: tuple[Sequence[Sequence[str]], Sequence[str]],
    rng: np.random.Generator,
    *,
    clusters: Sequence[object] | None = None,
    n_draws: int = 4,
    pooling: str = "mean",
    strength: float = 0.1,
    progress: bool = False,
) -> pd.DataFrame:
    """Fit a classifier on a lesson and intervene on the texts of an exam.

    Parameters
    ----------
    model, tokenizer: a tagger whose encoder is read.
    lesson, exam: texts as words, and their labels; substitutes of words come from
        the lesson.
    rng: source of the interventions and of the bootstrap.
    clusters, n_draws: see `classifier_effects`.
    pooling, strength: see `fit_text_classifier`.
    progress: whether to show bars.

    Returns
    -------
    ``TextEffects.table`` with a column ``accuracy`` on the exam.

    Raises
    ------
    ValueError: as `fit_text_classifier` and `classifier_effects`.
    """
    words, answers = lesson
    texts, labels = exam
    classifier = fit_text_classifier(
        model,
        tokenizer,
        [" ".join(t) for t in words],
        answers,
        pooling=pooling,
        strength=strength,
    )
    found = classifier_effects(
        classifier,
        texts,
        labels,
        rng,
        clusters=clusters,
        n_draws=n_draws,
        classes=WordClasses(model, tokenizer, words),
        progress=progress,
    ).table
    best = classifier.probabilities([" ".join(t) for t in texts]).argmax(1)
    right = [classifier.classes[k] == y for k, y in zip(best, labels, strict=True)]
    return found.assign(accuracy=float(np.mean(right)))


def control_effects(
    model: torch.nn.Module,
    tokenizer: object,
    rng: np.random.Generator,
    *,
    n_train: int = 400,
    n_test: int = 40,
    n_draws: int = 4,
    pooling: str = "mean",
    strength: float = 10.0,
    progress: bool = False,
) -> pd.DataFrame:
    """The interventions on the two control tasks, each learnt by a classifier.

    Parameters
    ----------
    model, tokenizer: a tagger whose encoder is read.
    rng: source of sentences, interventions and bootstrap.
    n_train, n_test: sentences of the lesson and of the exam; the exam leaves out
        sentences of the lesson.
    n_draws: see `intervene_on_context`.
    pooling, strength: see `fit_text_classifier`.
    progress: whether to show bars.

    Returns
    -------
    Index (task, kind), columns of `TextEffects.table` and ``accuracy`` on the exam.
    """
    tables = {}
    for task in CONTROL_TASKS:
        lesson, answers = control_task(task, n_train, rng)
        exam = [
            pair
            for pair in zip(*control_task(task, 2 * n_test, rng), strict=True)
            if pair[0] not in set(lesson)
        ][:n_test]
        tables[task] = trained_effects(
            model,
            tokenizer,
            (lesson, answers),
            ([t for t, _ in exam], [label for _, label in exam]),
            rng,
            n_draws=n_draws,
            pooling=pooling,
            strength=strength,
            progress=progress,
        )
    return pd.concat(tables, names=["task", "kind"])
