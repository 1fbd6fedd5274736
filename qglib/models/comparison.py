"""Heads and ordinary methods on the same examples, splits and seeds."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qglib.data import Examples
from qglib.models.features import FeatureFunction, Prepared, prepare
from qglib.models.heads import SAME_SIZE
from qglib.models.training import train
from qglib.stats import mean_interval

PENALTIES = (0.01, 0.1, 1.0, 10.0)  # C of the logistic regression, chosen on dev


def compare(
    examples: Examples | Callable[[int], Examples],
    heads: Sequence[str] = ("quantum", SAME_SIZE, "linear"),
    seeds: Sequence[int] = (0, 1, 2),
    *,
    metric: str = "",
    features: FeatureFunction | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Test scores of heads and of `baseline_logits`, with paired differences.

    Args:
        examples: examples, or a function from a seed to them.
        heads: see `train`; the first is what the others are compared with.
        seeds, metric, features, options: those of `train`, the same for all heads.

    Returns:
        One row per method: parameters, mean, sd over seeds, difference (first head
        minus method, mean over seeds), low and high (95 % t interval of the
        difference; NaN with one seed). ``attrs["scores"]``: method to one score per
        seed.
    """
    for name, given in (("heads", heads), ("seeds", seeds)):
        if isinstance(given, str) or not np.iterable(given) or not len(given):
            raise ValueError(f"{name} is {given!r}: give a sequence of at least one")
    scores, sizes = {name: list[float]() for name in heads}, dict[str, int]()
    for seed in seeds:
        drawn = examples(seed) if callable(examples) else examples
        data = prepare(drawn, metric, features)
        for head in heads:
            options |= {"features": features, "prepared": data}
            model = train(drawn, head, seed, **options)
            found = model.logits_of(data.features["test"])
            scores[head].append(data.score(found, "test"))
            sizes[head] = sum(p.numel() for p in model.head.parameters())
        for name, logits in baseline_logits(data, seed).items():
            scores.setdefault(name, []).append(data.score(logits, "test"))
    by_method = pd.DataFrame(scores).T.rename_axis("method")
    table = pd.DataFrame({"mean": by_method.mean(axis=1), "sd": by_method.std(axis=1)})
    table.insert(0, "parameters", [sizes.get(name, 0) for name in scores])
    gaps = [mean_interval(row) for row in (by_method.loc[heads[0]] - by_method).values]
    table[["difference", "low", "high"]] = gaps
    if len(seeds) < 2:
        table[["low", "high"]] = np.nan
    table.attrs = {"scores": scores}
    return table


def baseline_logits(data: Prepared, seed: int) -> dict[str, np.ndarray]:
    """Logits of the ordinary methods on the test part, name to (rows, n_labels).

    The most frequent class (no entities for tags), classes drawn as often as training
    has them, and a regression on standardised features, its penalty chosen on dev.
    """
    k, n = len(data.labels), len(data.gold["test"])
    share = np.bincount(data.gold["train"], minlength=k) / len(data.gold["train"])
    drawn = np.random.default_rng(seed).choice(k, size=n, p=share)
    return {
        "majority": np.tile(np.eye(k)[share.argmax()], (n, 1)),
        "random": np.eye(k)[drawn],
        "logistic regression": _logistic(data),
    }


def _logistic(data: Prepared) -> np.ndarray:
    best, kept = -1.0, np.empty((0, 0))
    for penalty in PENALTIES:
        regression = LogisticRegression(C=penalty, max_iter=300)
        model = make_pipeline(StandardScaler(), regression)
        with warnings.catch_warnings():
            # a fit stopped early is one more candidate: dev decides
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(data.features["train"], data.gold["train"])
        logits = {}
        for part in ("dev", "test"):
            found = model.predict_proba(data.features[part]).astype(np.float64)
            logits[part] = np.full((len(found), len(data.labels)), -1e3)
            logits[part][:, regression.classes_] = np.log(np.maximum(found, 1e-300))
        value = data.score(logits["dev"], "dev")
        if value > best:
            best, kept = value, logits["test"]
    return kept
