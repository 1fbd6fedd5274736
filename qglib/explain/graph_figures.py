"""Figures of layered drawings found by QAOA, of curvature, and of circuit wires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from qglib.explain.curvature import LABEL, attribution_network, ollivier_ricci
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.quantum_wires import WireGraph, WirePath
from qglib.plots import DIVERGING, PALETTE, ROLES


def draw_layered(
    drawings: Mapping[str, Sequence[Sequence[int]]],
    edges: Sequence[tuple[int, int, int]],
    *,
    names: Sequence[Sequence[str]] = (),
    crossings: Mapping[str, int] | None = None,
    title: str = "",
) -> Figure:
    """The same layered graph in several orders side by side; time runs upwards.

    Args:
        drawings: method -> orders of the layers.
        edges: (layer of the tail, tail, head).
        names: name of each node by layer; "" draws a bend and no box.
        crossings: method -> number for the panel's title.
        title: of the figure.

    Raises:
        ValueError: no drawing.
    """
    if not drawings:
        raise ValueError("drawings is empty: give at least one method")
    fig, axes = plt.subplots(
        1,
        len(drawings),
        figsize=(4.2 * len(drawings), 3.9),
        squeeze=False,
        layout="constrained",
    )
    for ax, (method, orders) in zip(axes[0], drawings.items(), strict=True):
        at = {
            (layer, node): (place - (len(order) - 1) / 2, layer)
            for layer, order in enumerate(orders)
            for place, node in enumerate(order)
        }
        for layer, a, b in edges:
            (x, y), (u, v) = at[layer, a], at[layer + 1, b]
            ax.plot([x, u], [y, v], color=PALETTE["grey"], linewidth=1.8, zorder=1)
        for (layer, node), (x, y) in at.items():
            text = names[layer][node] if names else chr(97 + layer) + str(node + 1)
            if not text:
                continue
            ax.text(
                x,
                y,
                text,
                ha="center",
                va="center",
                fontsize=11,
                zorder=2,
                bbox={
                    "boxstyle": "round,pad=0.3",
                    "facecolor": "white",
                    "edgecolor": PALETTE["blue"],
                },
            )
        number = "" if crossings is None else f": {crossings[method]} crossings"
        ax.set_title(method + number, fontsize=12)
        ax.margins(0.2)
        ax.axis("off")
    if title:
        fig.suptitle(title)
    return fig


def draw_curvature(graph: DecisionGraph, most: int = 60, *, title: str = "") -> Figure:
    """Busiest edges of a decision graph, coloured by Ollivier-Ricci curvature.

    Blue is negative (bottleneck), vermilion positive; width is the flow.
    """
    network = attribution_network(graph, most)
    curved = ollivier_ricci(network.to_undirected())
    curved |= {(b, a): v for (a, b), v in curved.items()}
    tokens, top = len(graph.tokens), graph.layers
    summit = ((tokens - 1) / 2 if graph.position is None else graph.position, top + 1)

    def at(node):
        return summit if node == LABEL else (node[1], node[0])

    size = max(abs(v) for v in curved.values()) or 1.0
    fig, ax = plt.subplots(figsize=(max(6.5, 0.72 * tokens + 1.5), 0.62 * top + 2.6))
    for a, b, data in network.edges(data=True):
        (x, y), (u, v) = at(a), at(b)
        ax.plot(
            [x, u],
            [y, v],
            color=DIVERGING(0.5 + 0.5 * curved[a, b] / size),
            linewidth=2 + 5 * data["flow"],
            zorder=1,
        )
    points = np.array([at(node) for node in network])
    ax.scatter(*points.T, s=36, color=PALETTE["black"], zorder=2)
    ax.set_facecolor("#D5D5D5")  # flat edges are near white
    ax.text(*summit, f"  {graph.target[1]}", va="bottom", ha="left", fontsize=11)
    ax.set_xticks(range(tokens), graph.tokens, rotation=45, ha="right")
    ax.set_yticks(range(top + 2), [*map(str, range(top + 1)), "label"])
    ax.set_ylabel("encoder layer")
    ax.grid(False)
    bar = plt.cm.ScalarMappable(plt.Normalize(-size, size), DIVERGING)
    fig.colorbar(bar, ax=ax, label="Ollivier–Ricci curvature", pad=0.02)
    ax.set_title(title)
    return fig


def draw_wires(
    wires: WireGraph, path: WirePath | None = None, *, title: str = ""
) -> Figure:
    """How the histories of a decision pass through the quantum head.

    Rows from below: encoder nodes that the head reads (four busiest), wires that
    enter, outputs that leave, the label. Width is the flow; vermilion the path.
    """
    leave, inside, entry = wires.shares
    entering, leaving = wires.wire_visits
    flow_in = entering[:, None, None] * entry
    total = flow_in.sum(0)
    busy = np.dstack(np.unravel_index(np.argsort(-total, axis=None), total.shape))[0]
    busy = [(int(n), int(t)) for n, t in busy[:4] if total[n, t] > 0]
    q, p = len(entering), len(leave)
    spread = np.linspace(0, q - 1, len(busy)) if len(busy) > 1 else [(q - 1) / 2]
    fig, ax = plt.subplots(figsize=(max(7.0, 0.95 * q + 2), 5.2))
    label = ((p - 1) / 2, 3)

    def line(tail, head, flow, chosen):
        if flow < 0.01 and not chosen:
            return
        ax.plot(
            *zip(tail, head, strict=True),
            color=ROLES["path"] if chosen else PALETTE["blue"],
            alpha=0.95 if chosen else 0.4,
            linewidth=1 + 12 * flow,
            zorder=2 if chosen else 1,
        )

    node = None if path is None else (len(path.positions) - 1, path.positions[-1])
    for x, (n, t) in zip(spread, busy, strict=True):
        for wire in range(q):
            chosen = path is not None and (n, t) == node and wire == path.wire
            line((x, 0), (wire, 1), flow_in[wire, n, t], chosen)
        text = f"{graph_token(wires.graph, t)}\nlayer {n}"
        ax.text(x, -0.12, text, ha="center", va="top", fontsize=11)
    for out in range(p):
        for wire in range(q):
            chosen = path is not None and (out, wire) == (path.output, path.wire)
            line((wire, 1), (out, 2), leave[out] * inside[out, wire], chosen)
        chosen = path is not None and out == path.output
        line((out, 2), label, leave[out], chosen)
    for row, visits in ((1, entering), (2, leaving)):
        ax.scatter(
            range(len(visits)),
            [row] * len(visits),
            s=40 + 900 * visits,
            color=PALETTE["sky"],
            edgecolor=PALETTE["black"],
            zorder=3,
        )
    ax.text(label[0], 3.1, wires.graph.target[1], ha="center", va="bottom", fontsize=12)
    ax.set_xticks([])
    ax.set_yticks([0, 1, 2, 3], ["encoder", "qubits in", "qubits out", "label"])
    ax.set_ylim(-0.6, 3.45)
    ax.set_xlim(-0.7, max(p, q) - 0.3)
    ax.grid(False)
    ax.set_title(title)
    return fig


def graph_token(graph: DecisionGraph, token: int) -> str:
    """Sub-word with its place, where it stands more than once."""
    name = graph.tokens[token]
    return name if graph.tokens.count(name) == 1 else f"{name} ({token})"
