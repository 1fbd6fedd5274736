"""Wavelet energies as features of signals, for scikit-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from qglib.holography.circuit import D4_ANGLES, angle_table
from qglib.holography.transform import decompose, extend_periodically, largest_scales

STATISTICS = ("energy", "kurtosis", "position")


class MeraFeatures(TransformerMixin, BaseEstimator):
    """What a signal holds at each scale of the wavelet circuit.

    Rows are signals, columns are time steps at equal distance, at least 2.  A row is
    continued from its own start to a multiple of 2^scales samples
    (`extend_periodically`) and taken as periodic.

    Args:
        scales: number of scales; None for as many as the length has
            (`largest_scales`).
        angles: radians, shape (k,) or (scales, k), finest first; None for D4.
        segments: parts of the time axis that are described apart.  A scale with
            fewer coefficients than segments is described as a whole for each of
            its coefficients.
        statistics: any of "energy" (natural logarithm of the mean square),
            "kurtosis" (fourth power over squared square, both as means: 3 for
            Gaussian noise, 1 for a constant size, large for a click) and
            "position" (centre of the energy, 0 for the begin of the segment and 1
            for its end).
        floor: energies below it count as silence: the logarithm stops there, the
            kurtosis is 1 and the position 0.5.

    Attributes:
        scales_: scales in use.
        n_features_in_: time steps seen in `fit`.

    Names are, for example, "d3_energy" or with segments "d3_part2_energy": d1 is
    the finest scale, "a5" the scaling part that is left after five scales.
    """

    def __init__(
        self,
        scales: int | None = None,
        angles: ArrayLike | None = None,
        segments: int = 1,
        statistics: tuple[str, ...] = ("energy",),
        floor: float = 1e-12,
    ) -> None:
        """Keep the arguments; `fit` checks them."""
        self.scales = scales
        self.angles = angles
        self.segments = segments
        self.statistics = statistics
        self.floor = floor

    def fit(self, X: ArrayLike, y: object = None) -> MeraFeatures:
        """Check the arguments against signals of shape (n_samples, n_timesteps).

        Raises:
            ValueError: fewer than 2 time steps, NaN, or an argument out of range.
        """
        X = validate_data(
            self, X, dtype=[np.float64, np.float32], ensure_min_features=2
        )
        most = largest_scales(X.shape[1])
        scales = most if self.scales is None else self.scales
        if not isinstance(scales, (int, np.integer)) or not 1 <= scales <= most:
            raise ValueError(
                f"scales is {scales!r}: {X.shape[1]} time steps have 1 to {most}"
            )
        if not isinstance(self.segments, (int, np.integer)) or self.segments < 1:
            raise ValueError(f"segments is {self.segments!r}: give at least 1")
        unknown = set(self.statistics) - set(STATISTICS)
        if unknown or not self.statistics:
            raise ValueError(
                f"statistics is {self.statistics!r}: choose some of {STATISTICS}"
            )
        if not self.floor > 0:
            raise ValueError(f"floor is {self.floor!r}: give a positive energy")
        angles = D4_ANGLES if self.angles is None else self.angles
        self._angles = angle_table(angles, scales)
        self.scales_ = int(scales)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Features of signals (n_samples, n_timesteps), in the same precision.

        Raises:
            ValueError: NaN, or another number of time steps than in `fit`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        signal = extend_periodically(X, 2**self.scales_)
        columns = []
        for part in decompose(signal, self._angles, self.scales_):
            for piece in np.array_split(part, self._pieces(part.shape[1]), axis=1):
                columns.extend(self._describe(piece))
        return np.stack(columns, axis=1).astype(X.dtype, copy=False)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the columns of `transform`; names of time steps are not used."""
        check_is_fitted(self)
        length = -(-self.n_features_in_ // 2**self.scales_) * 2**self.scales_
        names = []
        for letter, scale in [
            ("a", self.scales_),
            *(("d", s) for s in range(self.scales_, 0, -1)),
        ]:
            pieces = self._pieces(length >> scale)
            for piece in range(1, pieces + 1):
                where = f"_part{piece}" if self.segments > 1 else ""
                names += [f"{letter}{scale}{where}_{s}" for s in self.statistics]
        return np.array(names, dtype=object)

    def __sklearn_tags__(self):
        """Say that float32 stays float32."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _pieces(self, count: int) -> int:
        return min(int(self.segments), count)

    def _describe(self, piece: np.ndarray) -> list[np.ndarray]:
        square = np.square(piece, dtype=np.float64)
        energy = square.mean(axis=1)
        silent = energy <= self.floor
        safe = np.where(silent, 1.0, energy)
        found = []
        for statistic in self.statistics:
            if statistic == "energy":
                found.append(np.log(np.maximum(energy, self.floor)))
            elif statistic == "kurtosis":
                fourth = np.square(square / safe[:, None]).mean(axis=1)
                found.append(np.where(silent, 1.0, fourth))
            else:
                count = piece.shape[1]
                places = (np.arange(count) + 0.5) / count
                centre = square @ places / (count * safe)
                found.append(np.where(silent, 0.5, centre))
        return found
