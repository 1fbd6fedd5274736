"""Alarms against exact run lengths: a Bernoulli CUSUM is a finite Markov chain."""

from __future__ import annotations

import numpy as np
import pytest

from qglib.causal import Cusum, calibrate, change_point, cusum, delays, ewma

UP, DOWN = 4.0, -1.0  # increments of a one and of a zero, on a lattice


def transient(probability: float, threshold: int) -> np.ndarray:
    """Transitions between the states 0 to threshold of the CUSUM, alarm left out."""
    chain = np.zeros((threshold + 1, threshold + 1))
    for state in range(threshold + 1):
        chain[state, max(0, state + int(DOWN))] += 1 - probability
        if state + UP <= threshold:
            chain[state, state + int(UP)] += probability
    return chain


def run_length(probability: float, threshold: int) -> float:
    """Mean steps to the alarm from 0 (Brook and Evans, Biometrika 59 (1972) 539)."""
    chain = transient(probability, threshold)
    return np.linalg.solve(np.eye(len(chain)) - chain, np.ones(len(chain)))[0]


def bernoulli(rng, probability: float, shape: tuple[int, int]) -> np.ndarray:
    return np.where(rng.random(shape) < probability, UP, DOWN)


@pytest.mark.parametrize("probability", [0.1, 0.2, 0.35])
def test_the_run_length_is_that_of_the_markov_chain(probability) -> None:
    rng = np.random.default_rng(3)
    exact = run_length(probability, 12)
    path = cusum(bernoulli(rng, probability, (12_000, int(14 * exact))))
    found = delays(path, 12, change=0)
    assert found.missed < 1e-4 and found.early == 0
    found = found.delay[np.isfinite(found.delay)]
    assert found.mean() == pytest.approx(exact, rel=0.03)


def test_a_wrong_threshold_would_be_seen() -> None:
    """The 3 % above is finer than one step of the lattice."""
    assert run_length(0.1, 13) / run_length(0.1, 12) > 1.05


def test_a_change_of_size_zero_gives_the_level() -> None:
    rng = np.random.default_rng(5)
    exact = 1 - np.linalg.matrix_power(transient(0.1, 15), 300)[0].sum()
    path = cusum(bernoulli(rng, 0.1, (4000, 300)))
    assert (path.max(1) > 15).mean() == pytest.approx(exact, abs=0.02)
    threshold = calibrate(rng.normal(size=(4000, 50)), 0.1)
    fresh = delays(rng.normal(size=(4000, 50)), threshold, change=0)
    assert 1 - fresh.missed == pytest.approx(0.1, abs=0.02)


def test_the_level_holds_over_calibrations() -> None:
    """With 9 streams and level .1 the threshold is the largest: exactly a tenth."""
    rng = np.random.default_rng(7)
    draws = rng.normal(size=(20_000, 10, 3))
    above = [one[9].max() > calibrate(one[:9], 0.1) for one in draws[:4000]]
    assert np.mean(above) == pytest.approx(0.1, abs=0.015)
    with pytest.raises(ValueError, match=r"8 streams, level .* needs 9"):
        calibrate(draws[0, :8], 0.1)


def test_one_pass_equals_the_array_to_the_bit() -> None:
    increments = np.random.default_rng(1).normal(-0.1, 1, 3000)
    path = cusum(increments, start=1.5)
    live = Cusum(4.0, start=1.5)
    alarms = []
    for step, z in enumerate(increments):
        alarms.append(live.update(z))
        assert live.value == path[step]
        assert live.since == change_point(path, step)
    assert alarms == list(path > 4.0) and any(alarms)
    assert (cusum(increments[None], start=1.5)[0] == path).all()


def test_the_moving_average_and_its_variance() -> None:
    values = np.zeros(50)
    values[10] = 1
    path = ewma(values, 0.2)
    assert path[:10].max() == 0
    assert path[10:] == pytest.approx(0.2 * 0.8 ** np.arange(40))
    assert ewma([3.0, 3.0], 0.5, start=3.0).tolist() == [3.0, 3.0]
    spread = ewma(np.random.default_rng(2).normal(size=(20_000, 60)), 0.2)[:, -1].var()
    assert spread == pytest.approx(0.2 / 1.8, rel=0.04)  # w / (2 - w)


def test_delay_counts_from_the_change() -> None:
    path = np.zeros((4, 10))
    path[0, 3], path[1, 6], path[2, 4], path[3, 2] = 2, 2, 2, 2
    path[3, 5] = 2  # alarmed before the change: no delay, whatever comes later
    found = delays(path, 1, change=4)
    assert np.isnan(found.delay[[0, 3]]).all()
    assert found.delay[[1, 2]].tolist() == [3, 1]
    assert (found.missed, found.early) == (0, 0.5)
    assert delays(path, 2, change=4).missed == 1  # an alarm is above, not at


def test_the_change_point_follows_the_last_zero() -> None:
    increments = np.r_[-np.ones(20), np.ones(10)]
    path = cusum(increments)
    assert change_point(path, 25) == 20
    assert change_point(cusum(np.ones(5)), 3) == 0


BAD = [
    (lambda: cusum([]), "no steps"),
    (lambda: cusum(3.0), "no steps"),
    (lambda: cusum([0.0, np.nan]), r"increments is nan at index \(1,\)"),
    (lambda: cusum([1.0], start=-1), "start is -1"),
    (lambda: ewma([np.inf], 0.1), r"values is inf at index \(0,\)"),
    (lambda: ewma([1.0], 0), "weight is 0"),
    (lambda: calibrate([[1.0]], 0), "level is 0"),
    (lambda: calibrate([[1.0]], 1), "level is 1"),
    (lambda: calibrate([[1.0]], float("nan")), "level is nan"),
    (lambda: calibrate([1.0, 2.0], 0.5), r"give \(streams, steps\)"),
    (lambda: calibrate(np.empty((0, 3)), 0.5), "no steps"),
    (lambda: delays([[1.0, np.nan]], 1, 0), "nan at index"),
    (lambda: delays([[1.0]], 1, 1), "change is 1: give an index of the 1 steps"),
    (lambda: change_point([1.0], 1), "alarm is 1"),
    (lambda: Cusum(-1), "threshold is -1"),
    (lambda: Cusum(float("nan")), "threshold is nan"),
    (lambda: Cusum(1).update(float("nan")), "step 0: increment is nan"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
