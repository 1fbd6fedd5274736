"""Optimal paths through timed events: longest chain, greedy, smooth Viterbi.

The longest chain under a speed limit (proper time on a causal set) is the optimal
path of event data, and its length is a test against events without a path.

Source: Brightwell & Gregory, PRL 66 (1991) 260; Arias-Castro, Donoho, Huo & Tovey,
Adv. Appl. Prob. 37 (2005) 571; Viterbi, IEEE Trans. Inf. Theory 13 (1967) 260.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qglib.causal import tracker_kernels
from qglib.spacetime import Causet, longest_chain

__all__ = [
    "TRACKERS",
    "ChainSignificance",
    "chain_significance",
    "chain_track",
    "greedy_track",
    "viterbi_track",
]

Track = tuple[np.ndarray, float]


def _check(times: np.ndarray, places: np.ndarray, speed: float) -> tuple:
    t, x = np.asarray(times, dtype=float), np.asarray(places, dtype=float)
    if t.ndim != 1 or t.shape != x.shape or not len(t):
        raise ValueError(
            f"times {t.shape} and places {x.shape} must be vectors of one length, one "
            "event at least."
        )
    if not (np.isfinite(t).all() and np.isfinite(x).all()):
        raise ValueError("times and places must be finite; drop the events with NaN.")
    if (np.diff(t) < 0).any():
        raise ValueError("times must ascend; sort the events by time.")
    if not speed > 0 or not np.isfinite(speed):
        raise ValueError(f"speed must be a positive number, got {speed}.")
    return t, x


def chain_track(times: np.ndarray, places: np.ndarray, speed: float = 1.0) -> Track:
    """Longest chain with |dx| <= speed dt: indices in time order, and its length."""
    t, x = _check(times, places, speed)
    ahead, behind = speed * t + x, speed * t - x
    order = Causet.from_ranks(ahead, behind, ties="weak")
    found = longest_chain(order, count=False)
    labels = range(len(t)) if order.labels is None else order.labels
    return np.sort([int(labels[k]) for k in found.elements]), float(found.length)


def greedy_track(
    times: np.ndarray,
    places: np.ndarray,
    speed: float = 1.0,
    window: float = 0.06,
    starts: int = 40,
) -> Track:
    """Nearest next event in the cone, again and again: the longest such track.

    Tried from the first `starts` events of the first .15 of the time; the statistic
    is the number of events.
    """
    t, x = _check(times, places, speed)
    span = max(t[-1] - t[0], 1e-300)
    first = np.flatnonzero(t - t[0] < 0.15 * span)[:starts]
    tracks = [
        tracker_kernels.greedy(t, x, float(speed), window * span, int(k)) for k in first
    ]
    best = max(tracks, key=len)
    return best, float(len(best))


def viterbi_track(
    times: np.ndarray,
    places: np.ndarray,
    speed: float = 1.0,
    window: float = 0.15,
    rate: float = 40.0,
    turn: float = 2.0,
    jitter: float = 0.001,
) -> Track:
    """The likeliest smooth track against clutter, with its log-likelihood ratio.

    Parameters
    ----------
    times, places, speed: as `chain_track`.
    window: longest gap, as a share of the time spanned.
    rate: expected events of a track over the time spanned.
    turn: standard deviation of the bend, in units of the spread of the places per
        squared time spanned.
    jitter: of the places, as a share of their spread.
    """
    t, x = _check(times, places, speed)
    span = max(t[-1] - t[0], 1e-300)
    wide = max(np.ptp(x), 1e-300)
    score, back, _ = tracker_kernels.viterbi(
        (t - t[0]) / span,
        (x - x.min()) / wide,
        float(speed) * span / wide,
        window,
        rate,
        float(len(t)),
        turn,
        jitter,
    )
    at = int(np.argmax(score))
    track = [at]
    while back[track[-1]] >= 0:
        track.append(int(back[track[-1]]))
    return np.array(track[::-1]), float(score[at])


TRACKERS: dict[str, Callable[..., Track]] = {
    "longest chain": chain_track,
    "greedy": greedy_track,
    "smooth Viterbi": viterbi_track,
}


@dataclass(frozen=True)
class ChainSignificance:
    """A longest chain against chains of events without one.

    Attributes
    ----------
    track: indices of the chain, in time order.
    length: number of its events.
    null: lengths in the null draws.
    p_value: (1 + draws at least as long) / (1 + draws).
    """

    track: np.ndarray
    length: float
    null: np.ndarray
    p_value: float


def chain_significance(
    times: np.ndarray,
    places: np.ndarray,
    speed: float,
    rng: np.random.Generator,
    n_draws: int = 199,
    null: str = "sprinkling",
) -> ChainSignificance:
    """Is the longest chain of these events longer than chance makes it?

    Parameters
    ----------
    times, places: (n,) each, times ascending.
    speed: largest change of place per unit of time.
    rng: source of the null.
    n_draws: null draws.
    null: "sprinkling" scatters as many events evenly over the same box,
        "permutation" deals the places anew to the times, which keeps how often each
        place and each time occurs.

    Raises
    ------
    ValueError: events or speed as `chain_track`, an unknown null, or n_draws < 1.
    """
    if null not in ("sprinkling", "permutation") or n_draws < 1:
        raise ValueError(
            f"null={null!r}, n_draws={n_draws}: use 'sprinkling' or 'permutation' and "
            "one draw at least."
        )
    track, length = chain_track(times, places, speed)
    t, x = np.asarray(times, float), np.asarray(places, float)
    lengths = np.empty(n_draws)
    for k in range(n_draws):
        if null == "sprinkling":
            draw_t = np.sort(rng.uniform(t[0], t[-1], len(t)))
            draw_x = rng.uniform(x.min(), x.max(), len(t))
        else:
            draw_t, draw_x = t, rng.permutation(x)
        lengths[k] = chain_track(draw_t, draw_x, speed)[1]
    p = (1 + int((lengths >= length).sum())) / (1 + n_draws)
    return ChainSignificance(track, length, lengths, p)
