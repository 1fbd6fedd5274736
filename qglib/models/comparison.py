"""Several heads on the same frozen features: same split, budget and seeds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from qglib.data import Sentence
from qglib.models.building import build_tagger
from qglib.models.decoding import decode_all
from qglib.models.evaluation import Interval, Tags, entity_f1, f1_difference
from qglib.models.head_training import head_logits, train_head
from qglib.models.inference import WordFeatures, word_logits
from qglib.models.tagger import TokenTagger
from qglib.models.training import train_tagger
from qglib.record import commit, versions, write_json

HEAD_FACTOR = 5.0  # a head that has learnt already needs smaller steps


@dataclass(frozen=True)
class HeadComparison:
    """Heads trained side by side.

    ``scores``: one row per head and seed with f1 (test), dev_f1, parameters and
    seconds (median per epoch); ``predicted[head]``: tags of the test sentences,
    one list per seed; ``models[head]`` and ``histories[head]``: the tagger of the
    first seed and its training.
    """

    scores: pd.DataFrame
    predicted: dict[str, list[list[list[str]]]] = field(repr=False)
    models: dict[str, TokenTagger] = field(repr=False)
    histories: dict[str, pd.DataFrame] = field(repr=False)

    def summary(self) -> pd.DataFrame:
        """Parameters and mean, smallest and largest test F1 of every head."""
        groups = self.scores.groupby("head", sort=False)
        table = groups["f1"].agg(["mean", "min", "max"])
        table.insert(0, "parameters", groups["parameters"].first())
        return table

    def save(self, path: str | Path) -> None:
        """Write the scores with versions, threads and commit as JSON."""
        provenance = {
            "versions": versions(),
            "threads": torch.get_num_threads(),
            "commit": commit(),
        }
        rows = self.scores.round({"seconds": 2}).to_dict("records")
        write_json(path, {"rows": rows} | provenance)

    def seconds(self, head: str) -> np.ndarray:
        """Seconds per training epoch of a head, shape (seeds,)."""
        mine = self.scores["head"] == head
        return self.scores.loc[mine, "seconds"].to_numpy()


def compare_heads(
    heads: Sequence[str],
    seeds: Sequence[int],
    features: Mapping[str, WordFeatures],
    gold: Mapping[str, Tags],
    *,
    types: Sequence[str],
    epochs: int,
    rates: Mapping[str, float] | None = None,
    encoder: str = "",
    qubits: int = 8,
    layers: int = 3,
    quantum_device: Any = None,
) -> HeadComparison:
    """Train every head with every seed on frozen features and score it on test.

    Parameters
    ----------
    features, gold : frozen features and IOB2 tags, keys train, dev and test; the
        epoch with the best dev F1 is kept, test is scored once.
    epochs : the same number for all heads.
    rates : learning rate by head; heads not in it take that of `train_head`.
    """
    rows, predicted = [], {name: [] for name in heads}
    models, histories = {}, {}
    for name in heads:
        for seed in seeds:
            model, _ = build_tagger(
                encoder,
                types,
                name,
                qubits=qubits,
                layers=layers,
                seed=seed,
                quantum_device=quantum_device,
            )
            history = train_head(
                model,
                features["train"],
                gold["train"],
                (features["dev"], gold["dev"]),
                epochs=epochs,
                rate=(rates or {}).get(name),
                seed=seed,
            )
            logits = head_logits(model, features["test"])
            tags = decode_all(logits, model.config.labels)
            models.setdefault(name, model)
            histories.setdefault(name, history)
            predicted[name].append(tags)
            rows.append(_row(name, seed, gold["test"], tags, history, model))
    return HeadComparison(pd.DataFrame(rows), predicted, models, histories)


def _row(
    name: str,
    seed: int,
    gold: Tags,
    tags: Tags,
    history: pd.DataFrame,
    model: TokenTagger,
) -> dict[str, Any]:
    return {
        "head": name,
        "seed": seed,
        "f1": entity_f1(gold, tags),
        "dev_f1": history["dev_f1"].max(),
        "parameters": sum(p.numel() for p in model.head.parameters()),
        "seconds": history["seconds"].median(),
    }


def fine_tune_heads(
    heads: Sequence[str],
    seeds: Sequence[int],
    splits: Mapping[str, Sequence[Sentence]],
    features: Mapping[str, WordFeatures],
    *,
    types: Sequence[str],
    epochs: int,
    head_epochs: int,
    checkpoint: str | Path,
    encoder: str = "",
    qubits: int = 8,
    layers: int = 3,
    quantum_device: Any = None,
) -> HeadComparison:
    """Fine-tune encoder and head for every head and seed, and score on test.

    The head first learns alone on the frozen features, so that a random one does
    not spoil the encoder (Kumar et al., ICLR 2022), then everything learns.

    Parameters
    ----------
    splits, features : sentences and their frozen features, keys train, dev, test.
    epochs, head_epochs : passes of the second and of the first part.
    checkpoint : an interrupted run goes on from its folder below this one; a
        checkpoint of other settings is started anew.
    """
    rows, predicted = [], {name: [] for name in heads}
    models, histories = {}, {}
    words = [s.words for s in splits["test"]]
    gold = {k: [s.tags for s in part] for k, part in splits.items()}
    for name in heads:
        for seed in seeds:
            model, tokenizer = build_tagger(
                encoder,
                types,
                name,
                qubits=qubits,
                layers=layers,
                seed=seed,
                quantum_device=quantum_device,
            )
            train_head(
                model,
                features["train"],
                gold["train"],
                (features["dev"], gold["dev"]),
                epochs=head_epochs,
                seed=seed,
            )
            history = train_tagger(
                model,
                tokenizer,
                splits["train"],
                splits["dev"],
                epochs=epochs,
                seed=seed,
                head_factor=HEAD_FACTOR,
                progress=False,
                checkpoint=Path(checkpoint) / f"{name}-{seed}",
                stale="restart",
            )
            logits = word_logits(model, tokenizer, words)
            tags = decode_all(logits, model.config.labels)
            models.setdefault(name, model)
            histories.setdefault(name, history)
            predicted[name].append(tags)
            rows.append(_row(name, seed, gold["test"], tags, history, model))
    return HeadComparison(pd.DataFrame(rows), predicted, models, histories)


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Mean of a few values with Student's t interval; one value has none."""
    middle = float(np.mean(values))
    if len(values) < 2:
        return Interval(middle, middle, middle)
    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * stats.sem(values))
    return Interval(middle, middle - half, middle + half)


def paired_gain(
    gold: Tags,
    ours: Sequence[Tags],
    rival: Sequence[Tags],
    groups: Sequence[Hashable] | None,
    rng: np.random.Generator,
) -> Interval:
    """Mean gain in entity F1 over seeds, with the wider of two 95 % intervals.

    One comes from drawing whole groups (documents) with replacement, paired and
    averaged over seeds; the other is the t interval over seeds. Each leaves out
    the other's source of chance.

    Parameters
    ----------
    ours, rival : predicted tags, one entry per seed, seeds in the same order.
    """
    drawn = [
        f1_difference(gold, a, b, groups, rng) for a, b in zip(ours, rival, strict=True)
    ]
    seeds = mean_interval([d.value for d in drawn])
    documents = np.mean(drawn, axis=0)
    half = max(seeds.high - seeds.value, float(documents[2] - documents[1]) / 2)
    return Interval(seeds.value, seeds.value - half, seeds.value + half)
