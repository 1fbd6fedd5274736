"""Features of series and events as scikit-learn transformers."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from sklearn.pipeline import make_union
from sklearn.utils.estimator_checks import parametrize_with_checks

from qglib.spacetime import Causet, sprinkle_diamond
from qglib.spacetime.dominance import DominancePosition
from qglib.spacetime.features import FEATURE_NAMES, causal_set_features
from qglib.spacetime.transformer import CausalSetFeatures


@parametrize_with_checks(
    [
        CausalSetFeatures(),
        CausalSetFeatures(order="ranks"),
        CausalSetFeatures(speed=0.5),
        DominancePosition(),
        DominancePosition(shuffle=True, random_state=0),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def column(values, name):
    return values[..., FEATURE_NAMES.index(name)]


def test_names_match_the_values():
    diamond = sprinkle_diamond(2, 50, np.random.default_rng(0), fixed=True)
    assert tuple(causal_set_features(diamond)) == FEATURE_NAMES
    assert len(FEATURE_NAMES) == 24
    maker = CausalSetFeatures().fit(np.eye(4))
    assert maker.get_feature_names_out().tolist() == list(FEATURE_NAMES)


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
    found = CausalSetFeatures(order="ranks").fit_transform(rows)
    assert column(found, "ordering_fraction").tolist() == [1, 0]
    assert column(found, "height_per_root") == pytest.approx([3, 1 / 3])
    assert column(found, "isolated_share").tolist() == [0, 1]
    # at speed 1 both are chains, slower than that no two steps are related
    for speed, share in ((1.0, 1), (0.5, 0)):
        found = CausalSetFeatures(speed=speed).fit_transform(rows)
        assert column(found, "ordering_fraction").tolist() == [share, share]


def test_default_speed_is_the_documented_median():
    rows = np.random.default_rng(2).normal(size=(5, 12))
    i, j = np.triu_indices(12, 1)
    median = np.median(np.abs(rows[:, i] - rows[:, j]))
    assert CausalSetFeatures().fit(rows).speed_ == pytest.approx(median / 3)
    assert CausalSetFeatures(window=5).fit(rows).speed_ == pytest.approx(median / 5)
    assert CausalSetFeatures(speed=0.3).fit(rows).speed_ == 0.3
    assert CausalSetFeatures().fit(np.ones((3, 6))).speed_ == 1
    many = np.random.default_rng(3).normal(size=(400, 64))  # a subset of the pairs
    i, j = np.triu_indices(64, 1)
    whole = np.median(np.abs(many[:, i] - many[:, j])) / 16
    assert CausalSetFeatures().fit(many).speed_ == pytest.approx(whole, rel=0.01)


def test_symmetries_of_series():
    rows = np.random.default_rng(4).normal(size=(6, 30)).cumsum(axis=1)
    one = CausalSetFeatures().fit_transform(rows)
    # the learned speed follows the unit; a mirror image keeps all distances
    assert CausalSetFeatures().fit_transform(-7 * rows + 3) == pytest.approx(one)
    back = CausalSetFeatures().fit_transform(rows[:, ::-1])
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
    ranks = CausalSetFeatures(order="ranks")
    assert ranks.fit_transform(np.exp(rows)) == pytest.approx(ranks.fit_transform(rows))


def test_short_rows_have_the_documented_values():
    for steps in (1, 2, 3):
        for order in ("speed", "ranks"):
            found = CausalSetFeatures(order=order).fit_transform(np.eye(3)[:, :steps])
            assert (found[:, 0] == steps).all() and not found[:, 1:].any()
    assert np.isfinite(CausalSetFeatures().fit_transform(np.ones((2, 4)))).all()


def test_series_are_the_events_of_their_steps():
    series = np.random.default_rng(5).random((1, 20))
    order = Causet.from_events(np.arange(20.0), series[0], 0.1, "absolute")
    found = CausalSetFeatures(speed=0.1).fit_transform(series)[0]
    assert found == pytest.approx(list(causal_set_features(order).values()))


def test_several_speeds_in_one_union():
    rows = np.random.default_rng(6).normal(size=(4, 16))
    union = make_union(CausalSetFeatures(), CausalSetFeatures("ranks"))
    assert union.fit_transform(rows).shape == (4, 48)
    names = union.get_feature_names_out()
    assert len(set(names)) == 48 and names[1].endswith("ordering_fraction")


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: CausalSetFeatures("wrong").fit(np.eye(4)), "order"),
        (lambda: CausalSetFeatures(speed=0).fit(np.eye(4)), "speed"),
        (lambda: CausalSetFeatures(window=-1).fit(np.eye(4)), "window"),
        (lambda: CausalSetFeatures().fit([[np.nan, 1]]), "NaN"),
    ],
)
def test_bad_input_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()


# ------------------------------------------------------------------ dominance
def test_dominance_position_against_brute_force():
    rng = np.random.default_rng(7)
    common = rng.normal(size=(40, 1))
    train = common + 0.8 * rng.normal(size=(40, 3))
    train[:, 1] *= -1  # turned back by fit
    new = rng.normal(size=(5, 3))
    model = DominancePosition().fit(train)
    assert abs(model.signs_.sum()) == 1 and model.signs_[0] == -model.signs_[1]
    found = dict(
        zip(model.get_feature_names_out(), model.transform(new).T, strict=True)
    )
    rows, points = train * model.signs_, new * model.signs_
    heights = {}
    for k in np.argsort(rows[:, 0]):
        below = [heights[m] for m in heights if (rows[m] < rows[k]).all()]
        heights[k] = 1 + max(below, default=0)
    for k, point in enumerate(points):
        below = rows < point
        every = below.all(axis=1)
        assert found["below_all"][k] == pytest.approx(every.mean())
        assert found["above_all"][k] == pytest.approx((rows > point).all(1).mean())
        pairs = [
            below[:, [a, b]].all(axis=1).mean() for a, b in combinations(range(3), 2)
        ]
        assert found["below_pairs"][k] == pytest.approx(np.mean(pairs))
        chain = max((heights[m] for m in np.flatnonzero(every)), default=0)
        assert found["height"][k] == pytest.approx(chain / max(heights.values()))


def test_shuffled_dominance_keeps_every_column_and_loses_their_order():
    rng = np.random.default_rng(8)
    train = np.repeat(rng.normal(size=(60, 1)), 4, axis=1)  # one chain
    own = DominancePosition().fit(train)
    mixed = DominancePosition(shuffle=True, random_state=1).fit(train)
    assert (np.sort(mixed.rows_, axis=0) == np.sort(own.rows_, axis=0)).all()
    middle = np.median(train, axis=0)[None]
    assert own.transform(middle)[0, 0] == pytest.approx(0.5)
    assert mixed.transform(middle)[0, 0] < 0.2  # 1/16 is expected
