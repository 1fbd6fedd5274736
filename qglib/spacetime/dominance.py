"""Where a row of a table stands among other rows: its place in the product order."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from qglib.spacetime.causet import Causet
from qglib.spacetime.chains import heights

_BLOCK = 256  # rows compared at a time
_NAMES = (
    "below_all",
    "above_all",
    "below_most",
    "above_most",
    "below_pairs",
    "above_pairs",
    "below_spread",
    "above_spread",
    "height",
    "depth",
)


class DominancePosition(TransformerMixin, BaseEstimator):
    """Position of a row in the dominance order of the rows seen by `fit`.

    A row is below another if it is smaller in every column (strictly). Columns are
    first turned so that each correlates positively with the first principal
    component of the ranks of the training rows. Only the rows given to `fit` are
    compared with, so inside a cross-validation nothing leaks from test rows.

    Args:
        shuffle: permute each column of the training rows by itself. Every column
            keeps its values, their joint order is lost: the control.
        random_state: seed of the permutations.

    Output, shape (n_samples, 10), of the training rows the shares
    below_all, above_all: smaller (larger) in every column;
    below_most, above_most: in at least three quarters of the columns;
    below_pairs, above_pairs: mean over pairs of columns of the shares that are
    smaller (larger) in both (for one column, 0);
    below_spread, above_spread: standard deviation over training rows of the share
    of columns in which the row is larger (smaller);
    height, depth: elements of the longest chain of training rows below (above)
    the row, over the longest chain of all.

    Raises:
        ValueError: NaN, or another number of columns than in `fit`.
    """

    def __init__(self, shuffle: bool = False, random_state: Any = None) -> None:
        """Take the parameters as they are."""
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> DominancePosition:
        """Keep the training rows, turn the columns, find the chains; y is ignored."""
        X = validate_data(self, X, dtype=np.float64)
        ranks = X.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
        first = np.linalg.svd(ranks - ranks.mean(axis=0), full_matrices=False)[2][0]
        # The sign of a singular vector is arbitrary: the largest entry is positive.
        first = first * np.sign(first[np.abs(first).argmax()])
        self.signs_ = np.where(first < 0, -1.0, 1.0)
        rows = X * self.signs_
        if self.shuffle:
            rows = _permuted(rows, check_random_state(self.random_state))
        self.rows_ = rows
        order = Causet.from_dominance(rows)
        back = Causet.from_dominance(-rows)
        self.heights_ = np.empty(len(rows), np.int64)
        self.depths_ = np.empty(len(rows), np.int64)
        self.heights_[list(order.labels)] = heights(order)
        self.depths_[list(back.labels)] = heights(back)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Position of each row among the rows of `fit`, shape (n_samples, 10)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False) * self.signs_
        blocks = [X[k : k + _BLOCK] for k in range(0, len(X), _BLOCK)]
        return np.concatenate([self._positions(block) for block in blocks])

    def _positions(self, block: np.ndarray) -> np.ndarray:
        columns = block.shape[1]
        sides = []
        longest = self.heights_.max()
        below = np.zeros((len(block), len(self.rows_)), np.int64)
        above = np.zeros_like(below)
        for own, other in zip(block.T, self.rows_.T, strict=True):
            below += other < own[:, None]
            above += other > own[:, None]
        for counts, reach in ((below, self.heights_), (above, self.depths_)):
            every = counts == columns
            pairs = counts * (counts - 1) / max(columns * (columns - 1), 1)
            sides.append(
                (
                    every.mean(axis=1),
                    (counts >= 0.75 * columns).mean(axis=1),
                    pairs.mean(axis=1),
                    (counts / columns).std(axis=1),
                    (every * reach).max(axis=1) / longest,
                )
            )
        return np.column_stack([side[k] for k in range(5) for side in sides])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns; `input_features` is only checked."""
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.array(_NAMES, dtype=object)


def _permuted(rows: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Each column in an order of its own."""
    return np.column_stack([random.permutation(column) for column in rows.T])
