"""Ordinary descriptions of sounds and vibrations, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.fft import dct
from scipy.signal import butter, hilbert, sosfiltfilt
from scipy.stats import kurtosis

from qglib.data.audio import Sound, spectrogram

RATE = 4096  # samples per second of a vibration
_BANDS, _CEPSTRA, _SEGMENTS = 26, 13, 5


def log_mel(sound: Sound, bands: int = _BANDS, lowest: float = 80.0) -> np.ndarray:
    """Logarithmic energies in mel bands, shape (bands, frames).

    Windows of 32 ms every 16 ms; triangular bands from `lowest` to half the rate,
    equally spaced in mel = 2595 log10(1 + f / 700 Hz) (O'Shaughnessy 1987).
    """
    _, frequencies, magnitudes = spectrogram(sound, 0.032, 0.016)
    ends = 2595 * np.log10(1 + np.array([lowest, sound.rate / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(*ends, bands + 2) / 2595) - 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise = (frequencies - low) / (centre - low)
    fall = (high - frequencies) / (high - centre)
    weights = np.maximum(0, np.minimum(rise, fall))
    return np.log(weights @ magnitudes**2 + 1e-6)


def cepstra_by_segment(energies: np.ndarray, segments: int = _SEGMENTS) -> np.ndarray:
    """Mean of 13 cepstral coefficients in equal stretches of time, flattened.

    Args:
        energies: from `log_mel`, shape (bands, frames).
        segments: stretches; a stretch without a frame repeats the one before.
    """
    cepstra = dct(energies, axis=0, norm="ortho")[:_CEPSTRA]
    edges = np.linspace(0, cepstra.shape[1], segments + 1).astype(int)
    starts = np.minimum(edges[:-1], cepstra.shape[1] - 1)
    stops = np.maximum(edges[1:], starts + 1)
    parts = [cepstra[:, a:b].mean(axis=1) for a, b in zip(starts, stops, strict=True)]
    return np.concatenate(parts)


def sound_features(sounds: Sequence[Sound]) -> np.ndarray:
    """Cepstra in five stretches of time, and the length in seconds, (n, 66)."""
    rows = [cepstra_by_segment(log_mel(sound)) for sound in sounds]
    return np.column_stack([np.array(rows), [s.seconds for s in sounds]])


def vibration_features(waves: np.ndarray) -> np.ndarray:
    """Log spectra of the wave and of its envelope to 200 Hz, and kurtosis.

    Args:
        waves: shape (n, samples) at 4096 samples per second.

    Returns:
        Shape (n, 2 * 48 + 1): the envelope is that of the band from 600 to 1200 Hz.

    Raises:
        ValueError: another shape, or less than an eighth of a second.
    """
    waves = np.asarray(waves, dtype=float)
    if waves.ndim != 2 or waves.shape[1] < RATE // 8:
        raise ValueError(
            f"inputs have shape {waves.shape}: give (n, samples) with at least "
            f"{RATE // 8} samples"
        )
    band = butter(4, [600, 1200], "bandpass", fs=RATE, output="sos")
    envelope = np.abs(hilbert(sosfiltfilt(band, waves, axis=1), axis=1))
    spectra = [_low_spectrum(x) for x in (waves, envelope)]
    return np.column_stack([*spectra, kurtosis(waves, axis=1)])


def _low_spectrum(rows: np.ndarray) -> np.ndarray:
    window = np.hanning(rows.shape[1])
    centred = (rows - rows.mean(axis=1, keepdims=True)) * window
    found = np.abs(np.fft.rfft(centred, n=RATE, axis=1))
    return np.log(found[:, 8:200].reshape(len(rows), -1, 4).mean(axis=2) + 1e-6)
