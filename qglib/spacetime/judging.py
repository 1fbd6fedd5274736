"""Do features help? Paired comparisons on the folds of repeated cross-validation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits


def judge_features(
    baseline: np.ndarray,
    features: np.ndarray,
    shuffled: np.ndarray,
    labels: np.ndarray,
    classifier: Callable[[], BaseEstimator],
    rng: np.random.Generator,
    folds: int = 5,
    repeats: int = 4,
) -> pd.DataFrame:
    """Accuracy of a baseline, of features F, of both, and of three controls.

    Args:
        baseline: shape (n, p), the ordinary description of the items.
        features: shape (n, k), the features to be judged.
        shuffled: shape (n, k), the same features after the order was shuffled.
        labels: shape (n,), classes.
        classifier: makes a fresh scikit-learn classifier; inputs are standardised.
        rng: seeds the folds, which all rows share.
        folds: parts of each cross-validation.
        repeats: how often the parts are drawn anew.

    Returns:
        A table with one row per variant: `accuracy`, `difference` to the baseline
        on the same folds, and `low`, `high`, its 95 % interval.

    Raises:
        ValueError: the arrays do not have the same number of rows.

    Folds share training items, so the interval uses the corrected variance of
    Nadeau and Bengio (Mach. Learn. 52 (2003) 239): s^2 (1/J + test / train).
    """
    baseline, features, shuffled = map(np.asarray, (baseline, features, shuffled))
    labels = np.asarray(labels)
    sizes = {len(baseline), len(features), len(shuffled), len(labels)}
    if len(sizes) > 1:
        raise ValueError(f"arrays have {sorted(sizes)} rows: all need the same items")
    n_components = min(features.shape[1], baseline.shape[1])
    both = np.hstack([baseline, features])
    control = np.hstack([baseline, shuffled])
    variants = {
        "baseline": (baseline, None),
        "F alone": (features, None),
        "F of shuffled order": (shuffled, None),
        "PCA of the same size": (baseline, PCA(n_components, random_state=0)),
        "baseline + shuffled F": (control, None),
        "baseline + F": (both, None),
    }
    splitter = RepeatedStratifiedKFold(
        n_splits=folds, n_repeats=repeats, random_state=int(rng.integers(2**31))
    )
    scores = {}
    # Small problems: with more threads a busy machine mostly waits.
    with threadpool_limits(limits=1):
        for name, (values, reduction) in variants.items():
            steps = [StandardScaler(), *([reduction] if reduction else [])]
            model = make_pipeline(*steps, classifier())
            scores[name] = cross_val_score(model, values, labels, cv=splitter)
    count = folds * repeats
    widen = student.ppf(0.975, count - 1) * np.sqrt(1 / count + 1 / (folds - 1))
    rows = []
    for values in scores.values():
        difference = values - scores["baseline"]
        half = widen * difference.std(ddof=1)
        mean = round(difference.mean(), 12) + 0.0  # no rounding dust around zero
        rows.append((values.mean(), mean, mean - half, mean + half))
    return pd.DataFrame(
        rows,
        index=pd.Index(scores, name="variant"),
        columns=["accuracy", "difference", "low", "high"],
    )
