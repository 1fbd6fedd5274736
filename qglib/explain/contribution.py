"""The result of every attribution method: one signed number for each word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Attribution:
    """Signed contributions of the words to one logit.

    Attributes:
        words: the words.
        scores: contribution of each word in logit units, float64, shape (words,).
        method: name of the method.
        target: (word index, label).
        logit: the logit of the sentence.
        baseline_logit: the logit with every word replaced by the baseline, or the mean
            logit of the background.
        stderr: standard error of each score, for the sampled method only.
    """

    words: tuple[str, ...]
    scores: np.ndarray
    method: str
    target: tuple[int | None, str]
    logit: float
    baseline_logit: float
    stderr: np.ndarray | None = None

    @property
    def completeness_gap(self) -> float:
        """Sum of the scores minus (logit - baseline logit), in logits.

        Zero by theory for Shapley values and, with enough steps, for integrated
        gradients; a measure of non-linearity for the other methods.
        """
        return float(self.scores.sum() - (self.logit - self.baseline_logit))
