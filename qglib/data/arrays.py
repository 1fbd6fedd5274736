"""Arrays as kinds of data: grey images and time series, cut into regions."""

from itertools import combinations, pairwise
from typing import Any

import numpy as np

from qglib.data.events import Events, positive, typical_distance
from qglib.data.images import grey, pixel_events, scale_space_events

GRID = 4  # patches along each side of an image, at most
WINDOWS = 8  # of a series, at most

Rng = np.random.Generator
Edits = dict[str, Any]  # name of an edit to the changed input


def kept(keep: Any, n: int) -> np.ndarray:
    """The mask ``keep`` as booleans, one for each of n parts, or a ValueError."""
    mask = np.asarray(keep, dtype=bool)
    if mask.shape != (n,):
        raise ValueError(
            f"keep has shape {mask.shape}: give one entry for each of the {n} parts"
        )
    return mask


def cuts(length: int, pieces: int) -> list[slice]:
    """A length cut into at most ``pieces`` stretches, as equal as possible.

    >>> cuts(5, 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    edges = np.linspace(0, length, min(length, pieces) + 1).astype(int).tolist()
    return [slice(a, b) for a, b in pairwise(edges)]


def blanked(values: np.ndarray, regions: list, keep: Any, fill: Any) -> np.ndarray:
    """A copy with the regions where ``keep`` is false taken from the background."""
    fill = np.asarray(fill, dtype=float)
    if fill.ndim == values.ndim + 1:
        fill = fill.mean(axis=0)
    if fill.ndim and fill.shape != values.shape:
        raise ValueError(
            f"background has shape {fill.shape}: give a number, one input of shape "
            f"{values.shape}, or many of them"
        )
    changed, fill = values.copy(), np.broadcast_to(fill, values.shape)
    for region, stays in zip(regions, kept(keep, len(regions)), strict=True):
        if not stays:
            changed[region] = fill[region]
    return changed


def exchanged(values: np.ndarray, regions: list, rng: Rng) -> Edits:
    """A copy with two regions of equal shape exchanged, as an edit; or no edit."""
    order = [regions[k] for k in rng.permutation(len(regions))]
    for one, two in combinations(order, 2):
        if values[one].shape == values[two].shape:
            changed = values.copy()
            changed[one], changed[two] = values[two], values[one]
            return {"exchange": changed}
    return {}


class Image:
    """A grey image, (rows, columns); patches are four by four at most."""

    def _patches(self, image: np.ndarray) -> list[tuple[slice, slice]]:
        rows, columns = image.shape
        return [(r, c) for r in cuts(rows, GRID) for c in cuts(columns, GRID)]

    def parts(self, x: np.ndarray) -> list[str]:
        """Patches, named by their first row and column."""
        return [f"patch {r.start},{c.start}" for r, c in self._patches(grey(x))]

    def blank(self, x: np.ndarray, keep: Any, background: Any = None) -> np.ndarray:
        """Patches are overwritten, by the mean of x without a background."""
        image = grey(x)
        fill = image.mean() if background is None else background
        return blanked(image, self._patches(image), keep, fill)

    def events(self, x: np.ndarray, reading: str = "pixels", **options: Any) -> Events:
        """Pixels by brightness (reading "pixels"), or "blobs" from coarse to fine.

        ``options``, the speed for instance, are those of `pixel_events` and
        `scale_space_events`. Another reading is a ValueError.
        """
        makers = {"pixels": pixel_events, "blobs": scale_space_events}
        if reading not in makers:
            raise ValueError(f'reading is {reading!r}: choose "pixels" or "blobs"')
        return makers[reading](x, **options)

    def edits(self, x: np.ndarray, rng: Rng, background: Any = None) -> Edits:
        """One patch in "blank", two of one size in "exchange", "shift" by one pixel.

        The border is repeated; "placebo" is mirrored twice.
        """
        image = grey(x)
        patches = self._patches(image)
        down, right = ((1, 0), (-1, 0), (0, 1), (0, -1))[int(rng.integers(4))]
        framed = np.pad(image, 1, mode="edge")
        rows, columns = image.shape
        keep = np.arange(len(patches)) != rng.integers(len(patches))
        return {
            "shift": framed[
                1 - down : 1 - down + rows, 1 - right : 1 - right + columns
            ],
            "blank": self.blank(image, keep, background),
            **exchanged(image, patches, rng),
            "placebo": image[:, ::-1][:, ::-1].copy(),
        }


class Series:
    """Values at equal steps without gaps, (steps,) or (steps, channels)."""

    def _cut(self, x: Any) -> tuple[np.ndarray, list[slice]]:
        values = np.asarray(x, dtype=float)
        finite = np.isfinite(values).all()
        if values.ndim not in (1, 2) or len(values) < 2 or not finite:
            raise ValueError(
                f"x has shape {values.shape}: a series is (steps,) or (steps, "
                "channels), at least two steps, without NaN; fill gaps first"
            )
        return values, cuts(len(values), WINDOWS)

    def parts(self, x: Any) -> list[str]:
        """Windows of equal length, eight at most."""
        return [f"steps {w.start}-{w.stop - 1}" for w in self._cut(x)[1]]

    def blank(self, x: Any, keep: Any, background: Any = None) -> np.ndarray:
        """Windows are overwritten, by the mean over time without a background."""
        series, windows = self._cut(x)
        if background is None:
            background = np.broadcast_to(series.mean(axis=0), series.shape)
        return blanked(series, windows, keep, background)

    def events(
        self, x: Any, speed: float | None = None, window: float = 16.0
    ) -> Events:
        """Every step as an event: time is the step, content the value.

        Scale channels of different units. ``speed`` is the largest change per step;
        left out, a typical pair of steps may meet after ``window`` steps: the median
        distance of all pairs over ``window``. Both are positive, or a ValueError comes.
        """
        values, _ = self._cut(x)
        contents = values.reshape(len(values), -1)
        positive("window", window)
        if speed is None:
            speed = max(typical_distance(contents), 1e-12) / window
        return Events(
            times=np.arange(float(len(values))),
            contents=contents,
            metric="euclidean",
            speed=positive("speed", speed),
            names=tuple(f"step {k}" for k in range(len(values))),
            time_unit="step",
            note="step as time, distance of values as distance",
        )

    def edits(self, x: Any, rng: Rng, background: Any = None) -> Edits:
        """Two windows in "exchange", time in "reverse"; "placebo" is reversed twice."""
        series, windows = self._cut(x)
        return {
            **exchanged(series, windows, rng),
            "reverse": series[::-1].copy(),
            "placebo": series[::-1][::-1].copy(),
        }
