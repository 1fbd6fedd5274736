"""Order features of series as a scikit-learn transformer."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from qglib.spacetime.causet import Causet
from qglib.spacetime.features import FEATURE_NAMES, features_or_zeros

_PAIRS = 200_000  # pairs of steps the default speed is read from, at most


class CausalSetFeatures(TransformerMixin, BaseEstimator):
    """Order observables of series, one row of numbers per series.

    Args:
        order: how a series becomes an order. "speed": step i comes before step j
            if j > i and |x_j - x_i| <= speed (j - i). "ranks": if j > i and
            x_j > x_i, the 2d order of step and value (equal values are unrelated).
        speed: for order="speed" the largest change of the value in one step; learned
            by `fit` if left out.
        window: steps after which the two ends of a typical pair may be related: the
            learned speed is the median of |x_j - x_i| over the pairs i < j of the
            training rows (a regular subset of them beyond 200 000), over `window`.
            A quarter of the steps of a row if left out. Rows that never change
            give speed 1.

    Input is an array (n_samples, n_steps), each row a series read in time; for other
    events see `order_features`. Output is (n_samples, 24), finite float64, columns as
    `FEATURE_NAMES` says. An order of fewer than 4 elements has no observables:
    "elements" is its size and all other columns are 0.

    Attributes:
        speed_: the speed in use (order="speed" only).
        n_features_in_: steps of a series.

    Raises:
        ValueError: an unknown order, a speed or window that is not positive, NaN,
            rows of another length than in `fit`.
    """

    def __init__(
        self,
        order: str = "speed",
        speed: float | None = None,
        window: float | None = None,
    ) -> None:
        """Take the parameters as they are; `fit` checks them."""
        self.order = order
        self.speed = speed
        self.window = window

    def fit(self, X: Any, y: Any = None) -> CausalSetFeatures:
        """Check the input and learn the default speed from the rows; y is ignored."""
        if self.order not in ("speed", "ranks"):
            raise ValueError(f'order is {self.order!r}: choose "speed" or "ranks"')
        for name in ("speed", "window"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Real) and value > 0):
                raise ValueError(f"{name} is {value!r}: give a positive number or None")
        X = validate_data(self, X, dtype=np.float64)
        if self.order == "speed":
            self.speed_ = self.speed if self.speed else _default_speed(X, self.window)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Features of each row, shape (n_samples, 24)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        found = [features_or_zeros(self._order(row)) for row in X]
        return np.array([list(row.values()) for row in found])

    def _order(self, row: np.ndarray) -> Causet:
        steps = np.arange(len(row), dtype=float)
        if self.order == "ranks":
            return Causet.from_ranks(steps, row, ties="weak")
        return Causet.from_events(steps, row, self.speed_, "absolute")

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns; `input_features` is only checked."""
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.array(FEATURE_NAMES, dtype=object)


def _default_speed(X: np.ndarray, window: float | None) -> float:
    """Median of |x_j - x_i| over pairs of steps of one row, over the window."""
    steps = X.shape[1]
    i, j = np.triu_indices(steps, 1)
    if not len(i):
        return 1.0
    every = max(1, -(-len(X) * len(i) // _PAIRS))
    # Every k-th pair of the table (row, pair), never all of it in memory.
    taken = np.arange(0, len(X) * len(i), every)
    row, pair = np.divmod(taken, len(i))
    typical = float(np.median(np.abs(X[row, j[pair]] - X[row, i[pair]])))
    return typical / (window or steps / 4) or 1.0
