"""Timestamped records and threshold crossings as events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.data.events import METRICS, typical_distance
from qglib.data.streams import crossing_events, stream_events
from qglib.spacetime import Causet
from qglib.spacetime.metrics import distance_function


def test_records_are_sorted_and_what_is_dropped_is_counted():
    times = [3.0, 1.0, 2.0, np.nan, 2.0, 5.0]
    payload = [[0, 1], [0, 0], [4, 3], [1, 1], [4, 3], [np.inf, 0]]
    events = stream_events(times, payload, window=2, names=list("abcdef"))
    assert events.names == ("b", "c", "a")
    assert events.times.tolist() == [1, 2, 3]
    assert len(events) == 3 and events.dropped == 3
    assert "3 kept, 3 dropped (missing, copied" in repr(events)
    # distances 5, 1, sqrt(20): the median over two mean gaps of 1
    assert events.speed == pytest.approx(np.sqrt(20) / 2)
    assert stream_events(times, payload, speed=0.7).speed == 0.7
    assert Causet.from_events(*events.parts).n_relations == 1  # b before a


def test_dates_and_angles():
    days = np.array(["2024-01-01", "2024-01-03", "NaT", "2024-01-02"], "M8[D]")
    events = stream_events(days, [[1, 0], [0, 2], [1, 1], [0, 0]], metric="angle")
    assert events.times.tolist() == [0, 2 * 86400] and events.time_unit == "second"
    assert events.dropped == 2
    same = stream_events([0, 0, 1], [[1, 0], [3, 0], [0, 1]], metric="angle")
    assert len(same) == 2 and Causet.from_events(*same.parts).size == 2
    assert events.speed == pytest.approx(np.pi / 2 / (16 * 2 * 86400))


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_named_metrics_obey_the_triangle_inequality(metric, seed):
    rng = np.random.default_rng(seed)
    width = 1 if metric == "absolute" else 3
    contents = rng.normal(size=(60, width)) * 10.0 ** rng.integers(-3, 4)
    distance = distance_function(metric, contents)
    i, j, k = rng.integers(60, size=(3, 40))
    gap = distance(np.arange(60), np.arange(60))
    assert (gap[i, k] <= gap[i, j] + gap[j, k] + 1e-9 * gap.max()).all()
    off = gap[np.triu_indices(60, 1)]
    assert typical_distance(contents, metric) == pytest.approx(
        np.median(off), rel=1e-5, abs=1e-6
    )


def test_the_cosine_distance_is_refused():
    with pytest.raises(ValueError, match="triangle"):
        stream_events([0, 1], [[1, 0], [0, 1]], metric="cosine")


def test_crossings_of_a_sine_are_where_they_must_be():
    steps = np.arange(200)
    wave = np.sin(2 * np.pi * (steps + 0.5) / 50)
    events = crossing_events(wave, levels=[0.5])
    assert len(events) == 7  # zeros inside the series
    assert events.times == pytest.approx(25 * np.arange(1, 8) - 0.5, abs=1e-6)
    ways = [name.split()[2] for name in events.names]
    assert ways == ["down", "up"] * 3 + ["down"]
    assert events.contents == pytest.approx(0, abs=1e-9)
    assert events.time_unit == "step" and "crossing" in events.note


def test_a_travelling_wave_is_a_causal_front():
    """A pulse that runs along sensors at one place per step relates its crossings."""
    steps, places = np.arange(60.0), np.arange(10.0)
    pulse = np.exp(-((steps[:, None] - 15 - places) ** 2) / 8)
    rising = crossing_events(pulse, [0.9], positions=places, speed=1.0001)
    up = [k for k, name in enumerate(rising.names) if " up " in name]
    assert len(up) == 10
    front = rising.times[up], rising.contents[up]
    order = Causet.from_events(*front, 1.0001, "euclidean")
    assert order.n_relations == 45, "the front is one chain"
    assert Causet.from_events(*front, 0.95, "euclidean").n_relations == 0


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: stream_events([[0]], [1]), "shape"),
        (lambda: stream_events([0, 1], [1]), "shape"),
        (lambda: stream_events([0, 1], [1, 2], speed=0), "speed"),
        (lambda: stream_events([0, 1], [1, 2], window=-1), "window"),
        (lambda: stream_events([0, 1], [1, 2], names=["a"]), "names"),
        (lambda: stream_events([1, 1], [1, 2]), "span no time"),
        (lambda: stream_events([np.nan, 1], [1, 2]), "usable"),
        (lambda: crossing_events([1, np.nan]), "NaN"),
        (lambda: crossing_events(np.ones(9)), "0 crossings"),
        (lambda: crossing_events(np.arange(9.0), [1.2]), "levels"),
        (lambda: crossing_events(np.eye(4), positions=[1.0]), "positions"),
    ],
)
def test_bad_streams_are_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()


def test_a_real_stream_with_gaps():
    """Weekly CO2 readings: the 59 weeks without one are dropped and counted."""
    from statsmodels.datasets import co2

    frame = co2.load_pandas().data
    times = frame.index.to_numpy()
    events = stream_events(times, frame["co2"].to_numpy(), metric="absolute")
    assert len(events) == 2284 - 59 and events.dropped == 59
    assert events.time_unit == "second" and np.diff(events.times).min() == 7 * 86400
    part = events.times[:300], events.contents[:300], events.speed, events.metric
    assert 0 < Causet.from_events(*part).n_relations < 300 * 299 / 2
    crossings = crossing_events(events.contents[:104])
    assert len(crossings) >= 6 and crossings.dropped == 0
