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

    With ``viterbi`` the legal IOB2 sequence with the largest sum of logits, for
    all sentences at once; else the largest logit of each word, which may be
    illegal. Both agree wherever the latter is legal.

    Raises:
        ValueError: logits of another width than ``labels``, or not finite.
    """
    names = np.array(labels, dtype=object)
    arrays = [np.asarray(a, dtype=np.float64) for a in logits]
    for number, a in enumerate(arrays):
        if a.ndim != 2 or a.shape[1] != len(labels):
            raise ValueError(
                f"logits of sentence {number} have shape {a.shape}, expected (n_words, "
                f"{len(labels)}) for the labels {list(labels)}"
            )
        if not np.isfinite(a).all():
            raise ValueError(f"logits of sentence {number} hold NaN or infinity")
    if not viterbi:
        return [names[a.argmax(axis=1)].tolist() if len(a) else [] for a in arrays]
    paths: list[list[str]] = [[] for _ in arrays]
    # long and short sentences apart, so that padding stays small
    order = sorted(
        (k for k, a in enumerate(arrays) if len(a)), key=lambda k: len(arrays[k])
    )
    for start in range(0, len(order), 256):
        chunk = order[start : start + 256]
        for k, best in zip(
            chunk, _viterbi([arrays[k] for k in chunk], labels), strict=True
        ):
            paths[k] = names[best].tolist()
    return paths


def _viterbi(arrays: Sequence[np.ndarray], labels: Sequence[str]) -> list[np.ndarray]:
    starts, follows = legal_transitions(labels)
    lengths = np.array([len(a) for a in arrays])
    scores = np.zeros((len(arrays), lengths.max(), len(labels)))
    for row, a in enumerate(arrays):
        scores[row, : len(a)] = a
    penalty = np.where(follows, 0.0, -np.inf)
    best = scores[:, 0] + np.where(starts, 0.0, -np.inf)
    back = np.zeros(scores.shape, dtype=np.int64)
    final = best.copy()
    for t in range(1, scores.shape[1]):
        step = best[:, :, None] + penalty
        back[:, t] = step.argmax(axis=1)
        best = step.max(axis=1) + scores[:, t]
        ends = lengths == t + 1
        final[ends] = best[ends]
    out = []
    for row, length in enumerate(lengths):
        path = np.empty(length, dtype=np.int64)
        path[-1] = final[row].argmax()
        for t in range(length - 1, 0, -1):
            path[t - 1] = back[row, t, path[t]]
        out.append(path)
    return out


def decode(
    logits: np.ndarray, labels: Sequence[str], viterbi: bool = True
) -> list[str]:
    """Tags of one sentence; see `decode_all`."""
    return decode_all([logits], labels, viterbi)[0]
