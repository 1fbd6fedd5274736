"""A synthetic scene of gliding tones whose frequencies are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qglib.data.audio import Sound


@dataclass(frozen=True)
class Partials:
    """A synthetic scene: a sound and the gliding tones it was made of.

    Attributes:
        sound: the mixture.
        onsets: seconds, shape (k,).
        durations: seconds, shape (k,).
        frequencies: Hz at the onset, shape (k,).
        glides: octaves per second, shape (k,).
    """

    sound: Sound
    onsets: np.ndarray
    durations: np.ndarray
    frequencies: np.ndarray
    glides: np.ndarray

    def near(
        self, times: np.ndarray, octaves: np.ndarray, within: float = 0.05
    ) -> np.ndarray:
        """Whether (time, log2 frequency) pairs lie on a partial, booleans (n,).

        Args:
            times: seconds, shape (n,).
            octaves: log2 of frequencies in Hz, shape (n,).
            within: allowed distance in octaves; times may miss an end by 0.03 s.
        """
        since = np.asarray(times)[:, None] - self.onsets
        expected = np.log2(self.frequencies) + self.glides * since
        close = np.abs(expected - np.asarray(octaves)[:, None]) < within
        return (close & (since > -0.03) & (since < self.durations + 0.03)).any(axis=1)


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
            between 200 Hz and 40 % of the rate.
        seconds: length of the scene.
        rate: samples per second.
        noise: standard deviation of white noise; a tone has amplitude 0.3.
        largest_glide: octaves per second.

    Raises:
        ValueError: no partial, or a length or rate that is not positive.
    """
    if n_partials < 1 or seconds <= 0 or rate <= 1000:
        raise ValueError(
            f"n_partials {n_partials}, seconds {seconds}, rate {rate}: they must be "
            "at least 1, positive and above 1000"
        )
    edges = np.geomspace(200, 0.4 * rate, n_partials + 1)
    frequencies = edges[:-1] * (edges[1:] / edges[:-1]) ** rng.uniform(
        0.3, 0.7, n_partials
    )
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
