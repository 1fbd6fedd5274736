"""Images and the events in them: brightness levels and scale-space extrema."""

import numpy as np
from scipy.ndimage import gaussian_laplace, maximum_filter

from qglib.data.events import Events

_THRESHOLD = 0.02  # smallest blob that counts, as a share of the range of brightness


def grey(image: np.ndarray) -> np.ndarray:
    """The image as floats; a ValueError if it is not (rows, columns), or has NaN."""
    image = np.asarray(image, dtype=float)
    if image.ndim != 2 or np.isnan(image).any():
        raise ValueError(
            f"image has shape {image.shape}: it must be (rows, columns) without NaN"
        )
    return image


def pixel_events(image: np.ndarray, speed: float = 4.0) -> Events:
    """Every pixel as an event: time is its brightness in [0, 1], content its place.

    A pixel precedes a brighter one that is close enough: the order of flooding
    the image level by level. Pixels of equal brightness are unrelated. ``speed`` is
    in pixels per unit of brightness (4: from black to white four pixels).
    """
    image = grey(image)
    order = np.argsort(image, axis=None, kind="stable")
    places = np.column_stack(np.unravel_index(order, image.shape))
    return Events(
        times=image.ravel()[order],
        contents=places.astype(float),
        metric="euclidean",
        speed=float(speed),
        names=tuple(f"{r},{c}" for r, c in places),
        time_unit="brightness",
        note="brightness as time, pixel distance as distance",
        reason="nothing is dropped",
    )


def scale_space_events(image: np.ndarray, speed: float = 3.0) -> Events:
    """Blobs of an image from coarse to fine: extrema of the scaled Laplacian.

    Seven scales from 0.7 pixels to a quarter of the shorter side; time = octaves below
    the coarsest one, content = place, ``speed`` in pixels per octave. Extrema below 2 %
    of the range of brightness are dropped and counted.

    Source: Lindeberg, Int. J. Comput. Vis. 30 (1998) 79.
    """
    image = grey(image)
    sigmas = np.geomspace(0.7, max(1.5, min(image.shape) / 4), 7)
    stack = np.array([s * s * gaussian_laplace(image, s) for s in sigmas])
    strength = np.abs(stack)
    peaks = (strength == maximum_filter(strength, size=3, mode="nearest")) & (
        strength > 1e-12
    )
    strong = peaks & (strength >= _THRESHOLD * max(np.ptp(image), 1e-12))
    found = np.argwhere(strong)
    octaves = np.log2(sigmas[-1] / sigmas[found[:, 0]])
    order = np.argsort(octaves, kind="stable")
    sign = np.where(stack[strong] < 0, "bright", "dark")
    return Events(
        times=octaves[order],
        contents=found[order, 1:].astype(float),
        metric="euclidean",
        speed=float(speed),
        names=tuple(f"{sign[k]} {sigmas[found[k, 0]]:.2g}px" for k in order),
        dropped=int(peaks.sum() - strong.sum()),
        time_unit="octave",
        note="scale from coarse to fine as time, pixel distance as distance",
        reason=f"response below {_THRESHOLD:g} of the brightness range",
    )
