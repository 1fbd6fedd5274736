"""Classification tasks whose items are events or series, with ordinary rivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qglib.data.events import Events, token_events
from qglib.data.images import load_digits_images, pixel_events, scale_space_events
from qglib.data.series import Series, windows


@dataclass(frozen=True, repr=False)
class Task:
    """Items, their classes, and the ordinary descriptions that features must beat.

    Attributes:
        name: name of the task.
        items: events of each item, or series, shape (n, steps), one per row.
        labels: shape (n,), classes.
        baselines: name to array (n, p); the first is the one to beat, later ones
            are stronger.
        groups: shape (n,), items of one group belong on one side of a split; None
            where items are independent.
        note: what is asked, in one sentence.
    """

    name: str
    items: tuple[Events, ...] | np.ndarray
    labels: np.ndarray
    baselines: Mapping[str, np.ndarray]
    groups: np.ndarray | None
    note: str

    def __len__(self) -> int:
        """Number of items."""
        return len(self.labels)

    def __repr__(self) -> str:
        """Counts in one line."""
        kept, dropped = self.events_per_item
        return (
            f"{self.name}: {len(self)} items, {len(np.unique(self.labels))} classes, "
            f"{kept:.1f} events and {dropped:.1f} dropped per item"
        )

    @property
    def baseline(self) -> np.ndarray:
        """The first of the baselines."""
        return next(iter(self.baselines.values()))

    @property
    def events_per_item(self) -> tuple[float, float]:
        """Mean number of events kept and dropped (every step of a series is kept)."""
        if isinstance(self.items, np.ndarray):
            return float(self.items.shape[1]), 0.0
        kept = np.mean([len(events) for events in self.items])
        return float(kept), float(np.mean([e.dropped for e in self.items]))

    def shuffled(self, rng: np.random.Generator) -> tuple[Events, ...] | np.ndarray:
        """The same items with times and contents paired at random: the order null."""
        if isinstance(self.items, np.ndarray):
            return rng.permuted(self.items, axis=1)
        return tuple(events.shuffled(rng) for events in self.items)


def digit_task(
    n: int, rng: np.random.Generator, events: str = "pixels", speed: float = 0.0
) -> Task:
    """Which digit is drawn? The rival is the vector of 64 pixels.

    Args:
        n: images, drawn without repetition; at most 1797.
        rng: draws them.
        events: "pixels" (brightness as time) or "blobs" (scale-space extrema).
        speed: speed limit; 0 takes the default of the conversion.

    Raises:
        ValueError: n outside 1 .. 1797 or an unknown kind of events.
    """
    digits = load_digits_images()
    if not 1 <= n <= len(digits):
        raise ValueError(f"n is {n}: there are 1 to {len(digits)} images")
    if events not in ("pixels", "blobs"):
        raise ValueError(f'events is {events!r}: choose "pixels" or "blobs"')
    make = pixel_events if events == "pixels" else scale_space_events
    chosen = rng.permutation(len(digits))[:n]
    items = [make(digits.images[k]) for k in chosen]
    if speed:
        items = [item.with_speed(speed) for item in items]
    pixels = digits.images[chosen].reshape(n, -1)
    name, note = f"digit from {events}", "which of ten digits an image shows"
    return Task(
        name, tuple(items), digits.labels[chosen], {"64 pixels": pixels}, None, note
    )


def topic_task(
    vectors: Sequence[np.ndarray],
    labels: Sequence[str],
    summaries: np.ndarray,
    window: float = 16.0,
    keep: Sequence[np.ndarray] | None = None,
    name: str = "topic",
) -> Task:
    """What is a text about? The rival is one summary vector per text.

    Args:
        vectors: embeddings of the words of each text, arrays (n_words, k).
        labels: class of each text.
        summaries: shape (n, p), for instance the mean vector of each text.
        window: see `token_events`.
        keep: which words are events, booleans (n_words,) per text.
        name: name of the task.
    """
    kept = [None] * len(vectors) if keep is None else keep
    items = [
        token_events(rows, window=window, keep=some)
        for rows, some in zip(vectors, kept, strict=True)
    ]
    baselines = {"summary vector": np.asarray(summaries, dtype=float)}
    note = "class of a text from its words in reading order"
    return Task(name, tuple(items), np.asarray(labels), baselines, None, note)


def sentence_order_task(
    sentences: Sequence[np.ndarray], rng: np.random.Generator, window: float = 3.0
) -> Task:
    """Are the sentences of a text in their own order or shuffled?

    Each text appears twice, as written and with its sentences shuffled; both belong
    to one group. Rivals: the mean vector, which is blind to order, and the cosines
    of neighbouring sentences, which are not.

    Args:
        sentences: vectors of the sentences of each text, arrays (n_sentences, k).
        rng: shuffles, never into the original order.
        window: see `token_events`, in sentences.

    Raises:
        ValueError: a text of fewer than three sentences.

    Source: Barzilay, Lapata, Computational Linguistics 34 (2008) 1.
    """
    items, blind, aware = [], [], []
    for rows in sentences:
        size = len(rows)
        if size < 3:
            raise ValueError(f"a text has {size} sentences: at least 3 are needed")
        order = rng.permutation(size)
        while (order == np.arange(size)).all():
            order = rng.permutation(size)
        for version in (rows, rows[order]):
            items.append(token_events(version, window=window))
            blind.append(version.mean(axis=0))
            aware.append(_neighbour_cosines(version))
    n = len(sentences)
    baselines = {
        "mean vector (blind to order)": np.array(blind),
        "cosines of neighbouring sentences": np.array(aware),
    }
    labels = np.tile(["as written", "shuffled"], n)
    note = "a text as written or with shuffled sentences"
    groups = np.repeat(np.arange(n), 2)
    return Task("sentence order", tuple(items), labels, baselines, groups, note)


def _neighbour_cosines(rows: np.ndarray) -> np.ndarray:
    """Mean, spread and range of the cosines of neighbours, and of the two ends."""
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = units @ units.T
    near, next_but_one = np.diag(cosines, 1), np.diag(cosines, 2)
    ends = cosines[0, 1:].mean(), cosines[-1, :-1].mean()
    return np.array(
        [near.mean(), near.std(), near.min(), near.max(), next_but_one.mean(), *ends]
    )


def direction_task(
    series: Series, length: int, stride: int, block: int, part: slice = slice(None)
) -> Task:
    """Does a stretch of a series run forwards or backwards in time?

    Every window appears twice, as observed and reversed; windows of one block belong
    to one group. Rivals: quantiles of the values, which a reversal does not change,
    and statistics of the increments, which it does.

    Args:
        series: the series.
        length: steps of a window.
        stride: steps between windows.
        block: see `windows`.
        part: which steps to use.

    Source of the question: Weiss, J. Appl. Probab. 12 (1975) 831; of the statistic
    x_t^2 x_(t+k) - x_t x_(t+k)^2: Ramsey, Rothman, J. Money Credit Bank. 28 (1996) 1.
    """
    rows, groups = windows(series.values[part], length, stride, block)
    items = np.concatenate([rows, rows[:, ::-1]])
    shares = np.quantile(items, np.linspace(0, 1, 7), axis=1).T
    baselines = {
        "quantiles (blind to order)": shares,
        "increments and time asymmetry": np.hstack([shares, _asymmetry(items)]),
    }
    labels = np.repeat(["forwards", "backwards"], len(rows))
    note = f"whether {length} {series.step}s run forwards or backwards"
    name = f"direction of {series.name}"
    return Task(name, items, labels, baselines, np.tile(groups, 2), note)


def _asymmetry(rows: np.ndarray) -> np.ndarray:
    """Autocorrelations, Ramsey-Rothman statistics, and shape of the increments."""
    found = []
    for lag in (1, 2, 4):
        early, late = rows[:, :-lag], rows[:, lag:]
        found.append((early * late).mean(axis=1))
        found.append((early**2 * late - early * late**2).mean(axis=1))
    steps = np.diff(rows, axis=1)
    centred = steps - steps.mean(axis=1, keepdims=True)
    spread = np.maximum(steps.std(axis=1), 1e-12)
    found.append((centred**3).mean(axis=1) / spread**3)
    found.append((steps > 0).mean(axis=1))
    found += list(np.quantile(steps, (0.1, 0.5, 0.9), axis=1))
    return np.column_stack(found)
