"""Does an explanation say what the model does? Deletion and insertion.

An attribution is faithful if taking away the parts it ranks first breaks the
decision soonest (deletion) and giving them back first restores it soonest
(insertion); DeYoung et al. 2020, ERASER.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qglib.explain.games import game_of


@dataclass(frozen=True)
class FaithfulnessCurve:
    """Probability of the label while parts go or come in order of their score.

    Attributes:
        fraction: share of the parts deleted or inserted, 0 to 1, shape (n+1,).
        deletion: probability after deleting that share, highest scores first.
        insertion: probability after inserting that share into the blank text.
    """

    fraction: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def gain(self) -> float:
        """Area under insertion minus area under deletion; 0 for a random order.

        ERASER's comprehensiveness minus its sufficiency, both as areas.
        """
        return float(np.trapezoid(self.insertion - self.deletion, self.fraction))


def faithfulness(
    model: Any,
    x: Any,
    target: Any,
    scores: np.ndarray,
    *,
    kind: Any = None,
    background: Sequence[Any] = (),
) -> FaithfulnessCurve:
    """Deletion and insertion curve of one attribution.

    A deleted word stands as the unknown token, where `attribute` takes the mask: a test
    that blanks parts the way the method did favours the method, so give another
    `background` than the attribution had. A random order has gain 0 on average; ask
    for it, and for a plain rule such as nearness, beside it.

    Args:
        model, x, target, kind, background: as for `qglib.explain.attribute`.
        scores: signed score of each part, shape (parts,); the highest goes first.

    Raises:
        ValueError: as many finite scores as parts are needed.
    """
    game = game_of(
        model, x, target, kind=kind, background=background, baseline="unk",
        probability=True,
    )  # fmt: skip
    n = len(game.parts)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (n,) or not np.isfinite(scores).all():
        raise ValueError(
            f"scores has shape {scores.shape} for {n} parts: give one finite number "
            "for each"
        )
    rank = np.empty(n, dtype=int)
    rank[np.argsort(-scores, kind="stable")] = np.arange(n)
    inserted = rank[None, :] < np.arange(n + 1)[:, None]
    both = np.concatenate([~inserted, inserted[1:-1]])  # the ends coincide
    probability = game.value(both)
    deletion, inner = probability[: n + 1], probability[n + 1 :]
    return FaithfulnessCurve(
        fraction=np.linspace(0, 1, n + 1),
        deletion=deletion,
        insertion=np.concatenate([deletion[-1:], inner, deletion[:1]]),
    )
