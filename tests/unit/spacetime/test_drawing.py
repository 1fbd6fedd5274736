"""The drawing of an order."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from qglib.spacetime import Causet, draw_order, sprinkle_diamond


def test_drawing_an_order():
    causet = sprinkle_diamond(2, 30, np.random.default_rng(31), fixed=True)
    fig, ax = plt.subplots()
    draw_order(causet, ax, chain=(0, int(causet.future_of(0)[0])), apex=0)
    assert len(ax.collections) >= 3
    with pytest.raises(ValueError, match="position"):
        draw_order(causet, ax, position=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="coordinates"):
        draw_order(Causet.from_ranks([1, 2], [1, 2]), ax)
    plt.close(fig)
