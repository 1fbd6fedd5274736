"""Pictures of events draw what they are given."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from qglib.data import (
    draw_blobs,
    draw_partials,
    draw_peaks,
    load_digits_images,
    scale_space_events,
    spectral_events,
    synthetic_partials,
)


def test_event_pictures():
    image = load_digits_images().images[0]
    blobs = scale_space_events(image)
    scene = synthetic_partials(np.random.default_rng(2), n_partials=3, seconds=1.0)
    peaks = spectral_events(scene.sound)
    fig, axs = plt.subplots(1, 3)
    draw_blobs(image, blobs, axs[0])
    draw_peaks(scene.sound, peaks, axs[1])
    draw_partials(scene, peaks, axs[2])
    assert len(axs[0].collections[0].get_offsets()) == len(blobs)
    assert len(axs[1].lines[0].get_xdata()) == len(peaks)
    assert len(axs[2].lines) == 1 + 3 + 1
    fig.canvas.draw()
    plt.close(fig)
