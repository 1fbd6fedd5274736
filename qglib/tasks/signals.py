"""Sound and vibration as examples: recordings where given, simulations elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qglib.data import (
    Sound,
    cepstra_by_segment,
    load_speech,
    log_mel,
    synthetic_partials,
)
from qglib.data.examples import Examples, divided

GLIDES = ("falling", "steady", "rising")
STEADY = 0.15  # octaves per second below which a glide counts as steady
FAULTS = ("healthy", "imbalance", "outer race", "inner race")
RATE = 4096  # samples per second of the simulated machine
SHAFT, OUTER, INNER = 25.0, 3.6, 5.4  # Hz; fault orders per turn
RESONANCE = 900.0  # Hz


def sound_features(sounds: Sequence[Sound]) -> np.ndarray:
    """Cepstra in five stretches of time, (n, 65), and the length in seconds."""
    rows = [cepstra_by_segment(log_mel(sound)) for sound in sounds]
    return np.column_stack([np.array(rows), [s.seconds for s in sounds]])


def spoken_digits(seed: int, folder: str | Path) -> Examples:
    """Recorded digits, to be told apart for speakers never heard in training.

    Args:
        seed: of the split of the speakers.
        folder: see `qglib.data.load_speech`.
    """
    sounds = load_speech(folder)
    speakers = sorted({s.speaker for s in sounds})
    if len(speakers) < 3:
        raise ValueError(f"folder: {len(speakers)} speakers; three parts need three")
    order = np.random.default_rng(seed).permutation(speakers)
    part = {s: "train" for s in order} | {order[0]: "test", order[1]: "dev"}
    split = np.array([part[s.speaker] for s in sounds])
    return Examples(sounds, [s.label for s in sounds], split)


def gliding_tones(seed: int, n: int = 400) -> Examples:
    """Simulated half-second tones in noise: falling, steady or rising."""
    rng, sounds, labels = np.random.default_rng(seed), [], []
    while len(sounds) < n:
        found = synthetic_partials(rng, 1, 0.5, noise=0.1, largest_glide=1.0)
        glide = float(found.glides[0])
        sounds.append(found.sound)
        labels.append(GLIDES[int(np.sign(glide)) * (abs(glide) > STEADY) + 1])
    return Examples(sounds, labels, divided(labels, seed))


def machine_vibration(seed: int, n: int = 400) -> Examples:
    """Simulated half seconds of vibration of a machine with or without a fault.

    A shaft at 25 Hz (5 % spread). Imbalance is a strong line at the shaft's rate;
    a fault of a bearing's outer race rings a resonance 3.6 times a turn, of the inner
    race 5.4 times a turn, louder and softer once a turn. White noise; the amplitude
    of a fault is drawn from weak to plain, so the classes overlap. After Randall and
    Antoni, Mech. Syst. Signal Process. 25 (2011) 485. Simulated, not measured.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(np.arange(n) % len(FAULTS))
    rows = np.array([_vibration(FAULTS[k], rng) for k in kinds])
    labels = [FAULTS[k] for k in kinds]
    return Examples(rows, labels, divided(labels, seed))


def _vibration(fault: str, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(RATE // 2) / RATE
    shaft = SHAFT * (1 + 0.05 * rng.standard_normal())
    strength = rng.uniform(0.2, 1.0)
    wave = 0.3 * np.sin(2 * np.pi * (shaft * t + rng.random()))
    wave += rng.standard_normal(len(t))
    if fault == "imbalance":
        wave += strength * np.sin(2 * np.pi * (shaft * t + rng.random()))
    if fault.endswith("race"):
        order = OUTER if fault == "outer race" else INNER
        since = (t * order * shaft + rng.random()) % 1 / (order * shaft)
        ring = np.exp(-400 * since) * np.sin(2 * np.pi * RESONANCE * since)
        if fault == "inner race":
            ring *= 1 + np.cos(2 * np.pi * (shaft * t + rng.random()))
        wave += 4 * strength * ring
    return wave


def vibration_features(waves: np.ndarray) -> np.ndarray:
    """Log spectra of the wave and of its envelope to 200 Hz, and kurtosis.

    Args:
        waves: shape (n, samples) at 4096 samples per second.

    Returns:
        Shape (n, 2 * 48 + 1): the envelope is that of the band of the resonance.
    """
    from scipy.signal import butter, hilbert, sosfiltfilt
    from scipy.stats import kurtosis

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
