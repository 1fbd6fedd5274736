"""Grey images, arrays (rows, columns)."""

from __future__ import annotations

from typing import Any

import numpy as np

from qglib.data.events import Events
from qglib.data.images import grey, pixel_events, scale_space_events
from qglib.data.kinds.parting import Edits, blanked, cuts, exchanged

GRID = 4  # patches along each side, at most


def _patches(image: np.ndarray) -> list[tuple[slice, slice]]:
    rows, columns = image.shape
    return [(r, c) for r in cuts(rows, GRID) for c in cuts(columns, GRID)]


def parts(x: np.ndarray) -> list[str]:
    """Patches, four by four at most, named by their first row and column."""
    return [f"patch {r.start},{c.start}" for r, c in _patches(grey(x))]


def blank(x: np.ndarray, keep: Any, background: Any = None) -> np.ndarray:
    """The image with patches overwritten, by the mean of x without a background."""
    image = grey(x)
    fill = image.mean() if background is None else background
    return blanked(image, _patches(image), keep, fill)


def events(x: np.ndarray, reading: str = "pixels", **options: Any) -> Events:
    """Pixels by brightness (reading "pixels"), or "blobs" from coarse to fine.

    ``options``, the speed for instance, are those of `pixel_events` and
    `scale_space_events`. Another reading is a ValueError.
    """
    makers = {"pixels": pixel_events, "blobs": scale_space_events}
    if reading not in makers:
        raise ValueError(f'reading is {reading!r}: choose "pixels" or "blobs"')
    return makers[reading](x, **options)


def edits(x: np.ndarray, rng: np.random.Generator, background: Any = None) -> Edits:
    """Shifted, blanked and exchanged copies, and a placebo.

    Returns:
        "shift" (by one pixel, the border repeated), "blank" (one patch), "exchange"
        (two patches of one size), "placebo" (mirrored twice).
    """
    image = grey(x)
    patches = _patches(image)
    down, right = ((1, 0), (-1, 0), (0, 1), (0, -1))[int(rng.integers(4))]
    framed = np.pad(image, 1, mode="edge")
    rows, columns = image.shape
    keep = np.arange(len(patches)) != rng.integers(len(patches))
    return {
        "shift": framed[1 - down : 1 - down + rows, 1 - right : 1 - right + columns],
        "blank": blank(image, keep, background),
        **exchanged(image, patches, rng),
        "placebo": image[:, ::-1][:, ::-1].copy(),
    }
