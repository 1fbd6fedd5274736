"""The picture of the circuit."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from qglib.holography import D4_ANGLES, draw_mera


@pytest.mark.parametrize(
    ("learned", "options"),
    [
        (None, {}),
        (None, {"start": [0.1, 0.2, 0.3], "scales": 2}),
        (np.add(np.tile(D4_ANGLES, (6, 1)), 0.1), {"rate": 8000.0}),
    ],
)
def test_three_panels_are_drawn(learned, options):
    fig = draw_mera(learned, **options)
    circuit, wavelet, bands = fig.axes
    fig.canvas.draw()
    assert "(" in bands.get_xlabel() and "(" in wavelet.get_xlabel()
    assert len(wavelet.get_legend().get_texts() if learned is not None else "ab") == 2
    drawn = min(3, options.get("scales", 3))
    labels = [text.get_text() for text in circuit.texts]
    assert sum("theta" in label for label in labels) == drawn * (
        len(options.get("start", D4_ANGLES))
    )
    plt.close(fig)


def test_gains_of_all_bands_add_up_to_one():
    """Energy per frequency is shared among the bands: a property of the circuit."""
    fig = draw_mera(scales=3)
    bands = fig.axes[2]
    frequency = bands.lines[0].get_xdata()
    total = sum(line.get_ydata() for line in bands.lines)
    # at the highest frequency the scaling band, which is not drawn, is empty
    assert total[-1] == pytest.approx(1.0, abs=1e-9)
    assert frequency[-1] == 0.5
    plt.close(fig)


def test_bad_drawings():
    with pytest.raises(ValueError, match="scales is 11"):
        draw_mera(scales=11)
    with pytest.raises(ValueError, match="same depth"):
        draw_mera(np.zeros((3, 4)))
