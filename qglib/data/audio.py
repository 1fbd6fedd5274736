"""Sound: reading, short-time spectra and their peaks as events."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.signal import ShortTimeFFT

from qglib.data.events import Events


@dataclass(frozen=True)
class Sound:
    """A mono recording.

    Attributes:
        samples: shape (n,), values in [-1, 1].
        rate: samples per second.
        label: what is said, where known.
        speaker: who says it, where known.
    """

    samples: np.ndarray
    rate: int
    label: str = ""
    speaker: str = ""

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def read_wav(path: str | Path) -> Sound:
    """Read a PCM wav file of 8, 16 or 32 bits; channels are averaged.

    Raises:
        ValueError: not a wav file, or another sample width.
        FileNotFoundError: there is no such file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            width, channels = file.getsampwidth(), file.getnchannels()
            rate, raw = file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(
            f"{Path(path).name} is no PCM wav file ({error}): convert it first"
        ) from error
    kinds = {1: ("u1", 128.0, 128.0), 2: ("<i2", 0.0, 2.0**15), 4: ("<i4", 0, 2.0**31)}
    if width not in kinds:
        raise ValueError(
            f"{Path(path).name} has {8 * width} bits per sample: 8, 16 or 32 are read"
        )
    kind, offset, scale = kinds[width]
    values = (np.frombuffer(raw, kind).astype(float) - offset) / scale
    return Sound(values.reshape(-1, channels).mean(axis=1), rate)


def load_speech(folder: str | Path, split: str = "all") -> list[Sound]:
    """Spoken digits from files named {digit}_{speaker}_{index}.wav.

    Args:
        folder: holds the files or a folder `recordings` with them (the layout of
            the Free Spoken Digit Dataset, CC BY-SA 4.0, not shipped here).
        split: "test" (index 0-4), "train" (the others) or "all".

    Raises:
        FileNotFoundError: no such file there.
        ValueError: an unknown split.
    """
    if split not in ("all", "train", "test"):
        raise ValueError(f'split is {split!r}: choose "all", "train" or "test"')
    place = Path(folder)
    place = place / "recordings" if (place / "recordings").is_dir() else place
    sounds = []
    for path in sorted(place.glob("*_*_*.wav")):
        digit, speaker, index = path.stem.split("_")
        is_test = int(index) < 5
        if split == "all" or is_test == (split == "test"):
            sound = read_wav(path)
            sounds.append(Sound(sound.samples, sound.rate, digit, speaker))
    if not sounds:
        raise FileNotFoundError(
            f"{place.name} holds no file like 7_jackson_3.wav: give the folder of the "
            "Free Spoken Digit Dataset"
        )
    return sounds


def spectrogram(
    sound: Sound, window_seconds: float = 0.064, hop_seconds: float = 0.016
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Magnitudes of the short-time Fourier transform with a Hann window.

    Returns:
        times in seconds (t,), frequencies in Hz (f,), magnitudes (f, t).
    """
    width = max(16, round(window_seconds * sound.rate))
    hop = max(1, round(hop_seconds * sound.rate))
    transform = ShortTimeFFT(np.hanning(width), hop, sound.rate, mfft=2 * width)
    magnitudes = np.abs(transform.stft(sound.samples))
    times = transform.t(len(sound.samples))
    keep = (times >= 0) & (times <= sound.seconds)
    return times[keep], transform.f, magnitudes[:, keep]


def spectral_events(
    sound: Sound,
    speed: float = 2.0,
    floor_db: float = -30.0,
    lowest: float = 80.0,
    neighbourhood: int = 7,
) -> Events:
    """Spectral peaks as events: time in seconds, content log2 of the frequency.

    Args:
        sound: the recording.
        speed: largest glide in octaves per second.
        floor_db: peaks weaker than this, relative to the strongest, are dropped.
        lowest: lowest frequency in Hz.
        neighbourhood: a peak is the largest value among this many bins.

    Returns:
        `Events`, one for each frame and spectral peak, ordered in time.

    Raises:
        ValueError: a sound shorter than one window.
    """
    if sound.seconds < 0.064:
        raise ValueError(f"the sound lasts {sound.seconds:.3f} s: 0.064 s are needed")
    times, frequencies, magnitudes = spectrogram(sound)
    use = frequencies >= lowest
    frequencies, magnitudes = frequencies[use], magnitudes[use]
    peaks = magnitudes == maximum_filter(magnitudes, size=(neighbourhood, 1))
    peaks &= magnitudes > 0
    loud = peaks & (magnitudes >= magnitudes.max() * 10 ** (floor_db / 20))
    row, column = np.nonzero(loud)
    order = np.lexsort((row, column))
    row, column = row[order], column[order]
    return Events(
        times=times[column],
        contents=np.log2(_refined(frequencies, magnitudes, row, column))[:, None],
        metric="absolute",
        speed=float(speed),
        names=tuple(f"{frequencies[k]:.0f} Hz" for k in row),
        dropped=int(peaks.sum() - loud.sum()),
        time_unit="second",
        note="time of a spectral peak, log2 frequency as content",
        reason=f"weaker than {floor_db:g} dB",
    )


def _refined(
    frequencies: np.ndarray, magnitudes: np.ndarray, row: np.ndarray, column: np.ndarray
) -> np.ndarray:
    """Frequencies of peaks by a parabola through three log magnitudes."""
    inner = np.clip(row, 1, len(frequencies) - 2)
    log = np.log(np.maximum(magnitudes, 1e-12))
    left, centre, right = (log[inner + k, column] for k in (-1, 0, 1))
    bend = left - 2 * centre + right
    shift = np.where(np.abs(bend) > 1e-12, 0.5 * (left - right) / bend, 0.0)
    step = frequencies[1] - frequencies[0]
    return (
        frequencies[row] + np.where(inner == row, np.clip(shift, -0.5, 0.5), 0) * step
    )
