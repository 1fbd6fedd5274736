"""An industrial line simulated by its equations: two tanks, a heater, a product.

Balances of volume and heat, solved in steps of one time unit with noise in every
equation and two dead times in the pipes (`DELAYS`). q is the feed, h1 and h2 the
levels, w the weather, p the heating power, T the temperature, y the quality::

    q  <- q + .1 (1 - q)                               pump
    h1 <- h1 + (q - c1 sqrt(h1)) / 4                   volume of tank 1
    h2 <- h2 + (c1 sqrt(h1 of 2 steps ago) - c2 sqrt(h2)) / 4
    w  <- .97 w                                        weather, about its mean
    p  <- p + .2 (p0 - .5 w - p)                       feed-forward control
    T  <- T + .15 (p + w / 2 - T)                      heat balance, losses to the air
    y  <- y + .25 (.8 T of 3 steps ago + .8 (h2 - 1) - y)   product

All in units of the operating point (h1 = h2 = q = 1; p, T, y, w about 0). A fault is
a constant added to one equation from a known step on, in units of that equation's
noise: its variable is the root cause, and everything downstream moves with it.

Source of the balances: Torricelli's law and a stirred tank, as in Johansson, IEEE
Trans. Control Syst. Technol. 8 (2000) 456; the numbers are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SENSORS = ("feed", "level_1", "level_2", "weather", "power", "temperature", "quality")
"""Columns of a run, in this order."""
DELAYS = {("level_1", "level_2"): 2, ("temperature", "quality"): 3}
"""Steps of dead time where they exceed 1."""
LINKS = (
    ("feed", "level_1", 1),
    ("level_1", "level_2", 2),
    ("level_2", "quality", 1),
    ("weather", "power", 1),
    ("weather", "temperature", 1),
    ("power", "temperature", 1),
    ("temperature", "quality", 3),
)
"""True causes: (from, to, lag in steps); every variable but these also keeps itself."""
NOISE = (0.02, 0.02, 0.02, 0.1, 0.05, 0.04, 0.02)
"""Standard deviation of each equation's noise per step, in the order of `SENSORS`."""


@dataclass(frozen=True)
class ProcessRun:
    """A simulated record.

    Attributes
    ----------
    values: (n_steps, 7) readings, columns `SENSORS`, index the step.
    root: the variable whose equation was changed, None without a fault.
    start: step of the change, `n_steps` without a fault.
    size: what was added per step, in units of the equation's noise.
    """

    values: pd.DataFrame
    root: str | None
    start: int
    size: float

    @property
    def normal(self) -> pd.DataFrame:
        """Readings before the change."""
        return self.values.iloc[: self.start]

    @property
    def alarm(self) -> pd.DataFrame:
        """Readings from the change on."""
        return self.values.iloc[self.start :]


def simulate_plant(
    n_steps: int,
    rng: np.random.Generator,
    *,
    root: str | None = None,
    start: int | None = None,
    size: float = 1.0,
    sensor_noise: float = 0.0,
    warm_up: int = 200,
) -> ProcessRun:
    """Run the line, with a fault in one equation if `root` is named.

    Parameters
    ----------
    n_steps: recorded steps.
    rng: source of all noise.
    root: variable whose equation changes.
    start: step of the change; three quarters of the record if None.
    size: change per step in units of the equation's noise.
    sensor_noise: noise added to the readings only, as a share of each variable's
        standard deviation before the change; the equations never see it.
    warm_up: steps before the record starts.

    Raises
    ------
    ValueError: an unknown root, fewer than 20 steps, a start outside the record, a
        negative noise, or a fault so large that a tank runs dry.
    """
    if n_steps < 20:
        raise ValueError(f"n_steps must be at least 20, got {n_steps}.")
    if root is not None and root not in SENSORS:
        raise ValueError(f"root {root!r} is no variable; choose from {SENSORS}.")
    if sensor_noise < 0:
        raise ValueError(f"sensor_noise must not be negative, got {sensor_noise}.")
    begin = n_steps if root is None else (3 * n_steps // 4 if start is None else start)
    if root is not None and not 0 < begin < n_steps:
        raise ValueError(f"start must lie in 1..{n_steps - 1}, got {start}.")
    noise = rng.normal(size=(warm_up + n_steps, len(SENSORS))) * NOISE
    if root is not None:
        column = SENSORS.index(root)
        noise[warm_up + begin :, column] += size * NOISE[column]
    longest = max(DELAYS.values())
    state = np.zeros((longest + warm_up + n_steps, len(SENSORS)))
    state[:, :3] = 1.0
    for t, shock in enumerate(noise, start=longest):
        state[t] = _step(state, t) + shock
        if state[t, 1:3].min() <= 0:
            raise ValueError(
                f"a tank ran dry at step {t - longest - warm_up}: choose a smaller "
                f"fault, size is {size} of {root!r}."
            )
    values = state[longest + warm_up :]
    if sensor_noise:
        spread = values[:begin].std(0)
        values = values + rng.normal(size=values.shape) * sensor_noise * spread
    return ProcessRun(pd.DataFrame(values, columns=list(SENSORS)), root, begin, size)


def _step(state: np.ndarray, t: int) -> np.ndarray:
    """Right-hand sides of the equations at step `t`, without noise."""
    q, h1, h2, w, p, temperature, y = state[t - 1]
    early_h1 = state[t - DELAYS["level_1", "level_2"], 1]
    early_t = state[t - DELAYS["temperature", "quality"], 5]
    return np.array(
        [
            q + 0.1 * (1 - q),
            h1 + (q - np.sqrt(h1)) / 4,
            h2 + (np.sqrt(early_h1) - np.sqrt(h2)) / 4,
            0.97 * w,
            p + 0.2 * (-0.5 * w - p),
            temperature + 0.15 * (p + 0.5 * w - temperature),
            y + 0.25 * (0.8 * early_t + 0.8 * (h2 - 1) - y),
        ]
    )
