"""A layer of a neural network: the wavelet circuit with angles that learn."""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike
from torch import nn

from qglib.holography.circuit import D4_ANGLES, angle_table, filters
from qglib.holography.transform import check_scales, coarse_grain


class MeraFrontEnd(nn.Module):
    """Wavelet coefficients of signals with learnable angles.

    The angles are free numbers, so a step of any optimiser leads to another
    orthogonal transform: energy is kept and the signal can be rebuilt at every
    step of training, without a penalty or a projection.

    Args:
        scales: number of scales S.
        angles: start, radians, shape (k,) or (S, k); Daubechies D4 if not given.
        shared: one row of k angles for all scales instead of S rows.
        generator: if given, angles start uniform in (-pi, pi) from this generator;
            `angles` then only says how many there are.
        dtype: precision of the angles.
        device: where the angles lie.

    Attributes:
        angles: the parameter, shape (S, k) or (1, k) if shared, finest scale first.

    Raises:
        ValueError: no scale, or angles of a wrong shape.
    """

    def __init__(
        self,
        scales: int,
        angles: ArrayLike = D4_ANGLES,
        *,
        shared: bool = False,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        """Set the angles; see the class."""
        super().__init__()
        if isinstance(scales, bool) or not isinstance(scales, int) or scales < 1:
            raise ValueError(f"scales is {scales!r}: give a whole number, at least 1")
        self.scales = scales
        start = torch.tensor(angle_table(angles, 1 if shared else scales))
        if generator is not None:
            turns = torch.rand(start.shape, generator=generator, dtype=torch.float64)
            start = torch.pi * (2 * turns - 1)
        self.angles = nn.Parameter(start.to(dtype=dtype, device=device))

    def forward(self, signal: torch.Tensor) -> list[torch.Tensor]:
        """Coefficients [a_S, d_S, ..., d_1] of signals (B, T), as `decompose`.

        Raises:
            ValueError: another dimension, a precision or device other than that of
                the angles, or a length that 2^S does not divide.
        """
        if signal.ndim != 2:
            raise ValueError(
                f"signal has shape {tuple(signal.shape)}: give (batch, time)"
            )
        if signal.dtype != self.angles.dtype or signal.device != self.angles.device:
            raise ValueError(
                f"signal is {signal.dtype} on {signal.device}, the angles are "
                f"{self.angles.dtype} on {self.angles.device}: use .to() on one of them"
            )
        check_scales(signal.shape[-1], self.scales)
        table = self.angles.expand(self.scales, -1)
        coefficients = []
        for c, s in zip(table.cos(), table.sin(), strict=True):
            signal, wavelet = coarse_grain(signal, c.unbind(), s.unbind())
            coefficients.append(wavelet)
        return [signal, *coefficients[::-1]]

    def filters(self, scale: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """Scaling and wavelet filter of one scale (1 is the finest), each (2k,).

        Raises:
            ValueError: a scale outside 1..S.
        """
        if not 1 <= scale <= self.scales:
            raise ValueError(f"scale is {scale}: choose 1 to {self.scales}")
        return filters(self.angles.expand(self.scales, -1)[scale - 1])

    def extra_repr(self) -> str:
        """Scales and shape of the angles, for print."""
        return f"scales={self.scales}, angles={tuple(self.angles.shape)}"


def log_energies(
    coefficients: list[torch.Tensor], segments: int = 1, floor: float = 1e-8
) -> torch.Tensor:
    """Logarithm of the mean energy per scale and time segment, (B, (S + 1) segments).

    Args:
        coefficients: parts of shape (B, n_j), as `MeraFrontEnd` gives them.
        segments: equal parts of the time axis; each part must hold as many
            coefficients as the others at every scale.
        floor: added to the energy, so that silence stays finite.

    Raises:
        ValueError: segments that do not divide a scale's number of coefficients.
    """
    columns = []
    for part in coefficients:
        count = part.shape[-1]
        if segments < 1 or count % segments:
            raise ValueError(
                f"segments is {segments} but a scale has {count} coefficients: choose "
                "a divisor, or fewer scales"
            )
        energy = part.unflatten(-1, (segments, -1)).square().mean(-1)
        columns.append(torch.log(energy + floor))
    return torch.cat(columns, dim=-1)
