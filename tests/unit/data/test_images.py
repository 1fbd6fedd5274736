"""Digits and the events of an image."""

import numpy as np
import pytest

from qglib.data.images import pixel_events, scale_space_events


def test_pixel_events_keep_every_pixel():
    image = np.arange(12.0).reshape(3, 4)[::-1] / 12
    events = pixel_events(image, speed=2.0)
    assert len(events) == 12 and events.dropped == 0
    assert (np.diff(events.times) >= 0).all()
    for t, (r, c) in zip(events.times, events.contents.astype(int), strict=True):
        assert image[r, c] == t


def test_scale_space_finds_a_blob_at_its_place_and_scale():
    """The scaled Laplacian of a Gaussian blob of width s peaks at sigma = s."""
    y, x = np.mgrid[:41, :41]
    blob = np.exp(-((y - 18) ** 2 + (x - 24) ** 2) / (2 * 4.0**2))
    events = scale_space_events(blob)
    centre = (events.contents == [18, 24]).all(axis=1)
    assert 41 / 4 / 2 ** events.times[centre] == pytest.approx(4.0, rel=0.15)
    bright = [name.startswith("bright") for name in events.names]
    assert (bright == centre).all(), "around it only its dark ring"
    assert len(scale_space_events(np.zeros((8, 8)))) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: pixel_events(np.zeros(3)),
        lambda: pixel_events(np.full((2, 2), np.nan)),
        lambda: scale_space_events(np.zeros((4, 4, 3))),
    ],
)
def test_bad_images_are_refused(call):
    with pytest.raises(ValueError):
        call()
