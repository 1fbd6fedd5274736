"""Wavelet features for scikit-learn."""

import numpy as np
import pytest
import pywt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from qglib.holography import MeraFeatures


@parametrize_with_checks(
    [
        MeraFeatures(),
        MeraFeatures(segments=3, statistics=("energy", "kurtosis", "position")),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_energies_are_those_of_pywavelets():
    signals = np.random.default_rng(3).normal(size=(4, 64))
    found = MeraFeatures(scales=3).fit_transform(signals)
    parts = pywt.wavedec(signals, "db2", "periodization", 3)
    wanted = np.stack([np.log((p**2).mean(axis=1)) for p in parts], axis=1)
    assert found == pytest.approx(wanted, abs=1e-12)


def test_haar_by_hand():
    features = MeraFeatures(
        scales=1,
        angles=[np.pi / 4],
        segments=2,
        statistics=("energy", "kurtosis", "position"),
    )
    values = features.fit_transform([[1.0, 1.0, 3.0, 1.0, 0, 0, 0, 0]])
    row = dict(zip(features.get_feature_names_out(), values[0], strict=True))
    # scaling coefficients (2, 4, 0, 0) / sqrt 2, wavelet (0, -2, 0, 0) / sqrt 2
    assert row["a1_part1_energy"] == pytest.approx(np.log(5))
    assert row["a1_part1_kurtosis"] == pytest.approx((4 + 64) / 2 / 25)
    assert row["a1_part1_position"] == pytest.approx((2 * 0.25 + 8 * 0.75) / 10)
    assert row["d1_part1_energy"] == pytest.approx(0.0)
    assert row["d1_part1_position"] == pytest.approx(0.75)
    assert row["d1_part2_energy"] == pytest.approx(np.log(1e-12))
    assert row["d1_part2_kurtosis"] == 1 and row["d1_part2_position"] == 0.5


@pytest.mark.parametrize("length", [2, 3, 5, 17, 100])
def test_any_length_and_readable_names(length):
    signals = np.random.default_rng(length).normal(size=(5, length))
    features = MeraFeatures(segments=4).fit(signals)
    values, names = features.transform(signals), features.get_feature_names_out()
    assert values.shape == (5, len(names)) and np.isfinite(values).all()
    assert len(set(names)) == len(names)
    assert features.scales_ == int(np.log2(length))
    assert names[0].startswith(f"a{features.scales_}_part1")


def test_a_short_signal_goes_on_from_its_start():
    signal = np.random.default_rng(0).normal(size=(1, 6))
    longer = np.concatenate([signal, signal[:, :2]], axis=1)
    short, full = (MeraFeatures(scales=2).fit_transform(s) for s in (signal, longer))
    assert short == pytest.approx(full)


def test_single_precision_stays_and_agrees():
    signals = np.random.default_rng(1).normal(size=(3, 128))
    double = MeraFeatures().fit_transform(signals)
    single = MeraFeatures().fit_transform(signals.astype(np.float32))
    assert single.dtype == np.float32 and double.dtype == np.float64
    assert single == pytest.approx(double, abs=1e-3)


def test_features_tell_tones_from_clicks():
    rng = np.random.default_rng(5)
    time = np.arange(256)
    tones = [np.sin(0.1 * time + rng.uniform(0, 6)) for _ in range(30)]
    clicks = [np.roll(np.eye(256)[0] * 8, rng.integers(256)) for _ in range(30)]
    signals = np.array(tones + clicks) + 0.1 * rng.normal(size=(60, 256))
    labels = np.repeat([0, 1], 30)
    model = make_pipeline(
        MeraFeatures(statistics=("energy", "kurtosis")), LogisticRegression()
    )
    half = rng.permutation(60)
    model.fit(signals[half[:30]], labels[half[:30]])
    assert model.score(signals[half[30:]], labels[half[30:]]) == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scales": 0}, "scales is 0"),
        ({"scales": 6}, "1 to 5"),
        ({"segments": 0}, "segments is 0"),
        ({"statistics": ()}, "statistics"),
        ({"statistics": ("loudness",)}, "loudness"),
        ({"floor": 0.0}, "floor is 0"),
        ({"angles": [np.nan, 0]}, "NaN"),
        ({"scales": 2, "angles": np.zeros((3, 2))}, "3 rows for 2 scales"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        MeraFeatures(**options).fit(np.ones((4, 32)))


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (np.ones((3, 1)), "1 feature"),
        (np.ones(8), "1D array"),
        (np.array([[0.0, np.nan, 1, 2]]), "NaN"),
        (np.array([["a", "b"]]), "convert"),
        (np.ones((2, 4)) * 1j, "Complex"),
    ],
)
def test_bad_signals(signals, message):
    with pytest.raises(ValueError, match=message):
        MeraFeatures().fit(signals)


def test_energies_follow_the_scaling_of_a_random_walk():
    """Energy per coefficient of a random walk grows by 4 per octave."""
    walks = np.cumsum(np.random.default_rng(8).normal(size=(200, 4096)), axis=1)
    # Made periodic, so that the jump at the end does not count.
    bridges = walks - walks[:, -1:] * np.arange(1, 4097) / 4096
    features = MeraFeatures(scales=7)
    energies = np.exp(features.fit_transform(bridges)).mean(axis=0)
    energy = dict(zip(features.get_feature_names_out(), energies, strict=True))
    for s in (3, 4, 5):
        growth = np.log2(energy[f"d{s + 1}_energy"] / energy[f"d{s}_energy"])
        assert growth == pytest.approx(2.0, abs=0.08)
