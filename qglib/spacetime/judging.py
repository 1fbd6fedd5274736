"""Do features help? Paired comparisons on nested, repeated cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from .feature_verdict import FeatureVerdict, verdict_of

_QUICK = {"assume_finite": True, "skip_parameter_validation": True}
_VARIANTS = {
    "baseline": ["baseline"],
    "F alone": ["F"],
    "F of shuffled order": ["shuffled"],
    "PCA of the same size": ["baseline"],
    "baseline + shuffled F": ["baseline", "shuffled"],
    "baseline + F": ["baseline", "F"],
}


def logistic_regression() -> BaseEstimator:
    """The default classifier of `judge_features`."""
    return LogisticRegression(tol=1e-3, max_iter=2000)


def judge_features(
    baseline: np.ndarray,
    features: np.ndarray | BaseEstimator,
    shuffled: np.ndarray | BaseEstimator,
    labels: np.ndarray,
    classifier: Callable[[], BaseEstimator] = logistic_regression,
    rng: np.random.Generator | None = None,
    folds: int = 5,
    repeats: int = 4,
    groups: np.ndarray | None = None,
    grid: Sequence[float] = (0.01, 0.1, 1.0),
    inner_folds: int = 3,
) -> FeatureVerdict:
    """Accuracy of a baseline, of features F, of both, and of four controls.

    Every variant is standardised on the training rows of each outer part; an inner
    cross-validation on these rows chooses the strength of the regularisation. All
    variants share the outer and the inner parts.

    Args:
        baseline: shape (n, p), the ordinary description of the items.
        features: shape (n, k), the features to be judged, computed item by item;
            or a transformer that makes them from `baseline` rows. It is then fitted
            on the training rows of every part, so that nothing leaks.
        shuffled: the same after the order was shuffled, array or transformer.
        labels: shape (n,), classes.
        classifier: makes a fresh scikit-learn classifier.
        rng: seeds the parts; needed.
        folds: parts of each outer cross-validation.
        repeats: how often the parts are drawn anew.
        groups: shape (n,), items of one group are never divided between training
            and test (speakers, copies of one item).
        grid: values tried for the classifier's parameter `C`; with a single one
            there is no inner loop. Empty: the classifier is taken as it is.
        inner_folds: parts of the inner cross-validation.

    Returns:
        `FeatureVerdict`, with the variants chance (the largest class), baseline, F
        alone, F of shuffled order, PCA of the same size, baseline + shuffled F and
        baseline + F.

    Raises:
        ValueError: arrays of different lengths, values not finite, no rng, fewer
            than two folds, a class with fewer items than folds, or too few groups.

    Parts share training items, so an interval uses the corrected variance of
    Nadeau and Bengio (Mach. Learn. 52 (2003) 239), s^2 (1/J + test / train), with
    J - 1 degrees of freedom; each interval is 95 % by itself.
    """
    if rng is None:
        raise ValueError("rng is None: pass a numpy Generator")
    baseline, labels = np.asarray(baseline, dtype=float), np.asarray(labels)
    given = {"baseline": baseline, "labels": labels}
    blocks: dict[str, Any] = {"baseline": baseline}
    for name, value in {"F": features, "shuffled": shuffled}.items():
        if not hasattr(value, "fit"):
            given[name] = blocks[name] = np.asarray(value, dtype=float)
    if groups is not None:
        given["groups"] = groups = np.asarray(groups)
    sizes = {name: len(value) for name, value in given.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"arrays have {sizes} rows: all need the same items")
    for name, value in blocks.items():
        if not np.isfinite(value).all():
            raise ValueError(f"{name} holds values that are not finite: fill them")
    smallest = np.unique(labels, return_counts=True)[1].min()
    if min(folds, inner_folds) < 2 or smallest < folds:
        raise ValueError(
            f"folds is {folds} and inner_folds {inner_folds}, the smallest class has "
            f"{smallest} items: give 2 folds or more and no more than those items"
        )
    if groups is not None and len(np.unique(groups)) < folds:
        raise ValueError(
            f"groups has {len(np.unique(groups))} different entries for {folds} "
            "folds: give fewer folds or more groups"
        )
    values = np.hstack(list(blocks.values()))
    scores, shares = [], []
    # Small problems: with more threads a busy machine mostly waits.
    with threadpool_limits(limits=1), config_context(**_QUICK):
        for train, test in _parts(labels, groups, folds, repeats, rng):
            shares.append(len(test) / len(train))
            within = None if groups is None else groups[train]
            inner = list(_parts(labels[train], within, inner_folds, 1, rng))
            made = {"F": features, "shuffled": shuffled}
            described = _described(blocks, made, values[train])
            chance = DummyClassifier().fit(values[train], labels[train])
            score = {"chance": chance.score(values[test], labels[test])}
            for name, maker in described.items():
                seen = maker.fit_transform(values[train])
                model = _tuned(classifier(), grid, inner, seen, labels[train])
                score[name] = model.score(maker.transform(values[test]), labels[test])
            scores.append(score)
    return verdict_of(pd.DataFrame(scores), float(np.mean(shares)))


def _described(
    blocks: dict[str, np.ndarray], made: dict[str, Any], seen: np.ndarray
) -> dict[str, BaseEstimator]:
    """For each variant what turns the blocks, side by side, into its columns.

    A block that is no array is made by a transformer from the baseline's columns;
    `seen`, training rows of all blocks, only serve to count its columns.
    """
    ends = np.cumsum([0] + [block.shape[1] for block in blocks.values()])
    place = {name: slice(*ends[k : k + 2]) for k, name in enumerate(blocks)}
    columns = {"baseline": ("baseline", "passthrough", place["baseline"])}
    for name, value in made.items():
        maker = "passthrough" if name in place else clone(value)
        columns[name] = (name, maker, place.get(name, place["baseline"]))
    width = ColumnTransformer([columns["F"]]).fit_transform(seen).shape[1]
    size = min(width, blocks["baseline"].shape[1], len(seen))
    found: dict[str, BaseEstimator] = {}
    for name, parts in _VARIANTS.items():
        steps = [ColumnTransformer([columns[p] for p in parts]), StandardScaler()]
        if name.startswith("PCA"):
            steps.append(PCA(size, svd_solver="full"))
        found[name] = make_pipeline(*steps)
    return found


def _parts(
    labels: np.ndarray,
    groups: np.ndarray | None,
    folds: int,
    repeats: int,
    rng: np.random.Generator,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Stratified (training, test) parts; groups are kept together."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    for _ in range(repeats):
        seed = int(rng.integers(2**31))
        splitter = kind(folds, shuffle=True, random_state=seed)
        yield from splitter.split(labels, labels, groups)


def _tuned(
    model: BaseEstimator,
    grid: Sequence[float],
    inner: list[tuple[np.ndarray, np.ndarray]],
    values: np.ndarray,
    labels: np.ndarray,
) -> BaseEstimator:
    """The fitted classifier, its strength chosen on the inner parts.

    Of equally good strengths the first wins. GridSearchCV does the same at twice the
    time, which for many small fits is all overhead.
    """
    if len(grid) > 1:
        right = np.zeros(len(grid))
        for k, strength in enumerate(grid):
            for a, b in inner:
                tried = clone(model).set_params(C=strength).fit(values[a], labels[a])
                right[k] += (tried.predict(values[b]) == labels[b]).mean()
        model.set_params(C=grid[int(right.argmax())])
    elif len(grid):
        model.set_params(C=grid[0])
    return model.fit(values, labels)
