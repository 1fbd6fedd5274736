"""Simulated sound and vibration with labels known by construction."""

from __future__ import annotations

import numpy as np

from qglib.data.examples import Examples, divided
from qglib.data.partials import synthetic_partials

GLIDES = ("falling", "steady", "rising")
STEADY = 0.15  # octaves per second below which a glide counts as steady
FAULTS = ("healthy", "imbalance", "outer race", "inner race")
RATE = 4096  # samples per second of the simulated machine
SHAFT, OUTER, INNER = 25.0, 3.6, 5.4  # Hz; fault orders per turn
RESONANCE = 900.0  # Hz


def gliding_tones(seed: int, n: int = 400) -> Examples:
    """Simulated half-second tones in noise: falling, steady or rising."""
    rng, sounds, labels = np.random.default_rng(seed), [], []
    while len(sounds) < n:
        found = synthetic_partials(rng, 1, 0.5, noise=0.1, largest_glide=1.0)
        glide = float(found.glides[0])
        sounds.append(found.sound)
        labels.append(GLIDES[int(np.sign(glide)) * (abs(glide) > STEADY) + 1])
    return Examples(sounds, labels, divided(labels, seed), kind="sound")


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
    return Examples(rows, labels, divided(labels, seed), kind="series")


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
