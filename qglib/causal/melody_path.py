"""The optimal path of a sound: one partial or one melody line among its peaks.

Spectral peaks are events (time, log2 frequency); a line may glide at most `speed`
octaves per second. The null deals the frequencies anew to the times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qglib import plots
from qglib.causal.trackers import TRACKERS, ChainSignificance, chain_significance
from qglib.data.audio import Sound, spectral_events

__all__ = ["MelodyPath", "draw_melody_path", "hide_tone", "melody_path"]


@dataclass(frozen=True)
class MelodyPath:
    """The longest line of a sound.

    Attributes
    ----------
    times, octaves: (n,) spectral peaks, seconds and log2 of Hz.
    chain: the longest chain and its significance.
    tracks: tracker -> indices of its events.
    speed: octaves per second.
    """

    times: np.ndarray
    octaves: np.ndarray
    chain: ChainSignificance
    tracks: dict[str, np.ndarray]
    speed: float

    def near(self, times: np.ndarray, octaves: np.ndarray, within: float) -> pd.Series:
        """Share of each track within `within` octaves of a known line."""
        known = np.interp(self.times, times, octaves, left=np.nan, right=np.nan)
        close = np.abs(self.octaves - known) <= within  # NaN outside: not close
        return pd.Series({name: close[t].mean() for name, t in self.tracks.items()})


def melody_path(
    sound: Sound,
    rng: np.random.Generator,
    speed: float = 1.0,
    floor_db: float = -30.0,
    n_draws: int = 99,
) -> MelodyPath:
    """Longest chain of spectral peaks, the other trackers, and a permutation null.

    Parameters
    ----------
    sound: the recording.
    rng: source of the null.
    speed: largest glide in octaves per second.
    floor_db: peaks weaker than this, relative to the strongest, are left out.
    n_draws: null draws.

    Raises
    ------
    ValueError: fewer than two peaks, a sound too short, or speed not positive.
    """
    if not np.isfinite(sound.samples).all():
        raise ValueError("the sound holds NaN or infinite samples; read it again.")
    events = spectral_events(sound, speed=speed, floor_db=floor_db)
    if len(events) < 2:
        raise ValueError(
            f"the sound has {len(events)} spectral peaks above {floor_db} dB; lower "
            "floor_db."
        )
    times, octaves = events.times, events.contents[:, 0]
    chain = chain_significance(times, octaves, speed, rng, n_draws, "permutation")
    tracks = {name: track(times, octaves, speed)[0] for name, track in TRACKERS.items()}
    return MelodyPath(times, octaves, chain, tracks, speed)


def hide_tone(
    sound: Sound, rng: np.random.Generator, level: float = 0.3, glide: float = 0.4
) -> tuple[Sound, np.ndarray, np.ndarray]:
    """Add a gliding tone to a sound: the sum, its times (s) and its log2 frequency.

    Parameters
    ----------
    sound: the recording; the tone spans all of it.
    rng: draws the first frequency, 400 to 1200 Hz, and the sign of the glide.
    level: amplitude relative to the largest sample.
    glide: octaves per second.

    Raises
    ------
    ValueError: level negative or not finite.
    """
    if not np.isfinite(level) or level < 0:
        raise ValueError(f"level must be at least 0, got {level}.")
    times = np.arange(len(sound.samples)) / sound.rate
    slope = glide * rng.choice([-1.0, 1.0])
    octaves = np.log2(rng.uniform(400, 1200)) + slope * times
    phase = 2 * np.pi * np.cumsum(2**octaves) / sound.rate
    tone = level * np.abs(sound.samples).max() * np.sin(phase)
    return replace(sound, samples=sound.samples + tone), times, octaves


def draw_melody_path(found: MelodyPath) -> Figure:
    """The peaks with the longest chain, and its length beside the null."""
    fig, axs = plt.subplots(
        1, 2, figsize=(10, 3.6), width_ratios=(2, 1), layout="constrained"
    )
    grey, colour = plots.ROLES["null"], plots.ROLES["path"]
    axs[0].scatter(found.times, 2**found.octaves, s=5, color=grey, label="peaks")
    track = found.chain.track
    axs[0].plot(
        found.times[track],
        2 ** found.octaves[track],
        color=colour,
        label="longest chain",
    )
    axs[0].set(xlabel="time (s)", ylabel="frequency (Hz)", yscale="log")
    axs[0].set_title(f"Longest line gliding at most {found.speed:g} octave/s")
    axs[0].legend(loc="upper right")
    axs[1].hist(found.chain.null, color=grey, bins=12, label="frequencies shuffled")
    axs[1].axvline(found.chain.length, color=colour, label="this sound")
    axs[1].set(xlabel="events in the longest chain", ylabel="draws")
    axs[1].set_title(f"p = {found.chain.p_value:.3f}")
    axs[1].legend()
    return fig
