"""Does an explanation say what the model does? Deletion and insertion.

An attribution is faithful if taking away the parts it ranks first breaks the
decision soonest (deletion) and giving them back first restores it soonest
(insertion); DeYoung et al. 2020, ERASER.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qglib import stats
from qglib.explain.attribution import Attribution
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
    def comprehensiveness(self) -> float:
        """Mean loss of probability over the deletion curve; higher is better."""
        return float(self.deletion[0] - np.trapezoid(self.deletion, self.fraction))

    @property
    def sufficiency(self) -> float:
        """Mean loss of probability over the insertion curve; lower is better."""
        return float(self.insertion[-1] - np.trapezoid(self.insertion, self.fraction))

    @property
    def gain(self) -> float:
        """Area under insertion minus area under deletion; 0 for a random order."""
        return self.comprehensiveness - self.sufficiency


def faithfulness_curve(
    model: Any,
    x: Any,
    target: Any,
    scores: np.ndarray,
    *,
    kind: Any = None,
    background: Sequence[Any] = (),
    baseline: str = "unk",
) -> FaithfulnessCurve:
    """Deletion and insertion curve of one attribution.

    Use another `baseline` or `background` than the attribution did: a test that
    blanks parts the way the method did favours the method.

    Args:
        model: as `qglib.explain.attribute`.
        x: the input.
        target: as `qglib.explain.attribute`.
        scores: signed score of each part, shape (parts,); the highest goes first.
        kind: kind of the data, not needed for a (transformers model, tokenizer).
        background: inputs from which deleted parts are taken.
        baseline: token that stands for a deleted word.

    Raises:
        ValueError: as many finite scores as parts are needed.
    """
    game = game_of(
        model, x, target, kind=kind, background=background, baseline=baseline,
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


def faithfulness(
    model: Any,
    inputs: Sequence[Any],
    explained: Sequence[Attribution],
    rng: np.random.Generator,
    *,
    controls: Mapping[str, Sequence[np.ndarray]] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Gain of explanations beside that of controls, with 95 % bootstrap intervals.

    The gain is the area under insertion minus that under deletion. A ``random``
    order is always among the controls, and ``nearness`` to the target's word where
    there is one.

    Args:
        model: as `qglib.explain.attribute`.
        inputs: the inputs.
        explained: the attribution of each input.
        rng: of the random order and the bootstrap.
        controls: further scores by name, one array (parts,) for each input.
        options: `kind`, `background`, `baseline` of `faithfulness_curve`.

    Returns:
        Columns mean, low, high; rows ``explanation``, each control, and
        ``minus <control>``, the paired difference.

    Raises:
        ValueError: no input, or other numbers of inputs, attributions and scores.
    """
    scores = {"explanation": [a.scores for a in explained], **(controls or {})}
    scores["random"] = [rng.normal(size=len(a.parts)) for a in explained]
    places = [a.target[0] if isinstance(a.target, tuple) else None for a in explained]
    if places and None not in places:
        scores["nearness"] = [
            -np.abs(np.arange(len(a.parts)) - at).astype(float)
            for a, at in zip(explained, places, strict=True)
        ]
    gains = {}
    for name, rows in scores.items():
        if not len(rows) == len(inputs) == len(explained) > 0:
            raise ValueError(
                f"{len(inputs)} inputs, {len(explained)} attributions and {len(rows)} "
                f"scores of {name!r}: give one each, at least one"
            )
        gains[name] = np.array(
            [
                faithfulness_curve(model, x, a.target, row, **options).gain
                for x, a, row in zip(inputs, explained, rows, strict=True)
            ]
        )
    ours = gains["explanation"]
    gains |= {f"minus {n}": ours - v for n, v in gains.items() if n != "explanation"}
    return stats.interval_table(gains, rng)
