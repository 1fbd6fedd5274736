"""Lines end at the frames of the names, whatever the names and the size of a figure."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.transforms import Bbox

from qglib import plots
from qglib.causal import draw_links
from qglib.causal.drawing import GAP, draw_graph
from qglib.causal.process_figures import PLANT


@pytest.fixture(autouse=True)
def closed():
    with plt.rc_context():
        plots.style()
        yield
    plt.close("all")


def drawn(ax: Axes) -> tuple[dict[str, Bbox], list[np.ndarray]]:
    """Frames of the names and lines (start, stop), in pixels, after one drawing."""
    ax.figure.canvas.draw()
    frames = {t.get_text(): t.get_bbox_patch().get_window_extent() for t in ax.texts}
    links = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    lines = []
    for link in links:
        path = link._get_path_in_displaycoord()[0][0]
        points = path.interpolated(50).vertices
        lines.append(points)
    return frames, lines


def distance(frame: Bbox, point: np.ndarray) -> float:
    """How far a point lies outside a frame; negative inside."""
    across, up = (
        max(low - p, p - high)
        for low, high, p in zip(frame.min, frame.max, point, strict=True)
    )
    if across < 0 or up < 0:
        return max(across, up)
    return float(np.hypot(across, up))


@pytest.mark.parametrize("size", [(4, 3), (10, 4)])
@pytest.mark.parametrize("wide", ["b", "a name of many letters"])
def test_an_arrow_stops_at_the_frame_of_its_name(size, wide) -> None:
    places = {"a": (0, 0), wide: (2, 0), "c": (2, 1)}
    graph = nx.DiGraph([("a", wide), (wide, "c"), ("a", "c")])
    fig, ax = plt.subplots(figsize=size)
    draw_graph(graph, places, ax)
    frames, lines = drawn(ax)
    point = fig.dpi / 72
    for (start, stop), line in zip(graph.edges, lines, strict=True):
        ends = distance(frames[start], line[0]), distance(frames[stop], line[-1])
        assert 0 < min(ends), "an end is hidden behind a name"
        assert max(ends) < 3 * GAP * point, "an arrow ends far from its name"


def test_a_class_is_a_line_without_head_and_a_missing_edge_is_dotted() -> None:
    places = {"a": (0, 0), "b": (1, 0), "c": (1, 1)}
    truth = nx.DiGraph([("a", "b"), ("b", "c")])
    found = nx.DiGraph([("a", "b"), ("b", "a")])
    ax = draw_graph(found, places, plt.subplots()[1], truth=truth)
    joined, missing = (p for p in ax.patches if isinstance(p, FancyArrowPatch))
    assert joined.get_arrowstyle().__class__.__name__ == "Curve"
    assert joined.get_linestyle() == "-"
    assert missing.get_linestyle() in (":", "dotted")


def test_no_line_of_the_plant_passes_behind_a_third_name() -> None:
    every = nx.DiGraph(list(combinations(PLANT, 2)))
    fig = draw_links(every, every, list(every.edges)[:3])
    frames, lines = drawn(fig.axes[1])
    assert len(lines) == 21
    for ends, line in zip(combinations(PLANT, 2), lines, strict=True):
        for name, frame in frames.items():
            if name not in ends:
                least = min(distance(frame, p) for p in line)
                assert least > 0, f"{ends} passes behind {name}"
