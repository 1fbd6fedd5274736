"""How natural a changed sentence is: its log-probability under a language model.

Offline the model is an n-gram model with interpolated Kneser-Ney smoothing, counted on
the project's own sentences: small, so it judges local order and little else, and
`order_sense` says how well. Where the user names a folder, a causal language model of
transformers takes its place. Scores are nats per word, end of sentence included; only
differences between sentences of the same words mean something.

Source: Kneser and Ney, ICASSP 1995; in the form of Chen and Goodman, Comput. Speech
Lang. 13 (1999) 359, eq. 25 to 27, one discount for all orders.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

__all__ = [
    "CausalLanguageModel",
    "LanguageModel",
    "NgramModel",
    "naturalness",
    "order_sense",
]

BEGIN, END, UNKNOWN = "\x02", "\x03", "\x00"  # no word of a text


class LanguageModel(Protocol):
    """Anything that scores sentences."""

    def log_probability(self, words: Sequence[str]) -> float:
        """Natural logarithm of the sentence's probability, its end included."""


class NgramModel:
    """Interpolated Kneser-Ney over lower-cased words."""

    def __init__(
        self,
        sentences: Sequence[Sequence[str]],
        order: int = 3,
        discount: float = 0.75,
        min_count: int = 2,
    ) -> None:
        """Count n-grams.

        Parameters
        ----------
        sentences: sentences as words.
        order: words per n-gram.
        discount: what is taken from every count, between 0 and 1.
        min_count: rarer words are one class, as unseen ones are.

        Raises
        ------
        ValueError: no sentences, an order or count below 1, a discount outside (0, 1).
        """
        if order < 1 or min_count < 1:
            raise ValueError(
                f"order and min_count must be at least 1, got {order}, {min_count}."
            )
        if not 0 < discount < 1:
            raise ValueError(f"discount must lie in (0, 1), got {discount}.")
        seen = Counter(w.lower() for s in sentences for w in s)
        if not seen:
            raise ValueError("sentences hold no words: give a corpus to count.")
        self.order, self.discount = order, discount
        known = {w for w, n in seen.items() if n >= min_count}
        self.vocabulary = frozenset(known | {UNKNOWN, END})
        counts: list[Counter] = [Counter() for _ in range(order)]
        for s in sentences:
            padded = self._padded(s)
            for k in range(order - 1, len(padded)):
                counts[-1][tuple(padded[k - order + 1 : k + 1])] += 1
        # below the highest order: in how many contexts an n-gram continues
        for n in range(order - 1, 0, -1):
            counts[n - 1] = Counter(gram[1:] for gram in counts[n])
        self._counts = counts
        self._total = [defaultdict(int) for _ in range(order)]
        self._kinds = [defaultdict(int) for _ in range(order)]
        for n, table in enumerate(counts):
            for gram, count in table.items():
                self._total[n][gram[:-1]] += count
                self._kinds[n][gram[:-1]] += 1

    def _padded(self, words: Sequence[str]) -> list[str]:
        known = [w.lower() if w.lower() in self.vocabulary else UNKNOWN for w in words]
        return [BEGIN] * (self.order - 1) + known + [END]

    def probability(self, word: str, context: Sequence[str] = ()) -> float:
        """Probability of a word after others; over the vocabulary it sums to 1.

        Parameters
        ----------
        word: a word, or one of the marks for the end and for unknown words.
        context: the words before it; at most ``order - 1`` are used.
        """
        word = word.lower() if word.lower() in self.vocabulary else UNKNOWN
        past = [
            w.lower() if w.lower() in self.vocabulary or w == BEGIN else UNKNOWN
            for w in context
        ]
        past = past[len(past) - min(len(past), self.order - 1) :]
        p = 1 / len(self.vocabulary)
        for n in range(len(past) + 1):
            before = tuple(past[len(past) - n :])
            total = self._total[n].get(before, 0)
            if not total:
                break
            count = self._counts[n].get((*before, word), 0)
            spared = self.discount * self._kinds[n][before] / total
            p = max(count - self.discount, 0) / total + spared * p
        return p

    def log_probability(self, words: Sequence[str]) -> float:
        """Natural logarithm of the sentence's probability, its end included."""
        padded = self._padded(words)
        start = self.order - 1
        return sum(
            math.log(self.probability(padded[k], padded[k - start : k]))
            for k in range(start, len(padded))
        )


class CausalLanguageModel:
    """A causal language model from a folder that the user names."""

    def __init__(self, folder: str | Path) -> None:
        """Load it with transformers; nothing is downloaded, no code of it is run.

        Raises
        ------
        FileNotFoundError: the folder holds no config.json.
        """
        from transformers import AutoModelForCausalLM, AutoTokenizer

        path = Path(folder).expanduser()
        if not (path / "config.json").is_file():
            raise FileNotFoundError(
                f"folder {folder} holds no config.json: save a causal language model "
                "there with save_pretrained, or use NgramModel."
            )
        self.tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        self.model = AutoModelForCausalLM.from_pretrained(
            path, local_files_only=True, use_safetensors=True
        ).eval()

    def log_probability(self, words: Sequence[str]) -> float:
        """Natural logarithm of the text's probability after the start token."""
        mark = self.tokenizer.bos_token_id
        mark = self.tokenizer.eos_token_id if mark is None else mark
        ids = self.tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
        ids = torch.tensor([[*([] if mark is None else [mark]), *ids]])
        with torch.inference_mode():
            scores = self.model(ids).logits[0, :-1].float().log_softmax(-1)
        return float(scores.gather(1, ids[0, 1:, None]).sum())


def naturalness(
    language: LanguageModel, original: Sequence[str], changed: Sequence[str]
) -> float:
    """Change of the log-probability per word: negative where the change sounds worse.

    Raises
    ------
    ValueError: an empty sentence.
    """
    if not len(original) or not len(changed):
        raise ValueError("original and changed must hold words.")
    before = language.log_probability(original) / (len(original) + 1)
    return language.log_probability(changed) / (len(changed) + 1) - before


def order_sense(
    language: LanguageModel,
    sentences: Sequence[Sequence[str]],
    rng: np.random.Generator,
    swaps: int = 1,
) -> tuple[float, int]:
    """How often a sentence scores above itself with neighbours swapped.

    Half is chance. Ties count half.

    Parameters
    ----------
    language: the model to judge.
    sentences: sentences it has not been counted on.
    rng: source of the swaps.
    swaps: random swaps of neighbours per sentence.

    Returns
    -------
    (share, number of sentences that the swaps changed).

    Raises
    ------
    ValueError: `swaps` < 1, or no sentence that a swap changes.
    """
    if swaps < 1:
        raise ValueError(f"swaps must be at least 1, got {swaps}.")
    wins = []
    for s in sentences:
        changed = list(s)
        for _ in range(swaps if len(s) > 1 else 0):
            k = int(rng.integers(len(s) - 1))
            changed[k], changed[k + 1] = changed[k + 1], changed[k]
        if [w.lower() for w in changed] != [w.lower() for w in s]:
            gap = naturalness(language, s, changed)
            wins.append(0.5 if gap == 0 else float(gap < 0))
    if not wins:
        raise ValueError("no sentence has two different neighbours to swap.")
    return float(np.mean(wins)), len(wins)
