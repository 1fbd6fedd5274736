"""A fixed-length description of causal sets: the features F of data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qglib.spacetime import observables as seen
from qglib.spacetime.causet import Causet

FEATURE_NAMES = tuple(
    """elements ordering_fraction myrheim_meyer_dimension midpoint_dimension
    height_per_root widest_level_share mean_height intervals_0 intervals_1_2
    intervals_3_6 intervals_7_14 intervals_15_30 intervals_31_up action_2d_smeared_0.1
    action_2d_smeared_0.3 action_4d_smeared_0.1 chains_3 chains_4 minimal_share
    maximal_share isolated_share links_mean links_up_spread links_down_spread""".split()
)
"""Names of the 24 features, in the order of `causal_set_features`."""

_BINS = (0, 1, 3, 7, 15, 31)  # first number of elements between, of each bin
_LADDER = ((2, 0.1), (2, 0.3), (4, 0.1))  # (dimension, smearing) of the actions


def causal_set_features(causet: Causet) -> dict[str, float]:
    """`FEATURE_NAMES` of 4 elements or more, all finite and free of the labelling.

    Heights are longest chains over root N, levels those of equal height. Intervals are
    log(1 + N_m / N) in logarithmic bins of the number m of elements between, chains
    log(1 + C_k / N), smeared core actions signed roots per element, spreads standard
    deviations over the elements. Sources: those of `observables`.
    """
    n = causet.size
    seen.check_size(causet, 4)
    counts = seen.interval_abundances(causet)
    down, up = causet.degrees()
    height, links = seen.heights(causet), causet.links()
    fraction = seen.ordering_fraction(causet)
    binned = (part.sum() for part in np.split(counts, _BINS[1:]))
    actions = (
        e + seen.smearing_weights(d, len(counts), e) @ counts / n for d, e in _LADDER
    )
    values = [
        n,
        fraction,
        seen.dimension_of_fraction(fraction),
        seen.midpoint_dimension(causet),
        height.max() / np.sqrt(n),
        np.bincount(height).max() / n,
        height.mean() / height.max(),
        *(np.log1p(count / n) for count in binned),
        *(np.sign(action) * np.sqrt(abs(action)) for action in actions),
        *np.log1p(seen.chain_counts(causet, 4)[2:] / n),
        (down == 0).mean(),
        (up == 0).mean(),
        ((up == 0) & (down == 0)).mean(),
        2 * len(links) / n,
        *(np.bincount(ends, minlength=n).std() for ends in links.T),
    ]
    return dict(zip(FEATURE_NAMES, map(float, values), strict=True))


def order_features(
    events: Sequence[Any], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of the order of each item, and those of its shuffled order.

    Args:
        events: one object per item, with `.parts`, the arguments of
            `Causet.from_events`, and `.shuffled(rng)`, the same times and contents
            paired at random (`qglib.data.Events` has both); else a ValueError.
        rng: source of the shuffles.

    Returns:
        (F, null): two tables (items, 24) of finite float64, columns `FEATURE_NAMES`.
        An order of fewer than 4 elements has its size and else zeros.
    """
    if not len(events):
        raise ValueError("events is empty: give one object per item")
    for k, item in enumerate(events):
        if not (hasattr(item, "parts") and hasattr(item, "shuffled")):
            raise ValueError(
                f"item {k} is a {type(item).__name__}: give objects with .parts and "
                ".shuffled(rng), such as qglib.data.Events"
            )
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {rng!r}: pass a numpy Generator")
    tables = []
    for chosen in (events, [item.shuffled(rng) for item in events]):
        orders = (Causet.from_events(*item.parts) for item in chosen)
        tables.append(pd.DataFrame([_features_or_zeros(order) for order in orders]))
    return tables[0], tables[1]


def _features_or_zeros(causet: Causet) -> dict[str, float]:
    if causet.size < 4:
        return dict.fromkeys(FEATURE_NAMES, 0.0) | {"elements": float(causet.size)}
    return causal_set_features(causet)
