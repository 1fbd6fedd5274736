"""The circuit on signals: against PyWavelets, and there and back."""

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.holography import (
    D4_ANGLES,
    band_waveforms,
    circuit_angles,
    circuit_matrix,
    decompose,
    extend_periodically,
    filters,
    largest_scales,
    reconstruct,
)


@pytest.mark.filterwarnings("ignore:Level value")
@pytest.mark.parametrize("power", range(1, 13))
def test_equal_to_pywavelets_at_every_scale(power):
    signal = np.random.default_rng(power).normal(size=2**power)
    for scales in range(1, power + 1):
        wanted = pywt.wavedec(signal, "db2", "periodization", scales)
        for found, part in zip(decompose(signal, scales=scales), wanted, strict=True):
            assert np.abs(found - part).max() < 1e-12


@pytest.mark.filterwarnings("ignore:Level value")
@pytest.mark.parametrize("name", ["haar", "db3", "db4", "db7", "sym6", "coif2"])
def test_equal_to_pywavelets_for_other_wavelets(name):
    signals = np.random.default_rng(1).normal(size=(2, 3, 96))
    angles = circuit_angles(pywt.Wavelet(name).rec_lo)
    sign = (-1) ** len(angles)
    wanted = pywt.wavedec(signals, name, "periodization", 3)
    found = decompose(signals, angles, 3)
    assert found[0] == pytest.approx(wanted[0], abs=1e-9)
    for part, other in zip(found[1:], wanted[1:], strict=True):
        assert part == pytest.approx(sign * other, abs=1e-9)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    depth=st.integers(1, 5),
    scales=st.integers(1, 5),
    factor=st.integers(1, 5),
    shared=st.booleans(),
)
def test_there_and_back_with_the_same_energy(kind, seed, depth, scales, factor, shared):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(3, factor * 2**scales))
    angles = rng.uniform(-4, 4, depth if shared else (scales, depth))
    if kind == "torch":
        signal = torch.from_numpy(signal)
    parts = decompose(signal, angles, scales)
    lengths = [part.shape[-1] for part in parts]
    assert lengths == [factor, *(factor * 2**k for k in range(scales))]
    energy = sum(float((part**2).sum()) for part in parts)
    assert energy == pytest.approx(float((signal**2).sum()), rel=1e-12)
    back = reconstruct(parts, angles)
    assert type(back) is type(signal)
    assert float(abs(back - signal).max()) < 1e-12


def test_the_matrix_is_orthogonal_and_holds_the_filters():
    matrix = circuit_matrix(32, D4_ANGLES, 3)
    assert np.abs(matrix @ matrix.T - np.eye(32)).max() < 1e-12
    _, g = filters(D4_ANGLES)
    row = matrix[16 + 3]  # the fourth wavelet coefficient of the finest scale
    assert row[5:9] == pytest.approx(g, abs=1e-15)  # samples 2i-1 ... 2i+2, i = 3
    assert np.count_nonzero(np.abs(row) > 1e-15) == 4


def test_a_line_has_no_wavelet_coefficients_inside():
    line = 3.0 + 0.5 * np.arange(64)
    parts = decompose(line, scales=3)
    for part in parts[1:]:
        assert np.abs(part[2:-2]).max() < 1e-12


def test_waveforms_are_those_of_pywavelets():
    wave = band_waveforms(D4_ANGLES, 6)
    assert (wave**2).sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    parts = [np.zeros_like(p) for p in decompose(wave[0], scales=6)]
    parts[1][len(parts[1]) // 2] = 1.0
    wanted = pywt.waverec(parts, "db2", "periodization")
    assert wave[1] == pytest.approx(wanted, abs=1e-12)


def test_single_precision_stays():
    signal = np.random.default_rng(0).normal(size=64).astype(np.float32)
    for given_signal in (signal, torch.from_numpy(signal)):
        parts = decompose(given_signal)
        assert all(part.dtype == given_signal.dtype for part in parts)
        back = reconstruct(parts)
        assert float(abs(back - given_signal).max()) < 1e-5
    assert decompose(np.arange(8))[0].dtype == np.float64


def test_gradients_pass_to_the_signal():
    signal = torch.randn(
        16, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    ).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: decompose(x, scales=2), (signal,))


def test_extension_repeats_the_beginning():
    signal = np.array([[1.0, 2, 3]])
    assert extend_periodically(signal, 8).tolist() == [[1, 2, 3, 1, 2, 3, 1, 2]]
    assert extend_periodically(signal, 3) is signal
    long = extend_periodically(torch.tensor([1.0, 2, 3]), 4)
    assert long.tolist() == [1, 2, 3, 1]
    with pytest.raises(ValueError, match="multiple is 0"):
        extend_periodically(signal, 0)
    with pytest.raises(ValueError, match="length 0"):
        extend_periodically(np.zeros(0), 2)


def test_number_of_scales():
    assert [largest_scales(n) for n in (2, 3, 4, 7, 8, 1000)] == [1, 1, 2, 2, 3, 9]
    assert len(decompose(np.ones(24))) == 4  # 24 = 3 * 2^3
    with pytest.raises(ValueError, match="length is 1"):
        largest_scales(1)


@pytest.mark.parametrize(
    ("signal", "scales", "message"),
    [
        (np.ones(1), None, "at least 2"),
        (np.array(3.0), None, "last axis is time"),
        (np.ones(7), None, "odd length 7"),
        (np.ones(7), 1, "extend_periodically"),
        (np.ones(12), 3, "2\\^3 does not divide the length 12"),
        (np.ones(8), 4, "at most 3"),
        (np.ones(8), 0, "scales is 0"),
        (np.ones(8), 1.5, "whole number"),
        (np.ones(8), True, "whole number"),
        (np.array([1, np.nan]), 1, "NaN"),
        (np.array([1, np.inf]), 1, "infinity"),
        (np.ones(4) * 1j, 1, "real numbers"),
        (np.array(["a", "b"]), 1, "real numbers"),
        (torch.ones(4, dtype=torch.int64), 1, "float32"),
        (torch.tensor([1.0, float("nan")]), 1, "NaN"),
    ],
)
def test_bad_signals(signal, scales, message):
    with pytest.raises(ValueError, match=message):
        decompose(signal, scales=scales)


def test_bad_angles_and_coefficients():
    with pytest.raises(ValueError, match="3 rows for 2 scales"):
        decompose(np.ones(8), np.zeros((3, 2)), 2)
    with pytest.raises(ValueError, match="lengths"):
        reconstruct([np.ones(2), np.ones(4)])
    with pytest.raises(ValueError, match="lengths"):
        reconstruct([])
