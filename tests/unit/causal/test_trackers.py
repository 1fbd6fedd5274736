from __future__ import annotations

import json
from itertools import pairwise

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pytest

from bench.studies import orientation as orientation_study
from bench.studies import planted_path as study
from qglib.causal import (
    TRACKERS,
    chain_significance,
    chain_track,
    draw_melody_path,
    draw_planted_path,
    greedy_track,
    hide_tone,
    melody_path,
    plant_path,
    planted_path_power,
    viterbi_track,
)
from qglib.data.audio import Sound


def events(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.sort(rng.random(n)), rng.random(n)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("speed", [0.5, 1.0, 3.0])
def test_longest_chain_equals_the_longest_path_of_networkx(
    seed: int, speed: float
) -> None:
    t, x = events(40, seed)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(40))
    for i in range(40):
        for j in range(i + 1, 40):
            if abs(x[j] - x[i]) <= speed * (t[j] - t[i]):
                graph.add_edge(i, j)
    track, length = chain_track(t, x, speed)
    assert length == len(track) == len(nx.dag_longest_path(graph))
    for i, j in pairwise(track):
        assert graph.has_edge(i, j)


def test_null_chain_of_a_thousand_events_in_a_box() -> None:
    found = chain_significance(*events(1000, 0), 1.0, np.random.default_rng(1), 100)
    # the published simulation: mean 45.9, standard deviation 1.9
    assert found.null.mean() == pytest.approx(45.9, abs=0.8)
    assert found.null.std() == pytest.approx(1.9, abs=0.6)


def test_significance_has_its_level_and_finds_a_line() -> None:
    rng = np.random.default_rng(2)
    for null in ("sprinkling", "permutation"):
        p = [
            chain_significance(*events(60, 100 + k), 1.0, rng, 19, null).p_value
            for k in range(120)
        ]
        # 19 draws: the level is 1 in 20; three standard errors of 120 trials
        assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
        assert np.mean(p) > 0.4
    scene = plant_path(200, 40, rng)
    found = chain_significance(scene.times, scene.places, 1.0, rng, 99)
    assert found.p_value == 0.01
    assert found.length > found.null.max()


def test_trackers_follow_a_straight_line_without_clutter() -> None:
    t = np.linspace(0, 1, 41)
    x = 0.2 + 0.5 * t
    for tracker in (chain_track, greedy_track, viterbi_track):
        assert np.array_equal(tracker(t, x)[0], np.arange(41))


def test_greedy_takes_the_nearest_and_stops_at_a_gap() -> None:
    t = np.array([0.0, 0.02, 0.04, 0.05, 1.0])
    x = np.array([0.0, 0.0, 0.03, 0.01, 0.0])
    # from event 1 the nearest in the cone is 3, event 2 lies outside of it
    assert greedy_track(t, x)[0].tolist() == [0, 1, 3]


def test_viterbi_prefers_the_smooth_branch() -> None:
    line = np.arange(25) * 0.025
    t, x = np.insert(line, 11, line[10] + 1e-4), np.insert(0.5 * line, 11, 0.5 * 0.275)
    # event 11 is within the cone of event 9 but off the line, beside event 10
    assert abs(x[11] - x[9]) < t[11] - t[9]
    assert viterbi_track(t, x)[0].tolist() == [*range(11), *range(12, 26)]


def test_recall_grows_with_the_number_planted() -> None:
    table = planted_path_power(
        [5, 60], np.random.default_rng(3), 200, n_trials=8, n_null=20
    )
    recall = table.pivot(index="tracker", columns="k", values="recall")
    assert (recall[60] > recall[5]).all()
    assert (recall[60].drop("greedy") > 0.5).all()
    assert table[["recall", "precision", "power"]].stack().between(0, 1).all()
    scene = plant_path(50, 10, np.random.default_rng(0))
    assert scene.planted.sum() == 10 and (np.diff(scene.times) >= 0).all()
    figure = draw_planted_path(scene, table)
    assert {line.get_label() for line in figure.axes[2].lines} >= set(TRACKERS)
    plt.close(figure)


def test_hidden_tone_is_recovered_and_its_frequency_is_right() -> None:
    rng = np.random.default_rng(4)
    noise = Sound(rng.normal(size=8000), 8000)
    mixed, times, octaves = hide_tone(noise, rng, level=1.0)
    gain = np.diff(octaves) / np.diff(times)
    assert np.allclose(np.abs(gain), 0.4)
    assert 400 <= 2 ** octaves[0] <= 1200
    found = melody_path(mixed, rng, n_draws=19)
    assert found.chain.p_value == pytest.approx(0.05)
    assert found.near(times, octaves, 0.05)["longest chain"] > 0.5
    figure = draw_melody_path(found)
    assert figure.axes[0].get_ylabel() == "frequency (Hz)"
    plt.close(figure)


@pytest.mark.parametrize("which", [study, orientation_study])
def test_recorded_studies_are_reproduced(which) -> None:
    recorded = json.loads(which.RESULT.read_text())["slice"]
    for row, again in zip(recorded, which.slice_of_study(), strict=True):
        assert row.keys() == again.keys()
        for key, value in row.items():
            numeric = isinstance(value, float)
            assert again[key] == (pytest.approx(value, abs=2e-3) if numeric else value)


def test_bad_input() -> None:
    t, x = events(10, 0)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="vectors of one length"):
        chain_track(t, x[:5])
    with pytest.raises(ValueError, match="drop the events with NaN"):
        chain_track(t, np.where(x > 0.5, np.nan, x))
    with pytest.raises(ValueError, match="sort the events"):
        chain_track(t[::-1], x)
    with pytest.raises(ValueError, match="speed must be a positive"):
        chain_track(t, x, 0)
    with pytest.raises(ValueError, match="one draw at least"):
        chain_significance(t, x, 1.0, rng, 0)
    with pytest.raises(ValueError, match="null="):
        chain_significance(t, x, 1.0, rng, 5, "none")
    with pytest.raises(ValueError, match="one point at least"):
        plant_path(0, 0, rng)
    with pytest.raises(ValueError, match="at least 2 and 19"):
        planted_path_power([3], rng, n_trials=1)
    with pytest.raises(ValueError, match="level must be"):
        hide_tone(Sound(np.ones(800), 8000), rng, level=-1)
    with pytest.raises(ValueError, match="NaN or infinite samples"):
        melody_path(Sound(np.full(8000, np.nan), 8000), rng)
