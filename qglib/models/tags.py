"""Tags in IOB2: their numbers, the best legal sequence of logits, entity scores."""

import re
import warnings
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from qglib.data import entities, illegal, labels_of
from qglib.models.crf import allowed
from qglib.stats import DRAWS, Interval

Tags = Sequence[Sequence[str]]
TAG = re.compile(r"(?:O|[BI]-.+)$")


def check_labels(labels: Sequence[Hashable], tagged: bool) -> None:
    """Refuse saved labels in another order than training gives them: a ValueError."""
    types = {str(label)[2:] for label in labels if label != "O"}
    wanted = labels_of(tuple(types)) if tagged else sorted(set(labels), key=str)
    if list(labels) != list(wanted):
        raise ValueError(f"labels in config.json are {labels}, expected {wanted}")


def label_numbers(
    labels: Sequence[str], tags: Tags, name: str = "sentences"
) -> list[np.ndarray]:
    """Number of each tag in ``labels``, one array per sentence; refuses other tags."""
    number = {label: k for k, label in enumerate(labels)}
    out = []
    for row, sentence in enumerate(tags):
        unknown = [t for t in sentence if t not in number]
        if unknown:
            raise ValueError(
                f"{name}: sentence {row} has the tag {unknown[0]!r}, the model knows "
                f"{list(labels)}; build it with types=corpus.types"
            )
        for place in illegal(sentence):
            raise ValueError(
                f"{name}: sentence {row} has {sentence[place]!r} without its B- before "
                "it; tags must be IOB2 (read_conll converts IOB1)"
            )
        out.append(np.array([number[t] for t in sentence], dtype=np.int64))
    return out


def training_numbers(
    labels: Sequence[str], tags: Tags, dev: Tags = ()
) -> list[np.ndarray]:
    """`label_numbers` of training tags; warns of entity types that never occur.

    No sentences, a single class and tags (of dev too) that do not fit are a ValueError.
    """
    if not len(tags):
        raise ValueError("train is empty: give at least one tagged sentence")
    seen = Counter(t for sentence in tags for t in sentence)
    if len(seen) < 2:
        only = next(iter(seen), "nothing")
        raise ValueError(f"train holds one class only ({only}): add other sentences")
    absent = [t[2:] for t in labels if t.startswith("B-") and not seen[t]]
    if absent:
        where = f"in the {len(tags)} training sentences: add some"
        warnings.warn(f"the entity types {absent} never occur {where}", stacklevel=3)
    label_numbers(labels, dev, "dev")
    return label_numbers(labels, tags, "train")


def decode_all(
    logits: Sequence[np.ndarray], labels: Sequence[str], viterbi: bool = True
) -> list[list[str]]:
    """Tags for each array of logits ``(n_words, n_labels)``.

    With ``viterbi`` the legal IOB2 sequence with the largest sum of logits; else
    the largest logit of each word, which may be illegal. Both agree wherever the
    latter is legal, so only the other sentences are searched. Logits of another width
    than ``labels``, or not finite, are a ValueError.
    """
    names, pairs, tags = np.array(labels, dtype=object), allowed(labels), []
    follows, starts = pairs[:-1], pairs[-1]
    for number, rows in enumerate(logits):
        scores = np.asarray(rows, dtype=np.float64)
        if scores.ndim != 2 or scores.shape[1] != len(labels):
            raise ValueError(
                f"logits of sentence {number} have shape {scores.shape}, expected "
                f"(n_words, {len(labels)}) for the labels {list(labels)}"
            )
        if not np.isfinite(scores).all():
            raise ValueError(f"logits of sentence {number} hold NaN or infinity")
        path = scores.argmax(axis=1)
        legal = starts[path[:1]].all() and follows[path[:-1], path[1:]].all()
        if viterbi and not legal:
            path = _viterbi(scores, starts, follows)
        tags.append(names[path].tolist())
    return tags


def _viterbi(scores: np.ndarray, starts: np.ndarray, follows: np.ndarray) -> np.ndarray:
    """Label numbers of the best legal path through scores (n_words, L)."""
    penalty = np.where(follows, 0.0, -np.inf)
    best = scores[0] + np.where(starts, 0.0, -np.inf)
    back = []
    for row in scores[1:]:
        step = best[:, None] + penalty
        back.append(step.argmax(axis=0))
        best = step.max(axis=0) + row
    path = [best.argmax()]
    for before in reversed(back):
        path.append(before[path[-1]])
    return np.array(path[::-1])


def span_counts(gold: Tags, predicted: Tags) -> np.ndarray:
    """Per sentence: entities found, entities predicted, entities in gold; (S, 3)."""
    n, other = len(gold), len(predicted)
    if n != other:
        raise ValueError(f"gold has {n} sentences, predicted has {other}")
    if not n:
        raise ValueError("gold is empty: nothing to score")
    rows, strange = [], {t for s in (*gold, *predicted) for t in s if not TAG.match(t)}
    if strange:
        tag = min(strange)
        raise ValueError(f"the tag {tag!r} is not O, B-TYPE or I-TYPE: see read_conll")
    for number, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        if len(g) != len(p):
            counts = f"{len(g)} gold tags, {len(p)} predicted tags"
            raise ValueError(f"sentence {number}: {counts}")
        true, found = set(entities(g)), set(entities(p))
        rows.append((len(true & found), len(found), len(true)))
    return np.array(rows, dtype=np.int64)


def f1_of_counts(counts: np.ndarray) -> np.ndarray:
    """F1 of sums of `span_counts`, shape (..., 3) to (...); 0 where undefined."""
    both = counts[..., 1] + counts[..., 2]
    return 2.0 * counts[..., 0] / np.maximum(both, 1)  # 0 / 0 is 0


def entity_f1(gold: Tags, predicted: Tags) -> float:
    """Micro-averaged F1 over whole entities, strict IOB2, in [0, 1].

    An entity counts when type, start and end all agree. What does not pair up, or is
    not IOB2, is a ValueError.
    """
    return float(f1_of_counts(span_counts(gold, predicted).sum(axis=0)))


def f1_interval(
    gold: Tags,
    predicted: Tags,
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
    rival: Tags | None = None,
) -> Interval:
    """Entity F1 with its 95 % percentile bootstrap interval over groups.

    Args:
        gold, predicted: tags of the same sentences.
        groups: the document of each sentence, drawn whole, because its sentences err
            together. None: every sentence is one.
        rng: source of 2000 resamples.
        rival: other predictions: F1 of ``predicted`` minus theirs on the same draws.

    Source: Efron and Tibshirani (1993), chapter 13.
    """
    if groups is not None and len(groups) != len(gold):
        raise ValueError(f"groups names {len(groups)} sentences, there are {len(gold)}")
    units = range(len(gold)) if groups is None else groups
    codes, names = pd.factorize(np.array([str(unit) for unit in units], dtype=object))
    count = len(names)
    if count < 2:
        raise ValueError(f"groups must hold at least 2 different groups, got {count}")
    weights = rng.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    weights = np.vstack([np.ones_like(weights[:1]), weights])  # first the sample itself

    def f1(found: Tags) -> np.ndarray:
        totals = np.zeros((count, 3), dtype=np.int64)
        np.add.at(totals, codes, span_counts(gold, found))
        return f1_of_counts(weights @ totals)

    gain = f1(predicted) if rival is None else f1(predicted) - f1(rival)
    low, high = np.quantile(gain[1:], [0.025, 0.975])
    return Interval(float(gain[0]), float(low), float(high))
