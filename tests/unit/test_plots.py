"""Colours that can be told apart and drawings that refuse wrong shapes."""

from __future__ import annotations

import io
import itertools

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from qglib import plots


@pytest.fixture(autouse=True)
def _look():
    with plt.rc_context():
        plots.style()
        yield
    plt.close("all")


def test_the_style_is_readable() -> None:
    assert plt.rcParams["axes.labelsize"] >= 10
    assert not plt.rcParams["axes.spines.top"]
    cycle = [entry["color"] for entry in plt.rcParams["axes.prop_cycle"]]
    wanted = [plots.PALETTE["blue"], plots.PALETTE["orange"]]
    assert [to_rgb(c) for c in cycle[:2]] == [to_rgb(c) for c in wanted]


def test_the_colours_of_the_verdicts_differ_in_any_colour_vision() -> None:
    """Viénot, Brettel and Mollon (1999): red and green collapsed to one channel."""
    used = {plots.ROLES[v] for v in ("supported", "not supported", "undecided", "open")}
    deuteranope = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [0, 0, 1]])
    seen = [deuteranope @ np.array(to_rgb(color)) for color in used]
    for one, other in itertools.combinations(seen, 2):
        assert np.abs(one - other).sum() > 0.1


def test_intervals_draw_every_row() -> None:
    ax = plots.intervals(["a", "b"], [1, 2], [0, 1], [2, 3], roles=["quantum", "red"])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row is on top"
    colors = [line.get_color() for line in ax.lines]
    assert plots.ROLES["quantum"] in colors
    assert "red" in colors
    assert len(ax.lines) == 1 + 2 * 2


def test_intervals_of_one_row_and_without_reference() -> None:
    ax = plots.intervals(["a"], 1.0, 0.5, 1.5, reference=None)
    assert len(ax.lines) == 2


def test_a_small_png_looks_like_the_full_one() -> None:
    rng = np.random.default_rng(0)
    fig, axs = plt.subplots(1, 2, figsize=(7, 3))
    axs[0].plot(rng.normal(size=(200, 6)).cumsum(axis=0))
    axs[0].plot([0], [0], "*", color="#00FF00", ms=6)  # a colour that is rare
    axs[1].imshow(rng.random((30, 30)), cmap=plots.DIVERGING)
    fig.canvas.draw()
    fig.set_layout_engine("none")  # or every drawing moves the axes a little
    small, full = plots.small_png(fig), io.BytesIO()
    fig.savefig(full, dpi=fig.dpi, bbox_inches="tight")
    assert small == plots.small_png(fig), "two renderings differ"
    assert len(small) < 0.5 * len(full.getvalue())
    a, b = (
        np.asarray(Image.open(file).convert("RGB")).astype(int)
        for file in (io.BytesIO(small), full)
    )
    assert a.shape == b.shape and np.abs(a - b).max() <= 32
    assert (np.abs(a - [0, 255, 0]).max(axis=2) <= 8).any(), "the rare colour is lost"
