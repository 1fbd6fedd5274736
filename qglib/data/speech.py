"""Spoken words: ordinary spectral descriptions, and tasks on recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.fft import dct

from qglib.data.audio import Sound, spectral_events, spectrogram
from qglib.data.tasks import Task

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


def speech_task(
    sounds: Sequence[Sound],
    target: str = "digit",
    speed: float = 2.0,
    floor_db: float = -30.0,
    by_speaker: bool = False,
) -> Task:
    """Which digit, which speaker, or which direction of time? Events are peaks.

    Rivals: mean and spread over time of the mel energies, which do not see the order
    of the frames, and cepstra in five stretches of time, which do.

    Args:
        sounds: from `load_speech`.
        target: "digit", "speaker", or "direction" (every recording also reversed).
        speed: octaves per second, see `spectral_events`.
        floor_db: see `spectral_events`.
        by_speaker: keep all recordings of a speaker on one side of a split.

    Raises:
        ValueError: an unknown target, or speakers to be told apart and kept apart.
    """
    if target not in ("digit", "speaker", "direction"):
        raise ValueError(f'target is {target!r}: "digit", "speaker" or "direction"')
    if target == "speaker" and by_speaker:
        raise ValueError('target "speaker" with by_speaker: no class could be learned')
    speakers = np.array([sound.speaker for sound in sounds])
    labels = np.array([sound.label for sound in sounds])
    groups = speakers if by_speaker else None
    if target == "speaker":
        labels = speakers
    if target == "direction":
        groups = np.tile(speakers if by_speaker else np.arange(len(sounds)), 2)
        labels = np.repeat(["forwards", "backwards"], len(sounds))
        backwards = [replace(s, samples=s.samples[::-1]) for s in sounds]
        sounds = [*sounds, *backwards]
    items = [spectral_events(sound, speed, floor_db) for sound in sounds]
    energies = [log_mel(sound) for sound in sounds]
    baselines = {
        "mel energies, mean and spread": np.array(
            [np.concatenate([e.mean(axis=1), e.std(axis=1)]) for e in energies]
        ),
        "cepstra in five stretches": np.array(
            [cepstra_by_segment(e) for e in energies]
        ),
    }
    apart = ", speakers apart" if by_speaker else ""
    name, note = f"{target} of speech{apart}", f"{target} of a recorded word"
    return Task(name, tuple(items), labels, baselines, groups, note)
