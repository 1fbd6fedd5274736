"""Tasks: items, labels, rivals; the series and descriptions they are made of."""

import numpy as np
import pytest

from qglib.data import Sound
from qglib.data.series import SERIES, load_series, windows
from qglib.data.speech import cepstra_by_segment, log_mel, speech_task
from qglib.data.tasks import (
    digit_task,
    direction_task,
    sentence_order_task,
    topic_task,
)

LENGTHS = {"sunspots": 309, "co2": 2284, "elnino": 732, "unemployment": 203}


@pytest.mark.parametrize("name", SERIES)
def test_series(name):
    series = load_series(name)
    assert len(series) == LENGTHS[name] and np.isfinite(series.values).all()
    assert series.filled == (59 if name == "co2" else 0)
    assert "public domain" in repr(series)
    with pytest.raises(ValueError, match="sunspots"):
        load_series("rain")


def test_windows_stay_in_their_block_and_lose_their_trend():
    rows, blocks = windows(np.arange(23.0) ** 2, length=6, stride=2, block=10)
    assert rows.shape == (6, 6) and blocks.tolist() == [0, 0, 0, 1, 1, 1]
    assert rows.mean(axis=1) == pytest.approx(0, abs=1e-9)
    assert rows.std(axis=1) == pytest.approx(1)
    assert (rows @ np.arange(6)) == pytest.approx(0, abs=1e-9)
    assert not windows(np.full(12, 3.0), 4, 4, 4)[0].any()
    with pytest.raises(ValueError, match="block"):
        windows(np.zeros(9), 5, 1, 4)


def test_direction_task_pairs_each_window_with_its_mirror():
    task = direction_task(load_series("sunspots"), 33, 4, 44)
    half = len(task) // 2
    assert (task.items[half:] == task.items[:half, ::-1]).all()
    assert (task.groups[half:] == task.groups[:half]).all()
    assert set(task.labels[:half]) == {"forwards"}
    blind, aware = task.baselines.values()
    assert blind[half:] == pytest.approx(blind[:half]), "quantiles know no direction"
    assert task.baseline is blind
    # Ramsey-Rothman and skewness change sign, autocorrelations do not
    for column, sign in ((7, 1), (8, -1), (13, -1)):
        assert aware[half:, column] == pytest.approx(sign * aware[:half, column])
    mixed = task.shuffled(np.random.default_rng(0))
    assert (np.sort(mixed, axis=1) == np.sort(task.items, axis=1)).all()
    assert task.events_per_item == (33, 0) and "2 classes" in repr(task)


def test_sentence_order_task():
    rng = np.random.default_rng(1)
    texts = [rng.normal(size=(n, 8)) for n in (3, 5, 8)]
    task = sentence_order_task(texts, rng)
    assert task.groups.tolist() == [0, 0, 1, 1, 2, 2] and len(task) == 6
    blind, aware = task.baselines.values()
    assert blind[::2] == pytest.approx(blind[1::2])
    assert (np.abs(aware[::2] - aware[1::2]).max(axis=1) > 1e-6).all()
    for k, rows in enumerate(texts):
        own, mixed = task.items[2 * k : 2 * k + 2]
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        assert own.contents == pytest.approx(units)
        assert not (mixed.contents == own.contents).all()
    with pytest.raises(ValueError, match="2 sentences"):
        sentence_order_task([np.eye(2)], rng)


def test_digit_and_topic_tasks():
    for kind, least in (("pixels", 64), ("blobs", 4)):
        task = digit_task(30, np.random.default_rng(2), kind)
        assert len(task.items) == 30 and task.baseline.shape == (30, 64)
        assert min(len(item) for item in task.items) >= least
        assert task.events_per_item[0] >= least
    assert task.items[0].with_speed(1).speed == 1
    slow = digit_task(5, np.random.default_rng(2), "blobs", speed=0.5)
    assert {item.speed for item in slow.items} == {0.5}
    for bad in (lambda r: digit_task(0, r), lambda r: digit_task(5, r, "edges")):
        with pytest.raises(ValueError):
            bad(np.random.default_rng(3))
    vectors = [np.eye(5), np.eye(5)[:4]]
    keep = [np.arange(5) > 0, np.arange(4) > 0]
    topic = topic_task(vectors, ["a", "b"], np.zeros((2, 3)), 4, keep)
    assert topic.events_per_item == (3.5, 1.0)


def tone(frequency, seconds=0.5, rate=8000):
    time = np.arange(int(seconds * rate)) / rate
    return Sound(np.sin(2 * np.pi * frequency * time), rate, "7", "ann")


def test_mel_energies_peak_at_the_tone():
    edges = np.linspace(*(2595 * np.log10(1 + np.array([80, 4000]) / 700)), 28)
    centres = 700 * (10 ** (edges[1:-1] / 2595) - 1)
    for band in (5, 12, 20):
        energies = log_mel(tone(centres[band]))
        assert energies.shape[0] == 26
        assert energies.mean(axis=1).argmax() == band


def test_cepstra_see_the_order_of_the_frames_only_between_stretches():
    energies = np.random.default_rng(4).normal(size=(26, 20))
    found = cepstra_by_segment(energies).reshape(5, 13)
    back = cepstra_by_segment(energies[:, ::-1]).reshape(5, 13)
    assert back == pytest.approx(found[::-1])
    assert found[:, 0] == pytest.approx(
        energies.sum(axis=0).reshape(5, 4).mean(axis=1) / np.sqrt(26)
    )
    assert cepstra_by_segment(energies[:, :2]).shape == (65,)


def test_speech_task():
    sounds = [tone(300), Sound(tone(500).samples, 8000, "8", "bob")]
    for target, labels in (("digit", ["7", "8"]), ("speaker", ["ann", "bob"])):
        task = speech_task(sounds, target)
        assert task.labels.tolist() == labels and task.groups is None
        assert task.baseline.shape == (2, 52)
    task = speech_task(sounds, "direction")
    assert len(task) == 4 and task.groups.tolist() == [0, 1, 0, 1]
    task = speech_task(sounds, "digit", by_speaker=True)
    assert task.groups.tolist() == ["ann", "bob"]
    with pytest.raises(ValueError, match="target"):
        speech_task(sounds, "mood")
    with pytest.raises(ValueError, match="by_speaker"):
        speech_task(sounds, "speaker", by_speaker=True)


def test_real_speech(shared_data):
    from qglib.data import load_speech

    sounds = load_speech(shared_data / "fsdd", "test")[:40]
    task = speech_task(sounds)
    kept, dropped = task.events_per_item
    assert kept > 50 and dropped > 0
    assert all(np.isfinite(b).all() for b in task.baselines.values())
