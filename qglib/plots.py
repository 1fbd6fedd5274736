"""One look for every figure: a colour means the same in every notebook, see `ROLES`."""

from collections.abc import Sequence
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

# Okabe and Ito (2008), for any kind of colour vision, with a dark grey for black.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#222222",
    "grey": "#8C8C8C",
}

# What a colour stands for, everywhere: methods, verdicts, entity types.
ROLES = {
    "quantum": PALETTE["blue"],
    "classical": PALETTE["orange"],
    "truth": PALETTE["black"],
    "null": PALETTE["grey"],
    "path": PALETTE["vermilion"],
    "supported": PALETTE["green"],
    "not supported": PALETTE["vermilion"],
    "undecided": PALETTE["orange"],
    "open": PALETTE["grey"],
    "PER": PALETTE["vermilion"],
    "ORG": PALETTE["blue"],
    "LOC": PALETTE["green"],
    "MISC": PALETTE["purple"],
    "O": PALETTE["grey"],
}

# Blue through white to vermilion, for values with a meaningful zero.
DIVERGING = LinearSegmentedColormap.from_list(
    "qglib_diverging", [PALETTE["blue"], "#F7F7F7", PALETTE["vermilion"]]
)


def style() -> None:
    """Set the look of all figures that follow, once at the top of a notebook."""
    cycle = [PALETTE[name] for name in list(PALETTE)[:6]]
    look = {
        "figure.figsize": (7.0, 4.0),
        "savefig.dpi": 150,
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 11,
        "xtick.labelsize": 10,
        "ytick.labelsize": 10,
        "legend.fontsize": 10,
        "legend.frameon": False,
        "svg.hashsalt": "qglib",
    }
    sns.set_theme(context="notebook", style="ticks", palette=cycle, rc=look)


def intervals(
    labels: Sequence[str],
    estimate: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    roles: Sequence[str] | str = "quantum",
    reference: float | None = 0.0,
    xlabel: str = "effect",
    ax: Axes | None = None,
) -> Axes:
    """Draw one horizontal interval per label, the first label on top.

    Args:
        labels: one name per row.
        estimate, low, high: point estimates and ends, each of shape (n,).
        roles: keys of `ROLES` or colours, one for all or one per row.
        reference: where the vertical line stands ("no effect"); None for none.
        xlabel: what is measured, with its unit.
        ax: where to draw; None makes a figure.
    """
    values = np.array([np.atleast_1d(x) for x in (estimate, low, high)], dtype=float)
    count = len(labels)
    roles = [roles] * count if isinstance(roles, str) else list(roles)
    if values.shape != (3, count) or len(roles) != count:
        raise ValueError(
            f"{count} labels, but {values.shape[1]} intervals and {len(roles)} roles: "
            "give one of each per label."
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(7.0, 0.8 + 0.38 * max(count, 2)))
    if reference is not None:
        ax.axvline(reference, color=ROLES["null"], linewidth=1, linestyle="--")
    for row, (role, centre, left, right) in enumerate(zip(roles, *values, strict=True)):
        color = ROLES.get(role, role)
        ax.plot([left, right], [row, row], color=color, linewidth=2.5)
        ax.plot(centre, row, "o", color=color, markersize=7)
    ax.set_yticks(range(count), labels)
    ax.set_ylim(count - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(xlabel)
    return ax


def small_png(fig: Figure) -> bytes:
    """Render a figure as a PNG of at most 256 colours: a third of the bytes.

    They cover rare colours too; no channel moves by more than a few levels of 255.
    """
    full, small = BytesIO(), BytesIO()
    fig.savefig(full, dpi=fig.dpi, bbox_inches="tight", format="png")
    picture = Image.open(full).convert("RGB")
    palette = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    palette.save(small, "PNG", optimize=True)
    return small.getvalue()
