"""Token events and what every Events object can do."""

import numpy as np
import pytest

from qglib.data import Events, token_events


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
