"""What the wavelets and scaling functions of a circuit look like."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qglib.holography.circuit import angle_table
from qglib.holography.transform import reconstruct


def band_waveforms(angles: ArrayLike, scales: int, length: int = 0) -> np.ndarray:
    """Waveform of one coefficient of each band, shape (scales + 1, length).

    Row 0 is the scaling function of the coarsest scale, then wavelets from coarse to
    fine: the signals whose only coefficient is a one in the middle of that band.

    Args:
        angles: radians, shape (k,) or (scales, k), finest first.
        scales: number of scales.
        length: samples; long enough for the longest filter if 0.

    Raises:
        ValueError: as `decompose`.
    """
    table = angle_table(angles, scales)
    length = length or 2**scales * 2 ** int(np.ceil(np.log2(2 * table.shape[1] + 2)))
    counts = [length >> scales, *(length >> s for s in range(scales, 0, -1))]
    rows = []
    for band, count in enumerate(counts):
        parts = [np.zeros(c) for c in counts]
        parts[band][count // 2] = 1.0
        rows.append(reconstruct(parts, table))
    return np.array(rows)
