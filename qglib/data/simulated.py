"""Simulated sound and vibration with labels known by construction."""

from dataclasses import dataclass

import numpy as np

from qglib.data.audio import Sound
from qglib.data.examples import Examples, divided

GLIDES = ("falling", "steady", "rising")
STEADY = 0.15  # octaves per second below which a glide counts as steady
EXAMPLES = 400  # of a task
FAULTS = ("healthy", "imbalance", "outer race", "inner race")
RATE = 4096  # samples per second of the simulated machine
SHAFT, OUTER, INNER = 25.0, 3.6, 5.4  # Hz; fault orders per turn
RESONANCE = 900.0  # Hz


@dataclass(frozen=True)
class Partials:
    """A synthetic scene: the sound of k gliding tones, and what they were, (k,)."""

    sound: Sound
    onsets: np.ndarray  # seconds
    durations: np.ndarray  # seconds
    frequencies: np.ndarray  # Hz, at the onset
    glides: np.ndarray  # octaves per second

    def near(self, times: np.ndarray, octaves: np.ndarray) -> np.ndarray:
        """Whether pairs of seconds and log2 Hz lie on a partial, booleans (n,).

        They may miss it by 0.05 octaves, and its ends by 0.03 s.
        """
        since = np.asarray(times)[:, None] - self.onsets
        expected = np.log2(self.frequencies) + self.glides * since
        close = np.abs(expected - np.asarray(octaves)[:, None]) < 0.05
        return np.any(close & (since > -0.03) & (since < self.durations + 0.03), axis=1)


def synthetic_partials(
    rng: np.random.Generator,
    n_partials: int = 6,
    seconds: float = 2.0,
    rate: int = 8000,
    noise: float = 0.02,
    largest_glide: float = 0.6,
) -> Partials:
    """Gliding tones in noise, with known onset, frequency and glide.

    Args:
        rng: source of randomness.
        n_partials: number of tones; their first frequencies lie in separate bands
            between 200 Hz and 40 % of the rate, their amplitude is 0.3.
        seconds, rate: length of the scene, samples per second.
        noise: standard deviation of white noise.
        largest_glide: octaves per second.
    """
    if n_partials < 1 or seconds <= 0 or rate <= 1000:
        found = f"n_partials {n_partials}, seconds {seconds}, rate {rate}"
        raise ValueError(f"{found}: give at least 1, above 0 and above 1000")
    edges = np.geomspace(200, 0.4 * rate, n_partials + 1)
    place = rng.uniform(0.3, 0.7, n_partials)
    frequencies = edges[:-1] * (edges[1:] / edges[:-1]) ** place
    onsets = rng.uniform(0.0, 0.4 * seconds, n_partials)
    durations = rng.uniform(0.4 * seconds, 0.6 * seconds, n_partials)
    glides = rng.uniform(-largest_glide, largest_glide, n_partials)
    # Glide towards the middle of the band: tones then stay apart and audible.
    high = frequencies > np.sqrt(edges[0] * edges[-1])
    glides = np.where(high, -np.abs(glides), np.abs(glides)) / n_partials * 2
    time = np.arange(int(seconds * rate)) / rate
    samples = noise * rng.standard_normal(len(time))
    for start, length, f, g in zip(onsets, durations, frequencies, glides, strict=True):
        local = time - start
        inside = (local >= 0) & (local <= length)
        local = local[inside]
        phase = f * local if g == 0 else f * (2 ** (g * local) - 1) / (g * np.log(2))
        fade = np.minimum(1, np.minimum(local, length - local) / 0.02)
        samples[inside] += 0.3 * fade * np.sin(2 * np.pi * phase)
    peak = max(1.0, float(np.abs(samples).max()))
    sound = Sound(samples / peak, rate, "synthetic partials")
    return Partials(sound, onsets, durations, frequencies, glides)


def gliding_tones(seed: int) -> Examples:
    """400 simulated half-second tones in noise: falling, steady or rising."""
    rng, sounds, labels = np.random.default_rng(seed), list[Sound](), list[str]()
    while len(sounds) < EXAMPLES:
        found = synthetic_partials(rng, 1, 0.5, noise=0.1, largest_glide=1.0)
        glide = float(found.glides[0])
        sounds.append(found.sound)
        labels.append(GLIDES[int(np.sign(glide)) * (abs(glide) > STEADY) + 1])
    return Examples(sounds, labels, divided(labels, seed), kind="sound")


def machine_vibration(seed: int) -> Examples:
    """400 simulated half seconds of vibration of a machine with or without a fault.

    A shaft at 25 Hz (5 % spread). Imbalance is a strong line at the shaft's rate; a
    fault of the outer race rings a resonance 3.6 times a turn, of the inner race 5.4
    times, louder and softer once a turn. The amplitude is drawn from weak to plain, so
    the classes overlap. After Randall and Antoni, Mech. Syst. Signal Process. 25
    (2011) 485.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(np.arange(EXAMPLES) % len(FAULTS))
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
