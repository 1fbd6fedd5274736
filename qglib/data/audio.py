"""Sound: reading, short-time spectra and their peaks as events."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.ndimage import maximum_filter
from scipy.signal import ShortTimeFFT

from qglib.data.events import Events

LOWEST = 80.0  # Hz, of the peaks and bands that are looked at
_SCALES = {"u1": (128.0, 128.0), "i2": (0.0, 2.0**15), "i4": (0.0, 2.0**31)}  # PCM


@dataclass(frozen=True)
class Sound:
    """A mono recording: samples in [-1, 1], shape (n,), so many a second.

    Label (what is said) and speaker are empty where they are not known.
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
    """Read an uncompressed wav file, channels averaged; ValueError if it is none."""
    try:
        rate, values = wavfile.read(path)
        if rate < 1 or not values.size:
            raise ValueError(f"{values.size} samples at {rate} Hz")
    except (ValueError, EOFError, struct.error) as error:
        wanted = f"{Path(path).name} is no PCM wav file"
        raise ValueError(f"{wanted} ({error}): convert it first") from error
    offset, scale = _SCALES.get(values.dtype.str[1:], (0.0, 1.0))
    values = (values.astype(float) - offset) / scale
    return Sound(values.reshape(len(values), -1).mean(axis=1), rate)


def spectrogram(
    sound: Sound, window_seconds: float = 0.064, hop_seconds: float = 0.016
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (t,) in s, frequencies (f,) in Hz and magnitudes (f, t), Hann window."""
    width = max(16, round(window_seconds * sound.rate))
    hop = max(1, round(hop_seconds * sound.rate))
    transform = ShortTimeFFT(np.hanning(width), hop, sound.rate, mfft=2 * width)
    magnitudes = np.abs(transform.stft(sound.samples))
    times = transform.t(len(sound.samples))
    keep = (times >= 0) & (times <= sound.seconds)
    return times[keep], transform.f, magnitudes[:, keep]


def spectral_events(
    sound: Sound, speed: float = 2.0, floor_db: float = -30.0
) -> Events:
    """Spectral peaks as events: time in seconds, content log2 of the frequency.

    A peak is the largest of seven neighbouring bins above 80 Hz, one event for each
    frame that it lasts. ``speed`` is the largest glide in octaves per second; peaks
    weaker than ``floor_db``, relative to the strongest, are dropped. The sound lasts
    at least one window of 0.064 s (else a ValueError).
    """
    if sound.seconds < 0.064:
        raise ValueError(f"the sound lasts {sound.seconds:.3f} s: 0.064 s are needed")
    times, frequencies, magnitudes = spectrogram(sound)
    use = frequencies >= LOWEST
    frequencies, magnitudes = frequencies[use], magnitudes[use]
    peaks = magnitudes == maximum_filter(magnitudes, size=(7, 1))
    peaks &= magnitudes > 0
    loud = peaks & (magnitudes >= magnitudes.max() * 10 ** (floor_db / 20))
    column, row = np.nonzero(loud.T)
    # A parabola through three log magnitudes finds the peak between the bins.
    inner = np.clip(row, 1, len(frequencies) - 2)
    log = np.log(np.maximum(magnitudes, 1e-12))
    left, centre, right = (log[inner + k, column] for k in (-1, 0, 1))
    bend = left - 2 * centre + right
    shift = np.where(np.abs(bend) > 1e-12, 0.5 * (left - right) / bend, 0.0)
    shift = np.where(inner == row, np.clip(shift, -0.5, 0.5), 0)
    found = frequencies[row] + shift * (frequencies[1] - frequencies[0])
    return Events(
        times=times[column],
        contents=np.log2(found)[:, None],
        metric="absolute",
        speed=float(speed),
        names=tuple(f"{frequencies[k]:.0f} Hz" for k in row),
        dropped=int(peaks.sum() - loud.sum()),
        time_unit="second",
        note="time of a spectral peak, log2 frequency as content",
        reason=f"weaker than {floor_db:g} dB",
    )
