"""Ordinary descriptions of sounds, as numbers."""

from collections.abc import Sequence

import numpy as np
from scipy.fft import dct

from qglib.data.audio import LOWEST, Sound, spectrogram


def log_mel(sound: Sound) -> np.ndarray:
    """Logarithmic energies in 26 mel bands, shape (26, frames).

    Windows of 32 ms every 16 ms; triangular bands from 80 Hz to half the rate,
    equally spaced in mel = 2595 log10(1 + f / 700 Hz) (O'Shaughnessy 1987).
    """
    _, frequencies, magnitudes = spectrogram(sound, 0.032, 0.016)
    ends = 2595 * np.log10(1 + np.array([LOWEST, sound.rate / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(ends[0], ends[1], 28) / 2595) - 1)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rise = (frequencies - low) / (centre - low)
    fall = (high - frequencies) / (high - centre)
    weights = np.maximum(0, np.minimum(rise, fall))
    return np.log(weights @ magnitudes**2 + 1e-6)


def cepstra_by_segment(energies: np.ndarray) -> np.ndarray:
    """Mean of 13 cepstral coefficients in five equal stretches of time, (65,).

    From energies of `log_mel`; a stretch without a frame repeats the one before.
    """
    cepstra = dct(energies, axis=0, norm="ortho")[:13]
    edges = np.linspace(0, cepstra.shape[1], 6).astype(int)
    starts = np.minimum(edges[:-1], cepstra.shape[1] - 1)
    stops = np.maximum(edges[1:], starts + 1)
    parts = [cepstra[:, a:b].mean(axis=1) for a, b in zip(starts, stops, strict=True)]
    return np.concatenate(parts)


def sound_features(sounds: Sequence[Sound]) -> np.ndarray:
    """Cepstra in five stretches of time, and the length in seconds, (n, 66)."""
    rows = [cepstra_by_segment(log_mel(sound)) for sound in sounds]
    return np.column_stack([np.array(rows), [s.seconds for s in sounds]])
