"""A student that reads only what an explanation shows, instead of a person.

Simulatability without people (Hase and Bansal 2020 ask people; Pruthi et al. 2022 a
student model): logistic regression reads the k words that a method ranks first, each
with its side of the target, and predicts the model's decision. An explanation helps
if the student agrees with the model more often than with other words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from qglib.data import Sentence
from qglib.models import word_logits

Case = tuple[Sequence[str], int, str]  # words, target word, the model's decision


def decided_entities(
    model: torch.nn.Module,
    tokenizer: Any,
    sentences: Sequence[Sentence],
    most: int,
    rng: np.random.Generator,
    *,
    longest: int = 30,
) -> list[Case]:
    """Entity starts with the tagger's own label, right or wrong, where it has one.

    At most `most` of them, drawn from the sentences of at most `longest` words.

    Raises:
        ValueError: `most` below 1.
    """
    if most < 1:
        raise ValueError(f"most={most}: ask for at least one entity")
    short = [s for s in sentences if len(s.words) <= longest]
    labels = model.config.labels
    found = []
    scored = word_logits(model, tokenizer, [s.words for s in short])
    for sentence, logits in zip(short, scored, strict=True):
        for at, tag in enumerate(sentence.tags):
            own = labels[int(logits[at].argmax())]
            if tag.startswith("B-") and own != "O":
                found.append((sentence.words, at, own))
    keep = rng.permutation(len(found))[:most]
    return [found[i] for i in sorted(keep)]


def shown_words(case: Case, scores: np.ndarray, k: int) -> dict[str, float]:
    """Features of the k words of largest score: the word, and word and ending with
    their side of the target.

    Raises:
        ValueError: `k` below 1.
    """
    if k < 1:
        raise ValueError(f"k={k}: show at least one word")
    words, at, _ = case
    seen = {}
    for place in np.argsort(-np.asarray(scores, dtype=float), kind="stable")[:k]:
        side = "name" if place == at else "left" if place < at else "right"
        word = words[place].lower()
        seen[word] = 1.0
        seen[f"{word}|{side}"] = 1.0
        seen[f"ending {word[-2:]}|{side}"] = 1.0
    return seen


def student_agreement(
    train: Sequence[Case],
    test: Sequence[Case],
    train_scores: Sequence[np.ndarray],
    test_scores: Sequence[np.ndarray],
    k: int,
    *,
    strength: float = 3.0,
) -> np.ndarray:
    """1.0 where the student says what the model says, else 0.0; (test cases,).

    Args:
        train, test: cases to learn from and to be asked.
        train_scores, test_scores: score of each word of each case.
        k: words shown.
        strength: inverse penalty of the logistic regression.

    Raises:
        ValueError: `k` below 1, a training part with one decision only.
    """
    if len({case[2] for case in train}) < 2:
        raise ValueError("train holds fewer than two decisions: give more cases")
    student = make_pipeline(
        DictVectorizer(), LogisticRegression(C=strength, max_iter=2000)
    )
    rows = [shown_words(c, s, k) for c, s in zip(train, train_scores, strict=True)]
    student.fit(rows, [case[2] for case in train])
    rows = [shown_words(c, s, k) for c, s in zip(test, test_scores, strict=True)]
    right = student.predict(rows) == np.array([case[2] for case in test])
    return right.astype(float)


def student_trial(
    train: Sequence[Case],
    test: Sequence[Case],
    learned: Mapping[str, Sequence[np.ndarray]],
    asked: Mapping[str, Sequence[np.ndarray]],
    k: int,
    rng: np.random.Generator,
    draws: int = 5,
) -> dict[str, np.ndarray]:
    """`student_agreement` of every method, and of random words (mean of `draws`).

    `learned` and `asked` hold the scores of `train` and `test` by method.

    Raises:
        ValueError: fewer than one draw; as `student_agreement`.
    """
    if draws < 1:
        raise ValueError(f"draws={draws}: at least one")
    luck = []
    for _ in range(draws):
        noise = [[rng.random(len(case[0])) for case in part] for part in (train, test)]
        luck.append(student_agreement(train, test, *noise, k))
    said = {
        name: student_agreement(train, test, scores, asked[name], k)
        for name, scores in learned.items()
    }
    return said | {"random": np.mean(luck, axis=0)}
