"""Scores with intervals, and the ordinary methods that every head must beat."""

from __future__ import annotations

import warnings

import numpy as np

from qglib.models import decode_all, entity_f1, f1_interval
from qglib.models.evaluation import Interval
from qglib.tasks.prepared import Prepared, sentences_of

PENALTIES = (0.01, 0.1, 1.0, 10.0)  # C of the logistic regression, chosen on dev
DRAWS = 1000


def predicted_tags(data: Prepared, logits: np.ndarray, part: str) -> list[list[str]]:
    """Tags of the sentences of a part by Viterbi from logits (n_words, n_labels)."""
    return decode_all(sentences_of(logits, data.tags[part]), data.labels)


def macro_f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over the classes in gold or predicted of their F1."""
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, average="macro", zero_division=0))


def score(data: Prepared, logits: np.ndarray, part: str, metric: str) -> float:
    """One number in [0, 1] for logits of a part, shape (rows, n_labels)."""
    if metric == "entity_f1":
        return entity_f1(data.tags[part], predicted_tags(data, logits, part))
    gold, found = data.gold[part], logits.argmax(axis=1)
    if metric == "accuracy":
        return float((gold == found).mean())
    return macro_f1(gold, found)


def interval(
    data: Prepared, logits: np.ndarray, part: str, metric: str, seed: int = 0
) -> Interval:
    """Score with the 95 % percentile bootstrap interval over examples (sentences)."""
    rng = np.random.default_rng(seed)
    if metric == "entity_f1":
        found = predicted_tags(data, logits, part)
        return f1_interval(data.tags[part], found, None, rng, draws=DRAWS)
    gold, found, k = data.gold[part], logits.argmax(axis=1), len(data.labels)
    # counts of every (gold, predicted) pair stand for the resampled examples
    table = np.bincount(gold * k + found, minlength=k * k)
    drawn = rng.multinomial(len(gold), table / len(gold), size=DRAWS).reshape(-1, k, k)
    hits = np.diagonal(drawn, axis1=1, axis2=2)
    if metric == "accuracy":
        values = hits.sum(axis=1) / len(gold)
    else:
        sizes = drawn.sum(axis=1) + drawn.sum(axis=2)
        each = 2 * hits / np.maximum(sizes, 1)
        values = each.sum(axis=1) / np.maximum((sizes > 0).sum(axis=1), 1)
    low, high = np.quantile(values, (0.025, 0.975))
    return Interval(score(data, logits, part, metric), float(low), float(high))


def baseline_logits(data: Prepared, metric: str, seed: int) -> dict[str, np.ndarray]:
    """Logits of the ordinary methods on the test part, name to (rows, n_labels).

    "majority": the most frequent class (no entities at all for tags); "random":
    classes drawn as often as training has them; "logistic regression": on the
    standardised features, its penalty chosen on dev.
    """
    k, n = len(data.labels), len(data.gold["test"])
    share = np.bincount(data.gold["train"], minlength=k) / len(data.gold["train"])
    drawn = np.random.default_rng(seed).choice(k, size=n, p=share)
    return {
        "majority": np.tile(np.eye(k)[share.argmax()], (n, 1)),
        "random": np.eye(k)[drawn],
        "logistic regression": _logistic(data, metric),
    }


def _logistic(data: Prepared, metric: str) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(data.features["train"])
    rows = {part: scaler.transform(x) for part, x in data.features.items()}
    best, kept = -1.0, np.empty(0)
    for penalty in PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=300)
        with warnings.catch_warnings():
            # a fit stopped early is one more candidate: dev decides
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(rows["train"], data.gold["train"])

        def logits(part: str, model: LogisticRegression = model) -> np.ndarray:
            out = np.full((len(rows[part]), len(data.labels)), -1e3)
            found = model.predict_proba(rows[part]).astype(np.float64)
            out[:, model.classes_] = np.log(np.maximum(found, 1e-300))
            return out

        value = score(data, logits("dev"), "dev", metric)
        if value > best:
            best, kept = value, logits("test")
    return kept
