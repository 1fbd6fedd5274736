"""Token events and what every Events object can do."""

from dataclasses import replace

import numpy as np
import pytest

from qglib.data import (
    Events,
    load,
    spectral_events,
    synthetic_partials,
    token_events,
)
from qglib.data.images import pixel_events, scale_space_events
from qglib.spacetime import Causet
from qglib.spacetime.constructions import distance_function


def test_positions_angles_and_default_speed():
    rng = np.random.default_rng(0)
    vectors = 3 * rng.normal(size=(40, 200))
    vectors[7] = 0
    events = token_events(vectors, [f"w{k}" for k in range(40)], window=10)
    assert len(events) == 39 and events.dropped == 1
    assert "w7" not in events.names
    assert events.times.tolist() == [k for k in range(40) if k != 7]
    assert np.linalg.norm(events.contents, axis=1) == pytest.approx(1)
    assert events.metric == "angle"
    assert [type(part) for part in events.parts[2:]] == [float, str]
    some = token_events(vectors, keep=np.arange(40) % 2 == 0)
    assert some.times.tolist() == list(range(0, 40, 2)) and some.dropped == 20
    # random directions in many dimensions are orthogonal
    assert events.speed == pytest.approx(np.pi / 2 / 10, rel=0.05)


def test_with_speed_and_shuffled():
    events = token_events(np.eye(5) + 0.1, list("abcde"))
    assert events.with_speed(0.5).speed == 0.5
    assert isinstance(events, Events) and "5 kept" in repr(events)
    mixed = events.shuffled(np.random.default_rng(3))
    assert (mixed.times == events.times).all()
    assert sorted(mixed.names) == sorted(events.names)
    for name, content in zip(mixed.names, mixed.contents, strict=True):
        assert (content == events.contents[events.names.index(name)]).all()
    with pytest.raises(ValueError, match="speed"):
        events.with_speed(0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: token_events(np.zeros(4)),
        lambda: token_events(np.full((3, 2), np.nan)),
        lambda: token_events(np.zeros((3, 2))),
        lambda: token_events(np.eye(3), ["a"]),
        lambda: token_events(np.eye(3), window=0),
        lambda: token_events(np.eye(3), keep=np.array([True])),
        lambda: token_events(np.eye(3), keep=np.array([True, False, False])),
    ],
)
def test_bad_tokens_are_refused(call):
    with pytest.raises(ValueError):
        call()


def test_shuffled_events_never_repeat_an_event():
    """Equal times and equal contents abound: no pair may occur twice."""
    times, contents = np.repeat(np.arange(8.0), 4), np.tile(np.arange(4.0), 8)[:, None]
    names = tuple(map(str, range(32)))
    events = Events(times, contents, "absolute", 1.0, names, 5, "step", "")
    for seed in range(20):
        mixed = events.shuffled(np.random.default_rng(seed))
        pairs = set(zip(mixed.times, mixed.contents[:, 0], strict=True))
        assert len(pairs) == len(mixed)
        assert len(mixed) + mixed.dropped == 37
        assert len(mixed) >= 28
    same = replace(events, contents=np.zeros((32, 1)))
    left = same.shuffled(np.random.default_rng(0))
    assert len(left) == 8 and left.dropped == 29
    assert left.times.tolist() == list(range(8))


def test_metrics_of_real_events_are_true_metrics():
    digits = load("digits")
    scene = synthetic_partials(np.random.default_rng(4), n_partials=4, seconds=1.0)
    rng = np.random.default_rng(5)
    for events in (
        pixel_events(digits.inputs[0]),
        scale_space_events(digits.inputs[1]),
        spectral_events(scene.sound),
        token_events(rng.normal(size=(30, 4))),
    ):
        distance = distance_function(events.metric, events.contents)
        i, j, k = rng.integers(len(events), size=(3, 300))
        gap = distance(np.arange(len(events)), np.arange(len(events)))
        assert (gap[i, k] <= gap[i, j] + gap[j, k] + 1e-9).all()
        assert Causet.from_events(*events.parts).size == len(events)
        assert f"{len(events)} kept, {events.dropped} dropped" in repr(events)
