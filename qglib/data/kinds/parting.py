"""What the kinds share: cutting a length, and reading keep and background."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np

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
    """A copy with the regions where ``keep`` is false taken from the background.

    ``fill`` is a number, one input, or many, whose mean does.
    """
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


def exchanged(values: np.ndarray, regions: list, rng: np.random.Generator) -> Edits:
    """A copy with two regions of equal shape exchanged, as an edit; or no edit."""
    order = [regions[k] for k in rng.permutation(len(regions))]
    for one, two in combinations(order, 2):
        if values[one].shape == values[two].shape:
            changed = values.copy()
            changed[one], changed[two] = values[two], values[one]
            return {"exchange": changed}
    return {}
