"""The rotations of a wavelet circuit, its filters, and its angles from filters.

A circuit of depth k has k angles.  Layer m rotates neighbouring pairs of samples,

    (a, b) -> (a cos t + b sin t, -a sin t + b cos t),

and each layer is moved by one sample against the layer before, like bricks.  Of
each pair that leaves the last layer the first number is a scaling coefficient and
the second a wavelet coefficient.  The filters of that circuit are orthogonal and
have 2k taps: this is the lattice of Vaidyanathan and Hoang (IEEE Trans. ASSP 36
(1988) 81), read by Evenbly and White (PRL 116 (2016) 140403; PRA 97 (2018) 052314)
as one scale of a binary MERA: the last layer holds the isometries, which keep one
of two modes, and the layers before it are disentanglers.

What the circuit acts on are amplitudes of single particles.  The same rotations as
gates exp(t (c_a^dag c_b - c_b^dag c_a)) on fermion modes make a MERA of a
free-fermion state; numbers of a signal need the single-particle circuit only, which
is an ordinary orthogonal transform of cost O(k n) on any computer.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike

D4_ANGLES = (-math.pi / 6, math.pi / 12)
"""Angles (disentangler, isometry) of the Daubechies wavelet with four taps."""


def angle_table(angles: ArrayLike, scales: int) -> np.ndarray:
    """Angles of each scale, shape (scales, k), from shared or separate ones.

    Args:
        angles: radians, shape (k,) for all scales or (scales, k), finest first.
        scales: number of scales.

    Raises:
        ValueError: another shape, no angle, or an angle that is not finite.
    """
    values = np.asarray(angles, dtype=float)
    if values.ndim not in (1, 2) or values.shape[-1] < 1:
        raise ValueError(
            f"angles has shape {values.shape}: give (k,) for all scales or (scales, k)"
        )
    if values.ndim == 2 and len(values) != scales:
        raise ValueError(
            f"angles has {len(values)} rows for {scales} scales: give one row for each"
        )
    if not np.isfinite(values).all():
        raise ValueError("angles holds NaN or infinity: give finite radians")
    return np.broadcast_to(values, (scales, values.shape[-1]))


def filters(
    angles: ArrayLike | torch.Tensor,
) -> tuple[np.ndarray, np.ndarray] | tuple[torch.Tensor, torch.Tensor]:
    """Scaling and wavelet filter of a circuit, each of shape (2k,).

    Args:
        angles: radians in the order in which a signal meets the layers, shape (k,);
            a tensor gives tensors, through which gradients pass.

    Returns:
        (h, g), to be correlated with the signal: coefficient i is
        sum_j h_j x_{2i-k+1+j}.  For `D4_ANGLES` h is
        (1+r, 3+r, 3-r, 1-r) / (4 sqrt 2) with r = sqrt 3.

    Raises:
        ValueError: angles that are not one finite vector.
    """
    if not isinstance(angles, torch.Tensor):
        values = angle_table(angles, 1)
        if np.ndim(angles) != 1:
            raise ValueError(f"angles has shape {np.shape(angles)}: give (k,)")
        h, g = filters(torch.tensor(values[0], dtype=torch.float64))
        return h.numpy(), g.numpy()
    if angles.ndim != 1 or len(angles) == 0:
        raise ValueError(f"angles has shape {tuple(angles.shape)}: give (k,), k >= 1")
    cosines, sines = angles.cos(), angles.sin()
    rows = torch.stack(
        [
            torch.stack([cosines[-1], sines[-1]]),
            torch.stack([-sines[-1], cosines[-1]]),
        ]
    )
    for c, s in zip(cosines[:-1].flip(0), sines[:-1].flip(0), strict=True):
        pairs = torch.nn.functional.pad(rows, (1, 1)).unflatten(-1, (-1, 2))
        first, second = pairs[..., 0], pairs[..., 1]
        rows = torch.stack([c * first - s * second, s * first + c * second], -1)
        rows = rows.flatten(-2)
    return rows[0], rows[1]


def circuit_angles(scaling_filter: ArrayLike) -> np.ndarray:
    """Angles of the circuit that has a given orthogonal scaling filter.

    Args:
        scaling_filter: h_j of shape (2k,), in the order of `filters`, for example
            `pywt.Wavelet("db3").rec_lo`.

    Returns:
        Angles of shape (k,), so that `filters` gives the filter back.

    Raises:
        ValueError: an odd or empty filter, or one that is not orthogonal to its
            even shifts with norm 1 (tolerance 1e-9), such as a biorthogonal one.

    The first rotation is the one that clears the outer tap on both sides, which
    orthogonality makes the same; what is left is a filter with two taps fewer.
    """
    taps = np.array(scaling_filter, dtype=float)
    if taps.ndim != 1 or len(taps) < 2 or len(taps) % 2:
        raise ValueError(
            f"scaling_filter has shape {taps.shape}: give an even number of taps"
        )
    overlaps = np.correlate(taps, taps, "full")[len(taps) - 1 :: 2]
    overlaps[0] -= 1.0
    if not np.abs(overlaps).max() <= 1e-9:
        raise ValueError(
            f"scaling_filter misses orthogonality by {np.abs(overlaps).max():.2g}: "
            "only orthogonal wavelets with norm 1 are circuits of rotations"
        )
    angles = []
    while len(taps) > 2:
        # The pair with the larger weight says the angle more precisely.
        left, right = taps[:2], taps[-2:]
        if np.hypot(*left) >= np.hypot(*right):
            angle = math.atan2(-left[0], left[1])
        else:
            angle = math.atan2(right[1], right[0])
        # Half turns only change signs: keep disentanglers near the identity.
        angle = (angle + math.pi / 2) % math.pi - math.pi / 2
        c, s = math.cos(angle), math.sin(angle)
        first, second = taps[0::2], taps[1::2]
        taps = np.stack([c * first + s * second, c * second - s * first], 1).ravel()
        taps = taps[1:-1]
        angles.append(angle)
    return np.array([*angles, math.atan2(taps[1], taps[0])])


def vanishing_moments(wavelet_filter: ArrayLike, tolerance: float = 1e-8) -> int:
    """How many moments sum_j j^p g_j, p = 0, 1, ..., vanish.

    Args:
        wavelet_filter: shape (taps,).
        tolerance: largest moment that counts as zero, relative to
            sum_j |j^p g_j| with positions counted from the middle.

    Raises:
        ValueError: a filter that is not one finite vector of at least two taps.
    """
    taps = np.asarray(wavelet_filter, dtype=float)
    if taps.ndim != 1 or len(taps) < 2 or not np.isfinite(taps).all():
        raise ValueError(
            f"wavelet_filter has shape {taps.shape}: give one finite vector of taps"
        )
    places = np.arange(len(taps)) - (len(taps) - 1) / 2
    for power in range(len(taps)):
        terms = places**power * taps
        if abs(terms.sum()) > tolerance * np.abs(terms).sum():
            return power
    return len(taps)
