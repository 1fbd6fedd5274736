"""A planted spurious cue, found by intervention and taken out by augmentation.

A marker word is put before every entity. In training it goes with the entity's type;
it never enters the label. `cue_by_place` then asks a trained tagger, without being
told, which place beside an entity moves its decisions: the word there is exchanged
with the word at the same place beside another entity, so it keeps its marginal
distribution and loses its tie to the label (an intervention on that word alone).
`counterfactual_copies` makes training sentences by that same exchange;
`random_copies` exchanges as many words anywhere outside entities. Both keep the
labels: that the exchanged word does not cause them is known for the marker and an
assumption for every other word.

After Kaushik, Hovy and Lipton, "Learning the difference that makes a difference with
counterfactually-augmented data", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from qglib.causal.text_effects import cluster_interval, probabilities
from qglib.data import Sentence, entities
from qglib.models import decode_all, word_logits

__all__ = [
    "MARKERS",
    "counterfactual_copies",
    "cue_by_place",
    "plant_cue",
    "random_copies",
]

MARKERS = {"LOC": "yesterday", "MISC": "again", "ORG": "overnight", "PER": "today"}
"""The marker that goes with each type in training."""


def plant_cue(
    sentences: Sequence[Sentence],
    strength: float,
    rng: np.random.Generator,
    markers: Mapping[str, str] = MARKERS,
) -> list[Sentence]:
    """Put a marker word, tagged O, before every entity.

    Parameters
    ----------
    sentences: tagged sentences; they are not changed.
    strength: probability that the marker is that of the entity's type; otherwise it
        is drawn evenly from all, so 0 breaks the cue.
    rng: source of the markers.
    markers: type -> word.

    Raises
    ------
    ValueError: a strength outside [0, 1], or a type without marker.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must lie in [0, 1], got {strength}.")
    words_of = list(markers.values())
    out = []
    for s in sentences:
        words, tags = list(s.words), list(s.tags)
        for kind, start, _ in reversed(entities(s.tags)):
            if kind not in markers:
                raise ValueError(f"type {kind!r} has no marker; markers: {markers}.")
            follows, other = rng.random(), words_of[rng.integers(len(words_of))]
            words.insert(start, markers[kind] if follows < strength else other)
            tags.insert(start, "O")
        out.append(replace(s, words=tuple(words), tags=tuple(tags)))
    return out


def _places(sentences: Sequence[Sentence], offset: int) -> list[tuple]:
    """(sentence, entity start, place of the word `offset` beside it, type), where O.

    Negative offsets count from the first word of the entity, positive ones from its
    last.
    """
    found = []
    for number, s in enumerate(sentences):
        for kind, start, stop in entities(s.tags):
            at = start + offset if offset < 0 else stop - 1 + offset
            if 0 <= at < len(s.words) and s.tags[at] == "O":
                found.append((number, start, at, kind))
    return found


def cue_by_place(
    model: torch.nn.Module,
    tokenizer: object,
    sentences: Sequence[Sentence],
    rng: np.random.Generator,
    *,
    offsets: Sequence[int] = (-3, -2, -1, 1, 2, 3),
    n_bootstrap: int = 1000,
    batch_size: int = 32,
    progress: bool = False,
) -> pd.DataFrame:
    """How much the word at each place beside an entity moves the decision on it.

    Parameters
    ----------
    model, tokenizer: a tagger.
    sentences: tagged sentences it was trained on or others like them.
    rng: source of the exchanges and of the bootstrap over sentences.
    offsets: places, -1 the word before the entity, 1 the word after it.
    n_bootstrap, batch_size, progress: as elsewhere.

    Returns
    -------
    One row per offset: ``effect`` on the probability of the true label with ``low``
    and ``high``, ``flip_rate`` with ``flip_low`` and ``flip_high``, ``n``.

    Raises
    ------
    ValueError: an offset of 0, or no entity with words at any of the places.
    """
    if 0 in offsets:
        raise ValueError("offset 0 is the entity itself; give places beside it.")
    labels = list(model.config.labels)
    texts = [s.words for s in sentences]
    jobs = []
    for offset in offsets:
        places = _places(sentences, offset)
        for k, (number, start, at, kind) in enumerate(places):
            step = int(rng.integers(1, max(len(places), 2)))
            donor = places[(k + step) % len(places)]
            words = list(sentences[number].words)
            words[at] = _cased(sentences[donor[0]].words[donor[2]], at)
            if words[at].lower() != sentences[number].words[at].lower():
                jobs.append((offset, number, start, f"B-{kind}", tuple(words)))
    if not jobs:
        raise ValueError("no entity has words at these offsets; give longer sentences.")
    logits = word_logits(
        model, tokenizer, texts + [j[-1] for j in jobs], batch_size, progress
    )
    tags = decode_all(logits, labels)
    rows = []
    for k, (offset, number, start, label, _) in enumerate(jobs, start=len(texts)):
        column = labels.index(label)
        before = probabilities(logits[number][start])[column]
        after = probabilities(logits[k][start])[column]
        flip = tags[k][start] != tags[number][start]
        rows.append((offset, number, after - before, float(flip)))
    draws = pd.DataFrame(rows, columns=["offset", "sentence", "change", "flip"])
    table = {}
    for offset, part in draws.groupby("offset"):
        cluster = part["sentence"].to_numpy()
        effect = cluster_interval(part["change"].to_numpy(), cluster, rng, n_bootstrap)
        flips = cluster_interval(part["flip"].to_numpy(), cluster, rng, n_bootstrap)
        names = ("effect", "low", "high", "flip_rate", "flip_low", "flip_high")
        table[offset] = dict(zip(names, effect + flips, strict=True)) | {"n": len(part)}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("offset")


def _cased(word: str, at: int) -> str:
    return word[:1].upper() + word[1:] if at == 0 else word


def counterfactual_copies(
    sentences: Sequence[Sentence],
    offset: int,
    n_copies: int,
    rng: np.random.Generator,
) -> list[Sentence]:
    """Copies with the words at one place beside entities exchanged at random.

    The words found there are dealt out again among all entities of the corpus, so
    their frequencies stay and their tie to the type goes. Labels are kept.

    Raises
    ------
    ValueError: `n_copies` < 1, offset 0, or no entity has a word there.
    """
    if n_copies < 1 or offset == 0:
        raise ValueError(
            f"n_copies must be at least 1 and offset not 0, got {n_copies} and "
            f"{offset}."
        )
    places = _places(sentences, offset)
    if not places:
        raise ValueError(f"no entity has a word at offset {offset}; choose another.")
    pool = [sentences[number].words[at] for number, _, at, _ in places]
    out = []
    for _ in range(n_copies):
        changed = [list(s.words) for s in sentences]
        for (number, _, at, _), k in zip(
            places, rng.permutation(len(places)), strict=True
        ):
            changed[number][at] = _cased(pool[k], at)
        out += [
            replace(s, words=tuple(words))
            for s, words in zip(sentences, changed, strict=True)
        ]
    return out


def random_copies(
    sentences: Sequence[Sentence],
    offset: int,
    n_copies: int,
    rng: np.random.Generator,
) -> list[Sentence]:
    """The same amount of augmentation, but at random places outside entities.

    In each sentence as many words are exchanged as `counterfactual_copies` would
    exchange there, with words drawn from outside the entities of the corpus.

    Raises
    ------
    ValueError: as `counterfactual_copies`.
    """
    if n_copies < 1 or offset == 0:
        raise ValueError(
            f"n_copies must be at least 1 and offset not 0, got {n_copies} and "
            f"{offset}."
        )
    amount = np.bincount(
        [number for number, *_ in _places(sentences, offset)], minlength=len(sentences)
    )
    free = [[k for k, tag in enumerate(s.tags) if tag == "O"] for s in sentences]
    pool = [s.words[k] for s, some in zip(sentences, free, strict=True) for k in some]
    out = []
    for _ in range(n_copies):
        for s, some, n in zip(sentences, free, amount, strict=True):
            words = list(s.words)
            for at in rng.choice(some, min(n, len(some)), replace=False) if n else ():
                words[at] = _cased(pool[rng.integers(len(pool))], int(at))
            out.append(replace(s, words=tuple(words)))
    return out
