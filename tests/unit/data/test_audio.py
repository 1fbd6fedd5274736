"""Reading sound, the synthetic scene and its spectral peaks."""

import wave

import numpy as np
import pytest
from scipy.io import wavfile

from qglib.data import Sound, load, spectral_events, synthetic_partials
from qglib.data.audio import read_wav
from qglib.data.signals import log_mel


def write(path, samples, width=2, channels=1, rate=8000):
    kind, scale, offset = {1: ("u1", 127, 128), 2: ("<i2", 32767, 0)}[width]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((samples * scale + offset).astype(kind).tobytes())


@pytest.mark.parametrize(("width", "error"), [(1, 0.016), (2, 1e-4)])
def test_wav_round_trip(tmp_path, width, error):
    samples = 0.8 * np.sin(np.arange(800) / 5)
    write(tmp_path / "a.wav", samples, width)
    sound = read_wav(tmp_path / "a.wav")
    assert sound.rate == 8000 and sound.seconds == pytest.approx(0.1)
    assert sound.samples == pytest.approx(samples, abs=error)


def test_24_bits_and_a_cut_file(tmp_path):
    samples = np.array([0.5, -0.25, 0.125])
    parts = [int(s * 2**23).to_bytes(3, "little", signed=True) for s in samples]
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(8000)
        file.writeframes(b"".join(parts))
    assert read_wav(tmp_path / "a.wav").samples == pytest.approx(samples)
    whole = (tmp_path / "a.wav").read_bytes()
    for length in (3, 14, 30):
        (tmp_path / "b.wav").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"b\.wav is no PCM wav file"):
            read_wav(tmp_path / "b.wav")


@pytest.mark.parametrize(("samples", "rate"), [(0, 8000), (10, 0)])
def test_a_file_without_sound_is_refused(tmp_path, samples, rate):
    wavfile.write(tmp_path / "a.wav", rate, np.zeros(samples, dtype=np.int16))
    with pytest.raises(ValueError, match=rf"a\.wav .*\({samples} samples at {rate} Hz"):
        read_wav(tmp_path / "a.wav")


def test_channels_are_averaged(tmp_path):
    write(tmp_path / "a.wav", np.tile([0.5, -0.1], 100), channels=2)
    assert read_wav(tmp_path / "a.wav").samples == pytest.approx(0.2, abs=1e-4)


def test_broken_files_are_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"not sound")
    with pytest.raises(ValueError, match=r"a\.wav"):
        read_wav(tmp_path / "a.wav")
    with pytest.raises(FileNotFoundError):
        read_wav(tmp_path / "missing.wav")


def test_peaks_lie_on_the_known_partials():
    scene = synthetic_partials(np.random.default_rng(1), n_partials=5)
    events = spectral_events(scene.sound)
    assert len(events) > 200
    assert scene.near(events.times, events.contents[:, 0]).mean() > 0.97
    assert not scene.near(events.times, events.contents[:, 0] + 0.3).any()
    for k in range(5):  # every partial is seen through most of its life
        middle = scene.onsets[k] + scene.durations[k] / 2
        octave = np.log2(scene.frequencies[k]) + scene.glides[k] * (
            scene.durations[k] / 2
        )
        near = np.abs(events.times - middle) < 0.05
        gap = np.abs(events.contents[near, 0] - octave)
        assert (gap < 0.02).any()


def test_a_pure_tone_is_found_to_a_few_cents():
    time = np.arange(8000) / 8000
    events = spectral_events(Sound(np.sin(2 * np.pi * 441.3 * time), 8000))
    middle = (events.times > 0.1) & (events.times < 0.9)
    cents = 1200 * (events.contents[middle, 0] - np.log2(441.3))
    assert np.abs(cents).max() < 5
    assert events.metric == "absolute"


def test_bad_scenes_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError):
        synthetic_partials(rng, n_partials=0)
    with pytest.raises(ValueError, match="lasts"):
        spectral_events(Sound(np.zeros(10), 8000))


def test_spoken_digits(shared_data):
    spoken = load(shared_data / "fsdd")
    test, _ = spoken.part("test")
    assert len({s.speaker for s in test}) == 1
    assert {s.label for s in test} == {str(d) for d in range(10)}
    assert {s.rate for s in test} == {8000}
    assert len(spectral_events(test[0])) > 10


@pytest.mark.parametrize("band", [4, 12, 22])
def test_a_tone_at_the_centre_of_a_mel_band_fills_it(band):
    """The triangle of a band is 1 at its centre and 0 from the next centre on."""
    ends = 2595 * np.log10(1 + np.array([80, 4000]) / 700)
    centre = 700 * (10 ** (np.linspace(*ends, 28)[band + 1] / 2595) - 1)
    tone = np.sin(2 * np.pi * centre * np.arange(8000) / 8000)
    energies = np.exp(log_mel(Sound(tone, 8000))).mean(axis=1)
    assert energies.argmax() == band
    far = np.abs(np.arange(26) - band) > 2
    assert energies[far].max() < 1e-2 * energies[band]
