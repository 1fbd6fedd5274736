"""Features of causal sets as scikit-learn transformers."""

from __future__ import annotations

from collections.abc import Sequence
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
from qglib.spacetime.features import FEATURE_NAMES, causal_set_features

_PAIRS = 200_000  # pairs of steps the default speed is read from, at most
_LEAST = 4  # elements: smaller orders have no features


class CausalSetFeatures(TransformerMixin, BaseEstimator):
    """Order observables of series, or of events, one row of numbers per item.

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

    Input is an array (n_samples, n_steps), each row a series read in time, or a
    sequence of n_samples items, each a `Causet`, a tuple (times, contents, speed,
    metric) as `Causet.from_events` takes it, or an object with such a tuple as
    `.parts`. Such items bring their own order: the three arguments above are then
    without effect. Items may differ in their numbers of events.

    Output is (n_samples, 24), finite float64, columns as `FEATURE_NAMES` says. An
    order of fewer than 4 elements has no observables: "elements" is its size and
    all other columns are 0.

    Attributes:
        speed_: the speed in use (order="speed" on series only).
        n_features_in_: steps of a series (series only).

    Raises:
        ValueError: an unknown order, a speed or window that is not positive, NaN,
            rows of another length than in `fit`, series where `fit` saw events or
            the other way round, an item that cannot be read.
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
        self.on_events_ = _are_events(X)
        if self.on_events_:
            return self
        X = validate_data(self, X, dtype=np.float64)
        if self.order == "speed":
            self.speed_ = self.speed if self.speed else _default_speed(X, self.window)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Features of each row or item, shape (n_samples, 24)."""
        check_is_fitted(self)
        events = _are_events(X)
        if events != self.on_events_:
            seen, given = ("series", "events") if events else ("events", "series")
            raise ValueError(f"fit saw {seen}, X holds {given}: use one kind of input")
        if events:
            return np.array([_row(_causet_of(item)) for item in X])
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.array([_row(self._series(row)) for row in X])

    def _series(self, row: np.ndarray) -> Causet:
        steps = np.arange(len(row), dtype=float)
        if self.order == "ranks":
            return Causet.from_ranks(steps, row, ties="weak")
        return Causet.from_events(steps, row, self.speed_, "absolute")

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns; `input_features` is only checked."""
        check_is_fitted(self)
        if hasattr(self, "n_features_in_"):
            _check_feature_names_in(self, input_features)
        return np.array(FEATURE_NAMES, dtype=object)


def _are_events(X: Any) -> bool:
    """Whether X is a sequence of orders or events rather than an array."""
    if not isinstance(X, Sequence) or isinstance(X, str) or not len(X):
        return False
    first = X[0]
    parts = isinstance(first, tuple) and len(first) == 4 and np.ndim(first[0]) == 1
    return parts or isinstance(first, Causet) or hasattr(first, "parts")


def _causet_of(item: Any) -> Causet:
    if isinstance(item, Causet):
        return item
    parts = getattr(item, "parts", item)
    if not isinstance(parts, tuple) or len(parts) != 4:
        raise ValueError(
            f"an item is a {type(item).__name__}: give a Causet, or (times, contents, "
            "speed, metric), or an object that has these as .parts"
        )
    return Causet.from_events(*parts)


def _row(causet: Causet) -> list[float]:
    if causet.size < _LEAST:
        return [float(causet.size)] + [0.0] * (len(FEATURE_NAMES) - 1)
    return list(causal_set_features(causet).values())


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
