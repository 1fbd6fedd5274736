"""Timed events in a metric space: the common form of text, image, sound, streams.

An event has a time and a content. Together with a metric and a speed limit the
events of one item are a causal set (`qglib.spacetime.Causet.from_events`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import pdist


@dataclass(frozen=True)
class Events:
    """Events of one item."""

    times: np.ndarray  # (n,), in `time_unit`, ascending
    contents: np.ndarray  # (n, k)
    metric: str  # name of the distance between contents, a true metric
    speed: float  # largest distance a content may travel per unit of time
    names: tuple[str, ...]  # what each event is, for labels
    dropped: int = 0  # how many candidates were left out, for `reason`
    time_unit: str = ""
    note: str = ""  # how the events were made, in one sentence
    reason: str = ""

    def __len__(self) -> int:
        """Number of events."""
        return len(self.times)

    def __repr__(self) -> str:
        """Counts and conventions in one line."""
        reason = f" ({self.reason})" if self.dropped and self.reason else ""
        return (
            f"Events({len(self)} kept, {self.dropped} dropped{reason}, metric "
            f"{self.metric}, speed {self.speed:.4g} per {self.time_unit})"
        )

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray, float, str]:
        """(times, contents, speed, metric), as `Causet.from_events` takes them."""
        return self.times, self.contents, self.speed, self.metric

    def with_speed(self, speed: float) -> Events:
        """The same events under another speed limit, a positive number."""
        return replace(self, speed=positive("speed", speed))

    def shuffled(self, rng: np.random.Generator) -> Events:
        """The same times and contents, paired at random: the order null.

        Where equal contents meet at equal times they are drawn again; copies that
        remain after fifty draws are dropped and counted.
        """
        order = rng.permutation(len(self))
        copies = repeated(self.times, self.contents[order])
        for _ in range(50):
            if not len(copies):
                break
            trial = order.copy()
            for i, j in zip(copies, rng.permutation(len(order)), strict=False):
                trial[i], trial[j] = trial[j], trial[i]
            left = repeated(self.times, self.contents[trial])
            if len(left) <= len(copies):
                order, copies = trial, left
        order = np.delete(order, copies)
        return replace(
            self,
            times=np.delete(self.times, copies),
            contents=self.contents[order],
            names=tuple(self.names[k] for k in order),
            dropped=self.dropped + len(copies),
        )


def positive(name: str, value: float) -> float:
    """The value as a float, or a ValueError that names it."""
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f"{name} is {value}: it must be a positive number")
    return float(value)


def repeated(times: np.ndarray, contents: np.ndarray) -> np.ndarray:
    """Indices of events that repeat an earlier one, time and content."""
    rows = np.column_stack([times, contents])
    first = np.unique(rows, axis=0, return_index=True)[1]
    return np.setdiff1d(np.arange(len(rows)), first)


def token_events(
    vectors: np.ndarray,
    tokens: Sequence[str] | None = None,
    window: float = 16.0,
    keep: np.ndarray | None = None,
) -> Events:
    """Tokens of a document: time is the position, the content an embedding.

    The metric is the angle between vectors (the cosine distance breaks the
    triangle inequality). The default speed lets a typical pair of tokens meet
    after `window` positions: the median angle of all pairs over `window`.

    Args:
        vectors: embeddings, shape (n, k), in reading order; two that are not zero.
        tokens: the words, for labels.
        window: positions after which unrelated tokens may be related.
        keep: shape (n,), true for the tokens that are events (content words, say);
            the others and zero vectors, which have no angle, are dropped; positions
            stay.
    """
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or np.isnan(vectors).any():
        raise ValueError(f"vectors has shape {vectors.shape}: give (n, k) without NaN")
    names = [str(k) for k in range(len(vectors))] if tokens is None else list(tokens)
    if len(names) != len(vectors):
        raise ValueError(f"{len(names)} tokens for {len(vectors)} vectors")
    positive("window", window)
    length = np.linalg.norm(vectors, axis=1)
    wanted = np.ones(len(vectors), bool) if keep is None else np.asarray(keep, bool)
    if wanted.shape != length.shape:
        raise ValueError(f"keep has shape {wanted.shape}: one entry per token")
    kept = np.flatnonzero(wanted & (length > 0))
    if len(kept) < 2:
        raise ValueError(f"only {len(kept)} tokens are left: 2 are needed")
    units = vectors[kept] / length[kept, None]
    return Events(
        times=kept.astype(float),
        contents=units,
        metric="angle",
        speed=max(typical_distance(units, angle=True), 1e-6) / window,
        names=tuple(names[k] for k in kept),
        dropped=len(vectors) - len(kept),
        time_unit="token",
        note="token position as time, angle between embeddings as distance",
        reason="zero vector or not wanted",
    )


def typical_distance(contents: np.ndarray, angle: bool = False) -> float:
    """Median distance or angle (radians) of all pairs; of 500 rows at most."""
    some = np.asarray(contents, dtype=float)[:: max(1, -(-len(contents) // 500))]
    if angle:
        units = some / np.linalg.norm(some, axis=1, keepdims=True)
        gaps = np.arccos(np.clip(units @ units.T, -1, 1)[np.triu_indices(len(some), 1)])
    else:
        gaps = pdist(some)
    return float(np.median(gaps)) if len(gaps) else 0.0
