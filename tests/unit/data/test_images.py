"""Digits and the events of an image."""

import numpy as np
import pytest

from qglib.data import pixel_events, scale_space_events


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
    sigmas = np.geomspace(1, 16, 13)
    events = scale_space_events(blob, sigmas, threshold=0.3)
    assert len(events) == 1
    assert events.contents[0].tolist() == [18, 24]
    assert 16 / 2 ** events.times[0] == pytest.approx(4.0, rel=0.15)
    assert events.names[0].startswith("bright")
    assert len(scale_space_events(np.zeros((8, 8)))) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: pixel_events(np.zeros(3)),
        lambda: pixel_events(np.full((2, 2), np.nan)),
        lambda: scale_space_events(np.zeros((4, 4, 3))),
        lambda: scale_space_events(np.zeros((4, 4)), np.array([1.0, 2.0])),
        lambda: scale_space_events(np.zeros((4, 4)), np.array([3.0, 2.0, 1.0])),
    ],
)
def test_bad_images_are_refused(call):
    with pytest.raises(ValueError):
        call()
