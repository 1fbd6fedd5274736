"""The recorded study of learnable wavelets and the code that made it."""

import json

import numpy as np
import pytest
import torch

from bench.studies.learnable_wavelets import (
    FIXED,
    LEARNED,
    RESULT,
    TASKS,
    front_end,
    log_mel,
    partials_slice,
    partials_task,
)


@pytest.fixture(scope="module")
def recorded():
    return json.loads(RESULT.read_text(encoding="utf-8"))


def test_the_recorded_slice_is_reproduced(recorded):
    recorded = recorded["slice"]
    found = partials_slice()
    for new, old in zip(found["rows"], recorded["rows"], strict=True):
        assert new["method"] == old["method"]
        assert new["accuracy"] == pytest.approx(old["accuracy"], abs=1e-6)
    assert np.array(found["angles"]) == pytest.approx(
        np.array(recorded["angles"]), abs=2e-6
    )


def test_the_record_is_complete_and_consistent(recorded):
    for task in TASKS:
        rows = {row["method"]: row for row in recorded[task]["methods"]}
        assert set(rows) == {*FIXED, *LEARNED}
        for row in rows.values():
            by_seed = row["accuracy_by_seed"]
            assert row["accuracy"] == pytest.approx(np.mean(by_seed), abs=2e-6)
            for gap in row["against"]:
                difference = row["accuracy"] - rows[gap["other"]]["accuracy"]
                assert gap["difference"] == pytest.approx(difference, abs=3e-6)
                assert gap["low"] <= gap["difference"] <= gap["high"]
        own = rows["mera_from_d4"]["parameters"]
        assert rows["convolution_same_size"]["parameters"] == own
        assert rows["convolution_ten_times"]["parameters"] <= 10 * own
    settings = recorded["settings"]
    assert not set(settings["dev_seeds"]) & set(settings["test_seeds"])


@pytest.mark.parametrize("name", LEARNED)
def test_every_front_end_has_the_same_layout(name):
    task = TASKS["speech"]
    front = front_end(name, task["scales"], 1)
    parts = front(torch.zeros(2, task["samples"], dtype=torch.float64))
    assert len(parts) == task["scales"] + 1
    assert all(part.shape[-1] % task["segments"] == 0 for part in parts)


def test_mel_energies_of_white_noise_and_of_a_tone():
    noise = np.random.default_rng(4).normal(size=(50, 4096))
    found = np.exp(log_mel(noise, 10, 8)).mean(axis=0)
    assert found == pytest.approx(1.0, abs=0.2)
    tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 * np.arange(2048) / 8000)[None]
    found = log_mel(tone, 10, 4).reshape(10, 4)
    # the centres of ten triangles on the mel scale; 1000 Hz is the nearest to one
    ends = 2595 * np.log10(1 + np.array([20, 1000, 4000]) / 700)
    centres = np.linspace(ends[0], ends[2], 12)[1:-1]
    assert set(found.argmax(axis=0)) == {int(np.abs(centres - ends[1]).argmin())}


def test_scenes_are_balanced_and_normalised():
    signals, labels = partials_task(np.random.default_rng(3), 200)
    assert signals.shape == (200, 2048)
    assert np.square(signals).mean(axis=1) == pytest.approx(1.0)
    assert np.bincount(labels, minlength=4).min() > 25
