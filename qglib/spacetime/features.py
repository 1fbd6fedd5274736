"""A fixed-length description of a causal set: the features F of data."""

from __future__ import annotations

import numpy as np

from .abundances import interval_abundances
from .action import smearing_weights
from .causet import Causet
from .chains import chain_counts, heights
from .dimension import dimension_of_fraction, ordering_fraction

_BINS = ((0, 0), (1, 2), (3, 6), (7, 14), (15, 30))
_SMEARINGS = (0.1, 0.3)


def causal_set_features(causet: Causet) -> dict[str, float]:
    """Named order observables, invariant under relabelling of the elements.

    Returns:
        Size, ordering fraction, Myrheim-Meyer dimension, height and width over
        root N, interval abundances per element in log bins, smeared actions per
        element, chains of 3 per N^3, shares of minimal, maximal and isolated
        elements, and mean and spread of the number of links per element.

    Raises:
        ValueError: fewer than 4 elements.
    """
    n = causet.size
    if n < 4:
        raise ValueError(f"the causal set has {n} elements: at least 4 are needed")
    counts = interval_abundances(causet)
    up = np.bitwise_count(causet.future).sum(axis=1, dtype=np.int64)
    down = np.bitwise_count(causet.past).sum(axis=1, dtype=np.int64)
    height = heights(causet)
    degree = np.bincount(causet.links().ravel(), minlength=n)
    fraction = ordering_fraction(causet)
    features = {
        "elements": float(n),
        "ordering_fraction": fraction,
        "myrheim_meyer_dimension": dimension_of_fraction(fraction),
        "height_per_root": float(height.max() / np.sqrt(n)),
        "widest_level_share": float(np.bincount(height).max() / n),
        "mean_height": float(height.mean() / height.max()),
    }
    for low, high in _BINS:
        name = f"intervals_{low}" if low == high else f"intervals_{low}_{high}"
        features[name] = float(np.log1p(counts[low : high + 1].sum() / n))
    for e in _SMEARINGS:
        smeared = e * n + smearing_weights(2, len(counts), e) @ counts
        features[f"action_2d_smeared_{e:g}"] = float(smeared / n)
    features["chains_3"] = chain_counts(causet, 3)[2] / n**3
    features["minimal_share"] = float((down == 0).mean())
    features["maximal_share"] = float((up == 0).mean())
    features["isolated_share"] = float(((up == 0) & (down == 0)).mean())
    features["links_mean"] = float(degree.mean())
    features["links_spread"] = float(degree.std())
    return features
