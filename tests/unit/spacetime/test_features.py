"""The 24 observables of an order as features, also of series."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from qglib.spacetime import Causet, sprinkle_diamond
from qglib.spacetime.features import FEATURE_NAMES, causal_set_features


def by_speed(rows, speed):
    steps = np.arange(float(rows.shape[1]))
    orders = (Causet.from_events(steps, row, speed, "absolute") for row in rows)
    return np.array([list(causal_set_features(order).values()) for order in orders])


def by_ranks(rows):
    steps = np.arange(float(rows.shape[1]))
    orders = (Causet.from_ranks(steps, row, ties="weak") for row in rows)
    return np.array([list(causal_set_features(order).values()) for order in orders])


def column(values, name):
    return values[..., FEATURE_NAMES.index(name)]


def test_names_match_the_values():
    diamond = sprinkle_diamond(2, 50, np.random.default_rng(0), fixed=True)
    assert tuple(causal_set_features(diamond)) == FEATURE_NAMES
    assert len(FEATURE_NAMES) == 24


def test_features_against_brute_force():
    causet = sprinkle_diamond(3, 24, np.random.default_rng(1), fixed=True)
    found = causal_set_features(causet)
    m, n = causet.matrix(), causet.size
    inside = m.astype(int) @ m.astype(int)
    links = m & (inside == 0)
    pairs = inside[m]
    chains = {
        k: sum(all(m[a, b] for a, b in pairwise(c)) for c in combinations(range(n), k))
        for k in (3, 4)
    }
    half = np.minimum(m.sum(axis=0), m.sum(axis=1)).max()
    smeared = 0.1 * n - 2 * 0.01 * sum(
        0.9**k - 2 * k * 0.1 * 0.9 ** (k - 1) + k * (k - 1) / 2 * 0.01 * 0.9 ** (k - 2)
        for k in pairs.tolist()
    )
    expected = {
        "elements": n,
        "midpoint_dimension": np.log2(n / half),
        "intervals_0": np.log1p((pairs == 0).sum() / n),
        "intervals_3_6": np.log1p(((pairs >= 3) & (pairs <= 6)).sum() / n),
        "chains_3": np.log1p(chains[3] / n),
        "chains_4": np.log1p(chains[4] / n),
        "links_mean": 2 * links.sum() / n,
        "links_up_spread": links.sum(axis=1).std(),
        "links_down_spread": links.sum(axis=0).std(),
        "minimal_share": (m.sum(axis=0) == 0).mean(),
        "maximal_share": (m.sum(axis=1) == 0).mean(),
        "action_2d_smeared_0.1": np.sign(smeared) * abs(smeared / n) ** 0.5,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


def test_rising_and_falling_series():
    rows = np.array([np.arange(9.0), -np.arange(9.0)])
    found = by_ranks(rows)
    assert column(found, "ordering_fraction").tolist() == [1, 0]
    assert column(found, "height_per_root") == pytest.approx([3, 1 / 3])
    assert column(found, "isolated_share").tolist() == [0, 1]
    # at speed 1 both are chains, slower than that no two steps are related
    for speed, share in ((1.0, 1), (0.5, 0)):
        found = by_speed(rows, speed)
        assert column(found, "ordering_fraction").tolist() == [share, share]


def test_symmetries_of_series():
    rows = np.random.default_rng(4).normal(size=(6, 30)).cumsum(axis=1)
    one = by_speed(rows, 0.7)
    # a speed in the unit of the values; a mirror image keeps all distances
    assert by_speed(-7 * rows + 3, 7 * 0.7) == pytest.approx(one)
    back = by_speed(rows[:, ::-1], 0.7)
    swapped = {
        "minimal_share": "maximal_share",
        "maximal_share": "minimal_share",
        "links_up_spread": "links_down_spread",
        "links_down_spread": "links_up_spread",
    }
    for name in FEATURE_NAMES:
        if name not in ("mean_height", "widest_level_share"):  # levels from below
            other = swapped.get(name, name)
            assert column(back, other) == pytest.approx(column(one, name)), name
    assert by_ranks(np.exp(rows)) == pytest.approx(by_ranks(rows))
