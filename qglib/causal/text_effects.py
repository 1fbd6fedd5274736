"""Effects of interventions on a tagger's decisions, with an exact placebo.

An effect is the change of the probability of the entity's true label (first word),
averaged over the interventions on a sentence, then over sentences; intervals
resample whole sentences, because interventions on one sentence are not
independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from qglib.causal.interventions import KINDS, Target, intervene_on_context
from qglib.causal.reading import at_precision
from qglib.causal.word_classes import WordClasses
from qglib.models import decode_all, word_logits

__all__ = ["TextEffects", "cluster_interval", "text_effects", "whitespace_placebo"]


@dataclass(frozen=True)
class TextEffects:
    """Effects by kind of intervention.

    Attributes
    ----------
    table: one row per kind (and ``whitespace``): ``effect`` on the probability of
        the true label with ``low`` and ``high``, ``flip_rate`` of the entity's
        decision with ``flip_low`` and ``flip_high``, ``interventions``,
        ``sentences``.
    draws: one row per intervention: ``kind``, ``sentence``, ``target``, ``before``,
        ``after``, ``flipped``, ``text``.
    """

    table: pd.DataFrame
    draws: pd.DataFrame


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis in float64."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    weights = np.exp(shifted)
    return weights / weights.sum(-1, keepdims=True)


def cluster_interval(
    values: np.ndarray,
    clusters: np.ndarray,
    rng: np.random.Generator,
    n_bootstrap: int = 2000,
) -> tuple[float, float, float]:
    """Mean over clusters of cluster means, with its 95 % bootstrap interval.

    Parameters
    ----------
    values: (n,) one number per observation.
    clusters: (n,) which cluster each belongs to; clusters are resampled whole.
    rng: source of the resamples.
    n_bootstrap: number of resamples.

    Raises
    ------
    ValueError: no values, or lengths that differ.
    """
    values, clusters = np.asarray(values, float), np.asarray(clusters)
    if len(values) == 0 or len(values) != len(clusters):
        raise ValueError(
            f"values and clusters must be as long and not empty, got {len(values)} "
            f"and {len(clusters)}."
        )
    mean, draws = cluster_draws(values, clusters, rng, n_bootstrap)
    low, high = np.quantile(draws, [0.025, 0.975])
    return mean, float(low), float(high)


def cluster_draws(
    values: np.ndarray, clusters: np.ndarray, rng: np.random.Generator, n: int
) -> tuple[float, np.ndarray]:
    """Mean over clusters of cluster means, and the same over `n` resamples (n,)."""
    _, inverse = np.unique(clusters, return_inverse=True)
    means = np.bincount(inverse, values) / np.bincount(inverse)
    draws = rng.integers(0, len(means), (n, len(means)))
    return float(means.mean()), means[draws].mean(1)


def text_effects(
    model: torch.nn.Module,
    tokenizer: object,
    targets: Sequence[Target],
    rng: np.random.Generator,
    *,
    kinds: Sequence[str] = KINDS,
    n_draws: int = 4,
    classes: WordClasses | None = None,
    n_bootstrap: int = 2000,
    batch_size: int = 32,
    progress: bool = False,
    precision: str = "fp32",
) -> TextEffects:
    """Intervene on the context of every target and read the tagger again.

    All sentences go through `word_logits` in one call: sorted by length, equal
    texts computed once.

    Parameters
    ----------
    model, tokenizer: a tagger and its tokenizer.
    targets: entities to watch, see `targets_of`.
    rng: source of the interventions and of the bootstrap.
    kinds, n_draws, classes: see `intervene_on_context`.
    n_bootstrap: resamples of the sentences.
    batch_size, progress: passed to `word_logits`.
    precision: 'fp32', 'bf16' or 'auto', see `at_precision`; the placebo is always
        read in float32.

    Raises
    ------
    ValueError: a target's label is unknown to the model, or as
        `intervene_on_context`.
    """
    labels = list(model.config.labels)
    unknown = sorted({t.label for t in targets} - set(labels))
    if unknown:
        raise ValueError(
            f"labels {unknown} are unknown to the model, which has {labels}."
        )
    done = intervene_on_context(targets, kinds, n_draws, rng, classes)
    sentences = [t.words for t in targets] + [d.words for d in done]
    fast = at_precision(model, precision)
    logits = word_logits(fast, tokenizer, sentences, batch_size, progress)
    tagged = decode_all(logits, labels)

    def read(k: int, start: int, target: Target) -> tuple[float, tuple]:
        p = probabilities(logits[k][start])[labels.index(target.label)]
        return float(p), tuple(tagged[k][start : start + target.stop - target.start])

    base = [read(k, t.start, t) for k, t in enumerate(targets)]
    records = []
    for k, item in enumerate(done, start=len(targets)):
        target = targets[item.target]
        p, tags = read(k, item.start, target)
        p_before, tags_before = base[item.target]
        records.append(
            {
                "kind": item.kind,
                "sentence": target.sentence,
                "target": item.target,
                "before": p_before,
                "after": p,
                "flipped": tags != tags_before,
                "text": " ".join(item.words),
            }
        )
    placebo = whitespace_placebo(model, tokenizer, targets, batch_size)
    draws = pd.concat([pd.DataFrame(records), placebo], ignore_index=True)
    return TextEffects(effect_table(draws, kinds, rng, n_bootstrap), draws)


def effect_table(
    draws: pd.DataFrame, kinds: Sequence[str], rng: np.random.Generator, n: int
) -> pd.DataFrame:
    """`TextEffects.table` from its draws, with `n` resamples of whole sentences."""
    rows = {}
    for kind in (*kinds, "whitespace"):
        part = draws[draws["kind"] == kind]
        if part.empty:
            continue
        cluster = part["sentence"].to_numpy()
        change = (part["after"] - part["before"]).to_numpy()
        flips = part["flipped"].to_numpy(dtype=float)
        effect, low, high = cluster_interval(change, cluster, rng, n)
        rate, flip_low, flip_high = cluster_interval(flips, cluster, rng, n)
        rows[kind] = {
            "effect": effect,
            "low": low,
            "high": high,
            "flip_rate": rate,
            "flip_low": flip_low,
            "flip_high": flip_high,
            "interventions": len(part),
            "sentences": part["sentence"].nunique(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def whitespace_placebo(
    model: torch.nn.Module,
    tokenizer: object,
    targets: Sequence[Target],
    batch_size: int = 32,
) -> pd.DataFrame:
    """Double every blank of the raw text: an intervention whose effect must be 0.

    It goes the whole way from raw text through the tokenizer, unlike a duplicated
    word, which moves positions and is no placebo.

    Returns
    -------
    One row per target with the columns of `TextEffects.draws`, kind 'whitespace'.
    """
    labels = list(model.config.labels)

    def read(gap: str) -> list[tuple[float, str]]:
        out = []
        for begin in range(0, len(targets), batch_size):
            group = targets[begin : begin + batch_size]
            coded = tokenizer(
                [gap.join(t.words) for t in group],
                padding=True,
                return_tensors="pt",
                return_offsets_mapping=True,
            )
            offsets = coded.pop("offset_mapping").numpy()
            coded = coded.to(next(model.parameters()).device)
            with torch.inference_mode():
                logits = model(**coded).logits.float().cpu().numpy()
            for row, target in enumerate(group):
                at = len(gap.join(target.words[: target.start]))
                at += len(gap) if target.start else 0
                starts, stops = offsets[row].T
                token = int(np.flatnonzero((starts <= at) & (at < stops))[0])
                p = probabilities(logits[row, token])
                tag = labels[int(p.argmax())]
                out.append((float(p[labels.index(target.label)]), tag))
        return out

    training = model.training
    model.eval()
    try:
        single, double = read(" "), read("  ")
    finally:
        model.train(training)
    return pd.DataFrame(
        {
            "kind": "whitespace",
            "sentence": [t.sentence for t in targets],
            "target": range(len(targets)),
            "before": [p for p, _ in single],
            "after": [p for p, _ in double],
            "flipped": [a[1] != b[1] for a, b in zip(single, double, strict=True)],
            "text": ["  ".join(t.words) for t in targets],
        }
    )
