"""The wavelet circuit on a periodic signal, scale by scale, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike

from qglib.holography.circuit import D4_ANGLES, angle_table

Signal = TypeVar("Signal", np.ndarray, torch.Tensor)


def largest_scales(length: int) -> int:
    """Scales that a signal of `length` samples has: the largest s, 2^s <= length.

    Raises:
        ValueError: fewer than 2 samples.
    """
    if length < 2:
        raise ValueError(f"length is {length}: a signal needs at least 2 samples")
    return int(length).bit_length() - 1


def extend_periodically(signal: Signal, multiple: int) -> Signal:
    """Continue signals (..., n) from their own start to a multiple of a length.

    A circuit of s scales needs a length that 2^s divides.  A signal of another
    length goes on with its first samples, as if it were periodic, up to the next
    multiple; a signal that fits is returned as it is.

    Raises:
        ValueError: an empty signal, or a multiple that is not positive.
    """
    length = signal.shape[-1] if signal.ndim else 0
    if length < 1 or multiple < 1:
        raise ValueError(
            f"signal has length {length} and multiple is {multiple}: both must be "
            "at least 1"
        )
    total = -(-length // multiple) * multiple
    if total == length:
        return signal
    places = np.arange(total) % length
    if isinstance(signal, torch.Tensor):
        return signal[..., torch.as_tensor(places, device=signal.device)]
    return signal[..., places]


def coarse_grain(
    signal: Signal, cosines: Sequence, sines: Sequence
) -> tuple[Signal, Signal]:
    """One scale of the circuit: scaling and wavelet coefficients (..., n / 2).

    Args:
        signal: shape (..., n), n even, taken as periodic.
        cosines: of the k angles, numbers or tensors without dimensions.
        sines: of the k angles.

    The last layer acts on samples (2i, 2i + 1); each layer before it on pairs that
    begin one sample earlier than those of its successor.
    """
    depth = len(cosines)
    signal = _roll(signal, depth - 1)
    first, second = signal[..., 0::2], signal[..., 1::2]
    for layer in range(depth):
        if layer:
            first, second = second, _roll(first, -1)
        c, s = cosines[layer], sines[layer]
        first, second = c * first + s * second, c * second - s * first
    return first, second


def fine_grain(
    scaling: Signal, wavelet: Signal, cosines: Sequence, sines: Sequence
) -> Signal:
    """Undo `coarse_grain`: the layers backwards, each with its transpose."""
    depth = len(cosines)
    first, second = scaling, wavelet
    for layer in reversed(range(depth)):
        c, s = cosines[layer], sines[layer]
        first, second = c * first - s * second, c * second + s * first
        if layer:
            first, second = _roll(second, 1), first
    stack = torch.stack if isinstance(first, torch.Tensor) else np.stack
    pairs = stack([first, second], -1)
    return _roll(pairs.reshape(*pairs.shape[:-2], -1), 1 - depth)


def decompose(
    signal: ArrayLike | torch.Tensor,
    angles: ArrayLike = D4_ANGLES,
    scales: int | None = None,
) -> list[np.ndarray] | list[torch.Tensor]:
    """Coefficients of signals at every scale, an orthogonal transform.

    Args:
        signal: shape (..., n), real, taken as periodic; array or tensor.  The
            length must be a multiple of 2^scales: see `extend_periodically`.
        angles: radians, shape (k,) for all scales or (scales, k), finest first;
            gradients pass to the signal, not to them (see `MeraFrontEnd`).
        scales: number of scales; as many as 2 divides n if None.

    Returns:
        [a_S, d_S, ..., d_1] in the order of `pywt.wavedec`: scaling coefficients of
        the coarsest scale, then wavelet coefficients from coarse to fine; d_s has
        shape (..., n / 2^s).  These are the numbers, in order and sign, of
        `pywt.wavedec(signal, name, "periodization", scales)` for the angles of any
        of its orthogonal wavelets with even k ("db2" by default); for odd k
        ("haar", "db3") wavelet coefficients d_s have the opposite sign.

    Raises:
        ValueError: fewer than 2 samples, an odd length or one that 2^scales does
            not divide, NaN or infinity, complex numbers or text, bad angles.
    """
    signal = _checked(signal)
    length = signal.shape[-1]
    most = (length & -length).bit_length() - 1
    check_scales(length, most if scales is None else scales)
    scales = most if scales is None else scales
    coefficients = []
    for c, s in _trigonometry(angles, scales):
        signal, wavelet = coarse_grain(signal, c, s)
        coefficients.append(wavelet)
    return [signal, *coefficients[::-1]]


def reconstruct(
    coefficients: Sequence[Signal], angles: ArrayLike = D4_ANGLES
) -> Signal:
    """Signals (..., n) from the coefficients that `decompose` gives.

    Raises:
        ValueError: fewer than two parts, parts whose lengths do not double, or
            bad angles.
    """
    parts = [_checked(part, least=1) for part in coefficients]
    lengths = [part.shape[-1] for part in parts]
    wanted = [lengths[0] * 2**k for k in range(len(parts) - 1)] if parts else []
    if not wanted or lengths[1:] != wanted:
        raise ValueError(
            f"coefficients have lengths {lengths}: after the first part lengths start "
            "with its own and double, as decompose gives them"
        )
    signal = parts[0]
    table = _trigonometry(angles, len(parts) - 1)
    for wavelet, (c, s) in zip(parts[1:], table[::-1], strict=True):
        signal = fine_grain(signal, wavelet, c, s)
    return signal


def circuit_matrix(
    length: int, angles: ArrayLike = D4_ANGLES, scales: int | None = None
) -> np.ndarray:
    """The orthogonal matrix W of the whole circuit, shape (n, n).

    W x are the coefficients of x, one after the other as `decompose` lists them.

    Raises:
        ValueError: as `decompose`.
    """
    unit = np.eye(length)
    return np.concatenate(decompose(unit, angles, scales), axis=-1).T


def check_scales(length: int, scales: int) -> None:
    """Refuse scales that a length does not have.

    Raises:
        ValueError: fewer than one scale, or a length that 2^scales does not divide.
    """
    if length < 2:
        raise ValueError(f"signal has {length} samples: at least 2 are needed")
    if length % 2:
        raise ValueError(
            f"signal has odd length {length}: use extend_periodically(signal, 2**s) "
            "for s scales"
        )
    if isinstance(scales, bool) or not isinstance(scales, (int, np.integer)):
        raise ValueError(f"scales is {scales!r}: give a whole number")
    if scales < 1:
        raise ValueError(f"scales is {scales}: at least 1 is needed")
    if scales > largest_scales(length) or length % 2**scales:
        raise ValueError(
            f"scales is {scales} but 2^{scales} does not divide the length {length}: "
            f"choose at most {(length & -length).bit_length() - 1} scales or use "
            "extend_periodically(signal, 2**scales)"
        )


def _checked(
    signal: ArrayLike | torch.Tensor, least: int = 2
) -> np.ndarray | torch.Tensor:
    """A real, finite signal as it came (tensor) or as float array."""
    if isinstance(signal, torch.Tensor):
        if not signal.is_floating_point():
            raise ValueError(f"signal is of {signal.dtype}: give float32 or float64")
        finite = bool(torch.isfinite(signal).all())
    else:
        signal = np.asarray(signal)
        if signal.dtype.kind not in "buif":
            raise ValueError(f"signal is of dtype {signal.dtype}: give real numbers")
        if signal.dtype not in (np.float32, np.float64):
            signal = signal.astype(np.float64)
        finite = bool(np.isfinite(signal).all())
    if signal.ndim < 1 or signal.shape[-1] < least:
        raise ValueError(
            f"signal has shape {tuple(signal.shape)}: the last axis is time and needs "
            f"at least {least} samples"
        )
    if not finite:
        raise ValueError("signal holds NaN or infinity: fill or drop those samples")
    return signal


def _trigonometry(
    angles: ArrayLike, scales: int
) -> list[tuple[list[float], list[float]]]:
    """Cosines and sines of each scale; plain numbers keep a signal's precision."""
    if isinstance(angles, torch.Tensor):
        angles = angles.detach().cpu().numpy()
    table = angle_table(angles, scales)
    return [(np.cos(row).tolist(), np.sin(row).tolist()) for row in table]


def _roll(signal: Signal, shift: int) -> Signal:
    if shift == 0:
        return signal
    if isinstance(signal, torch.Tensor):
        return torch.roll(signal, shift, -1)
    return np.roll(signal, shift, -1)
