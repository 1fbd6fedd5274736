"""Which gates of a circuit make its output: gates as players of a game.

A coalition of gates is the circuit in which the other gates are the identity. For
rotations the angle 0 is the identity, so a coalition keeps the angles of its gates
and sets the others to zero (Heese et al. 2023, arXiv:2301.09138).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from qglib.explain.shapley import ShapleyValues, exact_shapley, sampled_shapley
from qglib.plots import DIVERGING, PALETTE, ink


def gate_shapley(
    output: Callable[[np.ndarray], np.ndarray],
    angles: np.ndarray,
    *,
    groups: Sequence[Sequence[int]] | None = None,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
) -> ShapleyValues:
    """Shapley values of the gates with the given angles.

    Args:
        output: batch of flat angles (rows, angles) -> one number for each row.
        angles: flat or shaped; 0 stands for an absent gate.
        groups: flat numbers of the angles that act as one player (one gate with
            three angles, a layer, a wire); default: every angle alone.
        permutations: 0 for exact values (at most 12 players), else orders drawn.
        rng: generator of the orders.

    Raises:
        ValueError: more than 12 players without `permutations`; groups that do not
            hold every angle once; no `rng` for sampled values.
    """
    flat = np.asarray(angles, dtype=float).ravel()
    players = [[i] for i in range(len(flat))] if groups is None else list(groups)
    if sorted(i for group in players for i in group) != list(range(len(flat))):
        raise ValueError(
            f"groups={players} must hold every angle 0 to {len(flat) - 1} exactly once"
        )
    member = np.zeros((len(players), len(flat)), dtype=bool)
    for row, group in enumerate(players):
        member[row, list(group)] = True

    def value(coalitions: np.ndarray) -> np.ndarray:
        return np.asarray(output(flat * (coalitions @ member)), dtype=float)

    if not permutations:
        return exact_shapley(value, len(players))
    if rng is None:
        raise ValueError("permutations needs rng=numpy.random.Generator")
    return sampled_shapley(value, len(players), permutations, rng)


def head_gate_shapley(
    head: torch.nn.Module,
    features: torch.Tensor,
    label: int,
    *,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
) -> ShapleyValues:
    """Gates of a quantum head, one player for each (layer, wire).

    The angles of the first weight tensor, shape (layers, wires, ...), are the
    gates; the wires' inputs stay. Values are in logits of `label` for one token
    with `features` of shape (inputs,).

    Raises:
        ValueError: as `gate_shapley`: more than 12 players need `permutations`.
    """
    weight = next(iter(head.circuit.parameters()))
    shape = tuple(weight.shape)
    size = int(np.prod(shape[:2]))
    groups = np.arange(weight.numel()).reshape(size, -1).tolist()
    original = weight.detach().clone()

    def output(rows: np.ndarray) -> np.ndarray:
        out = []
        with torch.no_grad():
            for row in rows:
                weight.copy_(torch.as_tensor(row.reshape(shape)).to(weight))
                out.append(float(head(features[None])[0, label]))
        return np.array(out)

    try:
        return gate_shapley(
            output,
            original.cpu().numpy(),
            groups=groups,
            permutations=permutations,
            rng=rng,
        )
    finally:
        with torch.no_grad():
            weight.copy_(original)


def draw_gates(values: np.ndarray, *, title: str = "", unit: str = "logit") -> Figure:
    """Circuit with one box for each gate, coloured by its part; (layers, wires).

    Wires run from left to right; a thin line between layers stands for the
    entangling gates, which are no players.

    Raises:
        ValueError: values that are no finite matrix.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(
            f"values has shape {values.shape}: give finite (layers, wires) numbers"
        )
    layers, wires = values.shape
    size = np.abs(values).max() or 1.0
    fig, ax = plt.subplots(figsize=(2.6 + 1.7 * layers, 1.2 + 0.62 * wires))
    for wire in range(wires):
        ax.plot([-0.7, layers - 0.2], [wire, wire], color=PALETTE["grey"], zorder=1)
    for layer in range(layers):
        if wires > 1:
            ax.plot(
                [layer + 0.42] * 2,
                [0, wires - 1],
                color=PALETTE["grey"],
                marker="o",
                markersize=4,
                zorder=1,
            )
        for wire in range(wires):
            color = DIVERGING(0.5 + 0.5 * values[layer, wire] / size)
            ax.add_patch(
                plt.Rectangle(
                    (layer - 0.3, wire - 0.32),
                    0.6,
                    0.64,
                    facecolor=color,
                    edgecolor=PALETTE["black"],
                    zorder=2,
                )
            )
            ax.text(
                layer,
                wire,
                f"{values[layer, wire]:+.2f}",
                ha="center",
                va="center",
                fontsize=11,
                color=ink(color),
                zorder=3,
            )
    ax.set_xticks(range(layers), [f"layer {n + 1}" for n in range(layers)])
    ax.set_yticks(range(wires), [f"qubit {n}" for n in range(wires)])
    ax.set_ylim(wires - 0.4, -0.6)
    ax.set_xlim(-0.75, layers - 0.2)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.grid(False)
    bar = plt.cm.ScalarMappable(plt.Normalize(-size, size), DIVERGING)
    fig.colorbar(bar, ax=ax, label=f"part of the {unit}", pad=0.02)
    ax.set_title(title)
    return fig
