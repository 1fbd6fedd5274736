"""Decisions whose deciding words are known, to score explanations by.

The sentences come from the planted corpus. They score an explanation of a model
only where the model is right, so the functions here keep those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from qglib.data import Sentence
from qglib.data.structural import PlantedSentence
from qglib.explain.planted_pairs import PlantedPair
from qglib.models import TokenTagger, word_logits


@dataclass(frozen=True)
class KnownCause:
    """A decision with the words that make its label true.

    Attributes:
        words: the sentence.
        target: (word index of the name, its label).
        cause: word indices that decide the label.
    """

    words: tuple[str, ...]
    target: tuple[int, str]
    cause: tuple[int, ...]

    def auc(self, scores: np.ndarray) -> float:
        """Chance that a deciding word has a larger |score| than another word.

        `scores` has shape (words,), or (orders, words) for the mean over orders.

        Raises:
            ValueError: as many scores as words are needed.
        """
        scores = np.atleast_2d(np.asarray(scores, dtype=float))
        if scores.shape[-1] != len(self.words):
            raise ValueError(f"{scores.shape[-1]} scores for {len(self.words)} words")
        truth = np.isin(np.arange(len(self.words)), self.cause)
        return float(np.mean([roc_auc_score(truth, row) for row in np.abs(scores)]))


def known_causes(
    model: TokenTagger,
    tokenizer: Any,
    examples: Sequence[PlantedSentence],
    most_words: int | None = None,
) -> list[KnownCause]:
    """The first name of each planted sentence, where the tagger is right.

    Sentences in capitals are left out: there the word shapes say nothing. So are
    those of more than `most_words` words, since the cost of explaining grows with
    the square of the length.
    """
    most = np.inf if most_words is None else most_words
    examples = [
        e for e in examples if not e.variables["H"][0] and len(e.sentence.words) <= most
    ]
    scored = word_logits(model, tokenizer, [e.sentence.words for e in examples])
    labels = model.config.labels
    found = []
    for example, logits in zip(examples, scored, strict=True):
        at = example.slots[0][0]
        tag = example.sentence.tags[at]
        if labels[int(logits[at].argmax())] == tag:
            words, cause = example.sentence.words, example.cause_spans[0]
            found.append(KnownCause(words, (at, tag), tuple(cause)))
    return found


def right_entities(
    model: TokenTagger, tokenizer: Any, sentences: Sequence[Sentence]
) -> list[tuple[Sentence, int]]:
    """(sentence, word index) of every entity start that the tagger gets right."""
    scored = word_logits(model, tokenizer, [s.words for s in sentences])
    labels = model.config.labels
    return [
        (sentence, at)
        for sentence, logits in zip(sentences, scored, strict=True)
        for at, tag in enumerate(sentence.tags)
        if tag.startswith("B-") and labels[int(logits[at].argmax())] == tag
    ]


def first_entities(
    model: TokenTagger,
    tokenizer: Any,
    sentences: Sequence[Sentence],
    most: int,
    *,
    longest: int = 30,
) -> list[tuple[tuple[str, ...], int, str]]:
    """(words, word index, label) of the first entity that is right, per sentence.

    Of the sentences of at most `longest` words, in their order; at most `most`.

    Raises:
        ValueError: `most` below 1.
    """
    if most < 1:
        raise ValueError(f"most={most}: ask for at least one sentence")
    short = [s for s in sentences if len(s.words) <= longest]
    found: dict[tuple[str, ...], tuple] = {}
    for sentence, at in right_entities(model, tokenizer, short):
        found.setdefault(sentence.words, (sentence.words, at, sentence.tags[at]))
    return list(found.values())[:most]


def turning_pairs(
    model: TokenTagger,
    tokenizer: Any,
    pairs: Iterable[PlantedPair],
    least: float = 2.0,
) -> list[PlantedPair]:
    """Pairs whose decision turns: right on the clean sentence, not on the corrupt.

    The logit of the label has to fall by at least `least`: a restored share
    divides by this fall.
    """
    pairs = list(pairs)
    clean = word_logits(model, tokenizer, [p.clean for p in pairs])
    corrupt = word_logits(model, tokenizer, [p.corrupt for p in pairs])
    found = []
    for pair, one, two in zip(pairs, clean, corrupt, strict=True):
        word, name = pair.target
        label = model.config.labels.index(name)
        right = one[word].argmax() == label and two[word].argmax() != label
        if right and one[word][label] - two[word][label] >= least:
            found.append(pair)
    return found
