"""A fixed-length description of causal sets: the features F of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qglib.spacetime.abundances import interval_abundances
from qglib.spacetime.action import smearing_weights
from qglib.spacetime.causet import Causet
from qglib.spacetime.chains import chain_counts, heights
from qglib.spacetime.dimension import (
    dimension_of_fraction,
    midpoint_dimension,
    ordering_fraction,
)

FEATURE_NAMES = (
    "elements",
    "ordering_fraction",
    "myrheim_meyer_dimension",
    "midpoint_dimension",
    "height_per_root",
    "widest_level_share",
    "mean_height",
    "intervals_0",
    "intervals_1_2",
    "intervals_3_6",
    "intervals_7_14",
    "intervals_15_30",
    "intervals_31_up",
    "action_2d_smeared_0.1",
    "action_2d_smeared_0.3",
    "action_4d_smeared_0.1",
    "chains_3",
    "chains_4",
    "minimal_share",
    "maximal_share",
    "isolated_share",
    "links_mean",
    "links_up_spread",
    "links_down_spread",
)
"""Names of the 24 features, in the order of `causal_set_features`."""

_BINS = ((0, 0), (1, 2), (3, 6), (7, 14), (15, 30))
_LADDER = ((2, 0.1), (2, 0.3), (4, 0.1))  # (dimension, smearing) of the actions


def causal_set_features(causet: Causet) -> dict[str, float]:
    """Named order observables, invariant under relabelling of the elements.

    Returns:
        `FEATURE_NAMES` in that order, all finite:

        - elements; ordering_fraction; myrheim_meyer_dimension (clipped to
          [0.3, 20]); midpoint_dimension, log2(N / N_half) with N_half the largest
          min(past, future) of an element (0.5 if all are empty); both take the
          whole set for one diamond;
        - height_per_root (longest chain over root N), widest_level_share (largest
          level of equal height over N), mean_height (over the largest height);
        - intervals_0 .. intervals_31_up: log(1 + N_m / N) in logarithmic bins of
          the number m of elements between;
        - action_2d_smeared_0.1, _0.3, action_4d_smeared_0.1: smeared core actions
          per element, as signed roots;
        - chains_3, chains_4: log(1 + C_k / N);
        - minimal_share, maximal_share, isolated_share of the elements;
        - links_mean, links_up_spread, links_down_spread: the number of links per
          element, and standard deviations over the elements of those upwards and
          downwards (they swap when the order is reversed).

    Raises:
        ValueError: fewer than 4 elements.

    Sources: Glaser, Surya 2013 (abundances); Dowker, Glaser 2013 (actions);
    Bombelli, PhD thesis, Syracuse (1987) (midpoint scaling).
    """
    n = causet.size
    if n < 4:
        raise ValueError(f"the causal set has {n} elements: at least 4 are needed")
    counts = interval_abundances(causet)
    down, up = causet.degrees()
    height = heights(causet)
    links = causet.links()
    upward = np.bincount(links[:, 0], minlength=n)
    downward = np.bincount(links[:, 1], minlength=n)
    fraction = ordering_fraction(causet)
    chains = chain_counts(causet, 4)
    features = {
        "elements": float(n),
        "ordering_fraction": fraction,
        "myrheim_meyer_dimension": dimension_of_fraction(fraction),
        "midpoint_dimension": midpoint_dimension(causet),
        "height_per_root": float(height.max() / np.sqrt(n)),
        "widest_level_share": float(np.bincount(height).max() / n),
        "mean_height": float(height.mean() / height.max()),
    }
    for low, high in _BINS:
        name = f"intervals_{low}" if low == high else f"intervals_{low}_{high}"
        features[name] = float(np.log1p(counts[low : high + 1].sum() / n))
    features["intervals_31_up"] = float(np.log1p(counts[31:].sum() / n))
    for dimension, e in _LADDER:
        smeared = e + smearing_weights(dimension, len(counts), e) @ counts / n
        name = f"action_{dimension}d_smeared_{e:g}"
        features[name] = float(np.sign(smeared) * np.sqrt(abs(smeared)))
    features["chains_3"] = float(np.log1p(chains[2] / n))
    features["chains_4"] = float(np.log1p(chains[3] / n))
    features["minimal_share"] = float((down == 0).mean())
    features["maximal_share"] = float((up == 0).mean())
    features["isolated_share"] = float(((up == 0) & (down == 0)).mean())
    features["links_mean"] = float(2 * len(links) / n)
    features["links_up_spread"] = float(upward.std())
    features["links_down_spread"] = float(downward.std())
    return features


def order_features(
    events: Sequence[Any], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of the order of each item, and those of its shuffled order.

    Args:
        events: one object per item, with `.parts`, the tuple (times, contents,
            speed, metric) of `Causet.from_events`, and `.shuffled(rng)`, the same
            times and contents paired at random (`qglib.data.Events` has both).
        rng: source of the shuffles.

    Returns:
        (F, null): two tables (items, 24) of finite float64, columns as
        `FEATURE_NAMES` says. An order of fewer than 4 elements has no observables:
        "elements" is its size and all other columns are 0.

    Raises:
        ValueError: no item, an item without `.parts` and `.shuffled`, no rng, or
            events that `Causet.from_events` refuses.
    """
    events = list(events)
    if not events:
        raise ValueError("events is empty: give one object per item")
    for k, item in enumerate(events):
        if not (hasattr(item, "parts") and callable(getattr(item, "shuffled", None))):
            raise ValueError(
                f"item {k} is a {type(item).__name__}: give objects with .parts and "
                ".shuffled(rng), such as qglib.data.Events"
            )
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {rng!r}: pass a numpy Generator")
    tables = []
    for chosen in (events, [item.shuffled(rng) for item in events]):
        orders = (Causet.from_events(*item.parts) for item in chosen)
        tables.append(pd.DataFrame([features_or_zeros(order) for order in orders]))
    return tables[0], tables[1]


def features_or_zeros(causet: Causet) -> dict[str, float]:
    """`causal_set_features`; of fewer than 4 elements their number, else zeros."""
    if causet.size < 4:
        return dict.fromkeys(FEATURE_NAMES, 0.0) | {"elements": float(causet.size)}
    return causal_set_features(causet)
