"""What do features add? Paired comparisons on nested, repeated cross-validation."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array, check_consistent_length
from threadpoolctl import threadpool_limits

from qglib.stats import Interval, mean_interval

_QUICK = {"assume_finite": True, "skip_parameter_validation": True}
_REGRESSION = partial(LogisticRegression, tol=1e-3, max_iter=2000)
_INNER = 3
_VARIANTS = {
    "baseline": ("baseline",),
    "F alone": ("F",),
    "F of shuffled order": ("null",),
    "PCA of the same size": ("baseline",),
    "baseline + shuffled F": ("baseline", "null"),
    "baseline + F": ("baseline", "F"),
}
_CONTRASTS = {
    "baseline + F - (baseline + shuffled F)": ("baseline + F", "baseline + shuffled F"),
    "F alone - shuffled F alone": ("F alone", "F of shuffled order"),
    "F alone - PCA of the same size": ("F alone", "PCA of the same size"),
}


def adds(
    F: np.ndarray | pd.DataFrame | BaseEstimator,
    null: np.ndarray | pd.DataFrame | BaseEstimator,
    baseline: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
    classifier: Callable[[], BaseEstimator] = _REGRESSION,
    folds: int = 5,
    repeats: int = 4,
    grid: Sequence[float] = (0.01, 0.1, 1.0),
) -> pd.DataFrame:
    """Accuracy of a baseline, of features F, of both, and of four controls.

    Every variant is standardised on the training rows of each outer part; three inner
    parts of these rows choose the strength of the regularisation. All variants share
    the outer and the inner parts.

    Args:
        F: shape (n, k), the features to be judged; or a transformer that makes them
            from `baseline` rows, fitted on the training rows of every part.
        null: the same after the order was shuffled (`order_features` gives both).
        baseline: shape (n, p), the ordinary description of the items.
        labels: shape (n,), classes.
        rng: seeds the parts.
        groups: shape (n,), items of one group are never divided.
        classifier: makes a fresh scikit-learn classifier.
        folds, repeats: parts of an outer cross-validation, how often drawn anew.
        grid: values tried for the classifier's parameter `C`.

    Returns:
        One row per variant: its accuracy, and the difference to the baseline on the
        same parts with its 95 % interval `low`, `high` (`mean_interval`, corrected for
        shared training items). Three more rows hold differences between two variants.

    Raises:
        ValueError: arrays that do not fit, no rng, fewer than two folds, a class with
            fewer items than folds, or too few groups.
    """
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {rng!r}: pass a numpy Generator")
    blocks = {"baseline": baseline, "F": F, "null": null}
    for name, value in blocks.items():
        if not hasattr(value, "fit"):
            value = np.asarray(value, dtype=float)  # columns may share a name
            blocks[name] = check_array(value, input_name=name)
            check_consistent_length(blocks[name], labels, groups)
    labels = np.asarray(labels)
    groups = None if groups is None else np.asarray(groups)
    smallest = np.unique(labels, return_counts=True)[1].min()
    n_groups = folds if groups is None else len(np.unique(groups))
    if folds < 2 or min(smallest, n_groups) < folds:
        raise ValueError(
            f"folds is {folds}, the smallest class has {smallest} items, groups has "
            f"{n_groups} different entries: give 2 folds or more, no more than those"
        )
    scores, shares = [], []
    # Small problems: with more threads a busy machine mostly waits.
    with threadpool_limits(limits=1), config_context(**_QUICK):
        for train, test in _parts(labels, groups, folds, repeats, rng):
            shares.append(len(test) / len(train))
            within = None if groups is None else groups[train]
            inner = list(_parts(labels[train], within, _INNER, 1, rng))
            made = {n: _columns(v, blocks, train, test) for n, v in blocks.items()}
            names, counts = np.unique(labels[train], return_counts=True)
            score = {"chance": (labels[test] == names[counts.argmax()]).mean()}
            for name, parts in _VARIANTS.items():
                seen, new = (np.hstack([made[p][k] for p in parts]) for k in (0, 1))
                steps = [StandardScaler()]
                if name.startswith("PCA"):
                    size = min(made["F"][0].shape[1], *seen.shape)
                    steps.append(PCA(size, svd_solver="full"))
                maker = make_pipeline(*steps).fit(seen)
                seen, new = maker.transform(seen), maker.transform(new)
                model = _tuned(classifier(), grid, inner, seen, labels[train])
                score[name] = model.score(new, labels[test])
            scores.append(score)
    return _table(pd.DataFrame(scores), float(np.mean(shares)))


def _columns(
    value: Any, blocks: dict[str, Any], train: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows of a block, made from the baseline if need be."""
    if not hasattr(value, "fit"):
        return value[train], value[test]
    maker = clone(value).fit(blocks["baseline"][train])
    return tuple(maker.transform(blocks["baseline"][rows]) for rows in (train, test))


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
    """The classifier at the first best strength; GridSearchCV takes twice the time."""
    right = np.zeros(len(grid))
    for k, strength in enumerate(grid if len(grid) > 1 else ()):
        for a, b in inner:
            tried = clone(model).set_params(C=strength).fit(values[a], labels[a])
            right[k] += (tried.predict(values[b]) == labels[b]).mean()
    return model.set_params(C=grid[int(right.argmax())]).fit(values, labels)


def _table(scores: pd.DataFrame, share: float) -> pd.DataFrame:
    """Means and corrected intervals of the differences; share: test over train."""

    def gap(name: str, other: str) -> Interval:
        return mean_interval(scores[name] - scores[other], share)

    rows = {name: (scores[name].mean(), *gap(name, "baseline")) for name in scores}
    rows |= {name: (np.nan, *gap(*pair)) for name, pair in _CONTRASTS.items()}
    columns = ["accuracy", "difference", "low", "high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("variant")
