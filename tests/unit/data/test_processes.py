from __future__ import annotations

import numpy as np
import pytest

from qglib.data.economy import ECONOMY, load_economy
from qglib.data.processes import DELAYS, LINKS, NOISE, SENSORS, simulate_plant


def silent(monkeypatch) -> None:
    """No noise but the fault's own push, which counts in units of the noise."""

    class Rng:
        def normal(self, size):
            return np.zeros(size)

    monkeypatch.setattr("numpy.random.default_rng", lambda seed=0: Rng())


def test_the_plant_rests_at_its_operating_point(monkeypatch) -> None:
    silent(monkeypatch)
    values = simulate_plant(50, np.random.default_rng()).values
    assert values.columns.tolist() == list(SENSORS)
    assert np.allclose(values[["feed", "level_1", "level_2"]], 1)
    assert np.allclose(values[["weather", "power", "temperature", "quality"]], 0)


@pytest.mark.parametrize(
    ("root", "after"),
    [
        # steady states: q = 1 + 10 d, sqrt(h1) = q, h2 = h1, y = .8 (h2 - 1)
        ("feed", {"level_1": 1.2**2, "level_2": 1.2**2, "quality": 0.8 * 0.44}),
        # w = d / .03; p = -w / 2 cancels the loss to the air: no effect beyond
        ("weather", {"power": -5 / 3, "temperature": 0.0, "quality": 0.0}),
        ("power", {"temperature": 0.25, "quality": 0.2, "level_2": 1.0}),
        ("quality", {"quality": 0.08, "temperature": 0.0}),
    ],
)
def test_faults_reach_their_steady_state(monkeypatch, root, after) -> None:
    silent(monkeypatch)
    run = simulate_plant(1000, np.random.default_rng(), root=root, start=10)
    last = run.values.iloc[-1]
    for name, value in after.items():
        assert last[name] == pytest.approx(value, abs=1e-9)
    assert len(run.normal) == 10 and len(run.alarm) == 990


def test_effects_arrive_after_their_dead_time(monkeypatch) -> None:
    silent(monkeypatch)
    for cause, effect, lag in LINKS:
        run = simulate_plant(60, np.random.default_rng(), root=cause, start=20)
        moved = np.flatnonzero(np.abs(run.values[effect].diff()) > 1e-15)
        assert moved[0] == 20 + lag, (cause, effect)
    assert all((a, b, lag) in LINKS for (a, b), lag in DELAYS.items())


def test_same_seed_same_record_and_reading_noise_stays_outside() -> None:
    one, two = (simulate_plant(300, np.random.default_rng(3)) for _ in range(2))
    assert (one.values == two.values).all(axis=None)
    noisy = simulate_plant(300, np.random.default_rng(3), sensor_noise=0.5).values
    ratio = (noisy - one.values).std() / one.values.std()
    assert np.allclose(ratio, 0.5, atol=0.07)
    steps = one.values["power"].diff().std()
    assert steps == pytest.approx(NOISE[4], rel=0.25)


def test_bad_input() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no variable"):
        simulate_plant(100, rng, root="boiler")
    with pytest.raises(ValueError, match="at least 20"):
        simulate_plant(5, rng)
    with pytest.raises(ValueError, match=r"1\.\.99"):
        simulate_plant(100, rng, root="feed", start=100)
    with pytest.raises(ValueError, match="negative"):
        simulate_plant(100, rng, sensor_noise=-1)
    with pytest.raises(ValueError, match="ran dry"):
        simulate_plant(400, rng, root="level_1", size=-50)


def test_economy() -> None:
    table = load_economy()
    assert table.shape == (201, 6) and tuple(table.columns) == ECONOMY
    assert table.index[0] == "1959Q3" and table.index[-1] == "2009Q3"
    assert np.isfinite(table.to_numpy()).all()
    # real product 2778.801 to 2775.488 between the second and third quarter of 1959
    assert table["growth"].iloc[0] == pytest.approx(100 * np.log(2775.488 / 2778.801))
