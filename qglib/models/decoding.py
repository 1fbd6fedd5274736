"""From logits to tags: the best legal IOB2 sequence by Viterbi."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def legal_transitions(labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which labels may start a sentence ``(L,)`` and which may follow which ``(L, L)``.

    ``I-X`` follows only ``B-X`` or ``I-X``; entry ``[i, j]`` is about j after i.
    """
    inside = np.array([label.startswith("I-") for label in labels])
    kind = [label[2:] for label in labels]
    same = np.array([[a == b for b in kind] for a in kind])
    return ~inside, ~inside[None, :] | same


def decode_all(
    logits: Sequence[np.ndarray], labels: Sequence[str], viterbi: bool = True
) -> list[list[str]]:
    """Tags for each array of logits ``(n_words, n_labels)``.

    With ``viterbi`` the legal IOB2 sequence with the largest sum of logits; else
    the largest logit of each word, which may be illegal. Both agree wherever the
    latter is legal, so only the other sentences are searched.

    Raises:
        ValueError: logits of another width than ``labels``, or not finite.
    """
    names = np.array(labels, dtype=object)
    starts, follows = legal_transitions(labels)
    tags = []
    for number, rows in enumerate(logits):
        scores = np.asarray(rows, dtype=np.float64)
        if scores.ndim != 2 or scores.shape[1] != len(labels):
            raise ValueError(
                f"logits of sentence {number} have shape {scores.shape}, expected "
                f"(n_words, {len(labels)}) for the labels {list(labels)}"
            )
        if not np.isfinite(scores).all():
            raise ValueError(f"logits of sentence {number} hold NaN or infinity")
        path = scores.argmax(axis=1)
        legal = starts[path[:1]].all() and follows[path[:-1], path[1:]].all()
        if viterbi and not legal:
            path = _viterbi(scores, starts, follows)
        tags.append(names[path].tolist())
    return tags


def _viterbi(scores: np.ndarray, starts: np.ndarray, follows: np.ndarray) -> np.ndarray:
    """Label numbers of the best legal path through scores (n_words, L)."""
    penalty = np.where(follows, 0.0, -np.inf)
    best = scores[0] + np.where(starts, 0.0, -np.inf)
    back = []
    for row in scores[1:]:
        step = best[:, None] + penalty
        back.append(step.argmax(axis=0))
        best = step.max(axis=0) + row
    path = [best.argmax()]
    for before in reversed(back):
        path.append(before[path[-1]])
    return np.array(path[::-1])
