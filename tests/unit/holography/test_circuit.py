"""Rotations, filters and the free-fermion meaning of the circuit."""

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from qglib.holography import (
    D4_ANGLES,
    circuit_angles,
    circuit_matrix,
    filters,
    vanishing_moments,
)

angle = st.floats(-3.2, 3.2)


def test_two_angles_are_daubechies_d4():
    h, g = filters(D4_ANGLES)
    r = np.sqrt(3)
    closed = np.array([1 + r, 3 + r, 3 - r, 1 - r]) / (4 * np.sqrt(2))
    assert h == pytest.approx(closed, abs=1e-12)
    # reversed order of PyWavelets' analysis filters, same signs
    assert h == pytest.approx(pywt.Wavelet("db2").dec_lo[::-1], abs=1e-12)
    assert g == pytest.approx(pywt.Wavelet("db2").dec_hi[::-1], abs=1e-12)
    places = np.arange(4)
    for power in (0, 1):
        assert ((-1.0) ** places * places**power * h).sum() == pytest.approx(
            0, abs=1e-12
        )
        assert (places**power * g).sum() == pytest.approx(0, abs=1e-12)
    assert abs((places**2 * g).sum()) > 0.1


def test_the_other_pair_of_angles_reverses_the_filter():
    h, _ = filters([-5 * np.pi / 6, -7 * np.pi / 12])
    assert h == pytest.approx(filters(D4_ANGLES)[0][::-1], abs=1e-12)


def test_one_angle_is_haar():
    h, g = filters([np.pi / 4])
    assert h == pytest.approx([0.5**0.5] * 2, abs=1e-15)
    assert g == pytest.approx([-(0.5**0.5), 0.5**0.5], abs=1e-15)
    assert circuit_angles(pywt.Wavelet("haar").rec_lo) == pytest.approx([np.pi / 4])


@pytest.mark.parametrize("k", range(1, 21))
def test_every_daubechies_filter_is_a_circuit(k):
    wavelet = pywt.Wavelet(f"db{k}")
    angles = circuit_angles(wavelet.rec_lo)
    h, g = filters(angles)
    assert angles.shape == (k,)
    assert h == pytest.approx(wavelet.rec_lo, abs=1e-10)
    # for odd k the wavelet of PyWavelets has the other sign
    assert g == pytest.approx((-1) ** k * np.array(wavelet.dec_hi[::-1]), abs=1e-10)
    assert vanishing_moments(g) == k


@pytest.mark.parametrize("name", ["sym4", "sym8", "coif1", "coif3"])
def test_other_orthogonal_wavelets_are_circuits_too(name):
    taps = pywt.Wavelet(name).rec_lo
    assert filters(circuit_angles(taps))[0] == pytest.approx(taps, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(angle, min_size=1, max_size=6))
def test_any_angles_give_an_orthogonal_filter(angles):
    h, g = filters(angles)
    taps = 2 * len(angles)
    assert h.shape == g.shape == (taps,)
    for shift in range(0, taps, 2):
        same = float(shift == 0)
        assert h[: taps - shift] @ h[shift:] == pytest.approx(same, abs=1e-12)
        assert g[: taps - shift] @ g[shift:] == pytest.approx(same, abs=1e-12)
        assert g[: taps - shift] @ h[shift:] == pytest.approx(0, abs=1e-12)
        assert h[: taps - shift] @ g[shift:] == pytest.approx(0, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.2, 1.3), min_size=1, max_size=6))
def test_angles_come_back_from_the_filter(angles):
    h, g = filters(angles)
    again = filters(circuit_angles(h))
    assert again[0] == pytest.approx(h, abs=1e-9)
    # the scaling filter says the wavelet up to a sign
    sign = np.sign(again[1] @ g)
    assert again[1] * sign == pytest.approx(g, abs=1e-9)


def test_filters_of_a_tensor_carry_gradients():
    angles = torch.tensor([0.3, -0.5, 1.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(filters, (angles,))
    assert filters(angles)[0].detach().numpy() == pytest.approx(
        filters([0.3, -0.5, 1.1])[0]
    )


def test_filters_by_brute_force_from_the_bricks():
    """h = [0, cos t2, sin t2, 0] (R(t1) + R(t1)), the form of the source."""
    first, second = 0.7, -0.4

    def rotation(t):
        return np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])

    blocks = np.kron(np.eye(2), rotation(first))
    top = np.array([0, np.cos(second), np.sin(second), 0])
    low = np.array([0, -np.sin(second), np.cos(second), 0])
    h, g = filters([first, second])
    assert h == pytest.approx(top @ blocks, abs=1e-15)
    assert g == pytest.approx(low @ blocks, abs=1e-15)


def fermions(modes):
    """Annihilation operators of Jordan and Wigner, each 2^modes square."""
    lower, string = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0])
    operators = []
    for mode in range(modes):
        factors = [string] * mode + [lower] + [np.eye(2)] * (modes - mode - 1)
        full = np.eye(1)
        for factor in factors:
            full = np.kron(full, factor)
        operators.append(full)
    return operators


def test_as_fermion_gates_the_circuit_is_a_gaussian_mera():
    """Many-body gates on 6 modes turn creation operators as the matrix says.

    U c_i^dag U^dag = sum_j W_ji c_j^dag with U made of one gate
    exp(t (c_a^dag c_b - c_b^dag c_a)) per rotation, also across the border.
    """
    modes, angles = 6, (0.37, -1.1)
    c = fermions(modes)
    unitary = np.eye(2**modes)
    for start, t in zip((-1, 0), angles, strict=True):
        for left in range(start, modes + start, 2):
            a, b = c[left % modes], c[(left + 1) % modes]
            unitary = expm(t * (a.T @ b - b.T @ a)) @ unitary
    # order of the modes after one scale: (scaling, wavelet) pairs interleaved
    coefficients = circuit_matrix(modes, angles, 1)
    weights = np.empty_like(coefficients)
    weights[0::2], weights[1::2] = (
        coefficients[: modes // 2],
        coefficients[modes // 2 :],
    )
    for i in range(modes):
        moved = unitary @ c[i].T @ unitary.T
        wanted = sum(weights[j, i] * c[j].T for j in range(modes))
        assert np.abs(moved - wanted).max() < 1e-12


@pytest.mark.parametrize(
    ("taps", "message"),
    [
        ([1.0, 0, 0], "even number"),
        ([], "even number"),
        ([0.5, 0.5], "orthogonality"),
        (pywt.Wavelet("bior2.2").rec_lo, "orthogonal"),
        ([np.nan, 1.0], "orthogonality"),
    ],
)
def test_filters_that_are_no_circuits(taps, message):
    with pytest.raises(ValueError, match=message):
        circuit_angles(taps)


@pytest.mark.parametrize("angles", [[], [[0.1, 0.2]], [np.inf], 0.3])
def test_bad_angles(angles):
    with pytest.raises(ValueError, match="angles"):
        filters(angles)
    with pytest.raises(ValueError, match="angles"):
        filters(torch.empty(0))


def test_bad_wavelet_filter():
    with pytest.raises(ValueError, match="wavelet_filter"):
        vanishing_moments([1.0])
    assert vanishing_moments([1.0, 1.0]) == 0
