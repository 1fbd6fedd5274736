"""Figure of validity cards: is the level kept, and what is left of the power?"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from qglib import plots
from qglib.causal.data_kernels import QuantumKernel
from qglib.causal.validity_card import ValidityCard

__all__ = ["draw_validity_card"]


def draw_validity_card(cards: ValidityCard | Sequence[ValidityCard]) -> Figure:
    """Type-I error per null beside nominal and size-adjusted power, row by kernel.

    Left: one dot per null with its interval, filled where the null is conditional,
    against the level and the limit of refusal. Right: mean power over alternatives;
    the gap between the pale and the full bar is power that was bought with false
    alarms. Crosses are the tuned Gaussian's size-adjusted power.
    """
    cards = [cards] if isinstance(cards, ValidityCard) else list(cards)
    with_power = all(len(card.power) for card in cards)
    fig, axs = plt.subplots(
        1,
        1 + with_power,
        figsize=(10 if with_power else 6.5, 1.9 + 0.55 * len(cards)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    rows = np.arange(len(cards))[::-1]
    colors = [
        plots.ROLES["quantum" if isinstance(c.kernel, QuantumKernel) else "classical"]
        for c in cards
    ]
    left = axs[0, 0]
    for row, card, color in zip(rows, cards, colors, strict=True):
        spots = row + np.linspace(0.22, -0.22, len(card.type_one))
        for spot, (name, one) in zip(spots, card.type_one.iterrows(), strict=True):
            left.plot([one["low"], one["high"]], [spot, spot], color=color, lw=1)
            filled = color if name.startswith("c") else "white"
            left.plot(one["rate"], spot, "o", ms=4.5, color=color, mfc=filled)
    alpha = cards[0].alpha
    left.axvline(alpha, color=plots.ROLES["null"], lw=1)
    left.axvline(1.5 * alpha, color=plots.ROLES["path"], lw=1, ls="--")
    left.set_yticks(rows, [_label(card) for card in cards])
    left.set_ylim(-0.6, len(cards) - 0.4)
    left.set_xlim(left=-0.004)
    left.set_xlabel("rejections of true nulls (dashed: refused beyond)")
    left.set_title("Type-I error; filled: conditional nulls")
    if with_power:
        right = axs[0, 1]
        for row, card, color in zip(rows, cards, colors, strict=True):
            mean = card.power.mean()
            right.barh(row, mean["nominal"], 0.5, color=color, alpha=0.25)
            right.barh(row, mean["adjusted"], 0.3, color=color)
            right.plot(mean["gaussian_adjusted"], row, "x", color=plots.ROLES["truth"])
        right.set_xlim(0, 1)
        right.set_xlabel("mean power (pale: nominal, full: size-adjusted)")
        right.set_title("Power; cross: tuned Gaussian")
    return fig


def _label(card: ValidityCard) -> str:
    ridge = f", ridge {card.ridge:g}" if card.ridge != 1e-3 else ""
    verdict = "passes" if card.passed else "refused"
    return f"{card.kernel.name}{ridge}\nn = {card.n}: {verdict}"
