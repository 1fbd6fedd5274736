"""What a tagger loses when a word that only went along with the label goes astray.

The adverb of a planted sentence follows the type in training and causes nothing.
The same sentences are drawn twice from the same noise: with the adverb as in
training, and with an adverb that is drawn freely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from qglib.data.planted import planted
from qglib.data.structural import PlantedSentence
from qglib.models import decode_all, f1_difference, f1_interval, word_logits

__all__ = ["CueTest", "spurious_cue_test"]


@dataclass(frozen=True)
class CueTest:
    """Scores with the cue intact and broken.

    Attributes
    ----------
    table: rows ``intact``, ``broken`` (entity F1) and ``difference`` (broken minus
        intact, paired); ``effect`` with its 95 % interval ``low``, ``high``, whole
        sentences resampled.
    broken: the sentences whose adverb is drawn freely.
    """

    table: pd.DataFrame
    broken: list[PlantedSentence]


def spurious_cue_test(
    model: torch.nn.Module,
    tokenizer: object,
    n: int,
    rng: np.random.Generator,
    rho: float = 0.95,
) -> CueTest:
    """Score a tagger on held-out planted sentences with the adverb intact and broken.

    Parameters
    ----------
    model, tokenizer: a tagger that knows the four planted types.
    n: number of sentences.
    rng: source of the sentences and of the bootstrap.
    rho: probability with which the intact adverb follows the type, as in training.

    Raises
    ------
    ValueError: `n` < 1 or `rho` no probability, see `qglib.data.planted`.
    RuntimeError: the two sets differ in their labels, so the adverb is a cause.
    """
    seed = int(rng.integers(2**63))  # the same noise for both sets
    sets = [
        planted(n, np.random.default_rng(seed), rho=share, split="test")
        for share in (rho, 0.0)
    ]
    gold, again = ([e.sentence.tags for e in part] for part in sets)
    if gold != again:
        raise RuntimeError("breaking the adverb changed a label: it is no mere cue.")

    def read(part: Sequence[PlantedSentence]) -> list[list[str]]:
        logits = word_logits(model, tokenizer, [e.sentence.words for e in part])
        return decode_all(logits, model.config.labels)

    intact, broken = map(read, sets)
    rows = {
        "intact": f1_interval(gold, intact, None, rng),
        "broken": f1_interval(gold, broken, None, rng),
        "difference": f1_difference(gold, broken, intact, None, rng),
    }
    table = pd.DataFrame.from_dict(
        {name: tuple(interval) for name, interval in rows.items()},
        orient="index",
        columns=["effect", "low", "high"],
    )
    return CueTest(table, sets[1])
