"""Which learning rate for which head: decided on the dev set, with its own seeds.

``python -m qglib.models.rate_search OUT.json`` repeats the search behind the default
rates on the embedded corpus. The test set takes no part in it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import pandas as pd
from tqdm import tqdm

from qglib import devices
from qglib.data import load_corpus
from qglib.models.building import build_tagger
from qglib.models.evaluation import Tags
from qglib.models.head_training import train_head
from qglib.models.heads import HEADS
from qglib.models.inference import WordFeatures, frozen_features
from qglib.record import commit, write_json

RATES = (1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2)
SEEDS = (101, 102, 103)  # no notebook uses these
EPOCHS = 12


def search_rates(
    features: Mapping[str, WordFeatures],
    gold: Mapping[str, Tags],
    types: Sequence[str],
    *,
    heads: Sequence[str] = HEADS,
    rates: Sequence[float] = RATES,
    seeds: Sequence[int] = SEEDS,
    epochs: int = EPOCHS,
    encoder: str = "",
    progress: bool = False,
) -> pd.DataFrame:
    """Best dev F1 of every head, rate and seed: columns head, rate, seed, dev_f1.

    ``features`` and ``gold`` have the keys train and dev.
    """
    points = [(h, r, s) for h in heads for r in rates for s in seeds]
    rows = []
    for head, rate, seed in tqdm(points, disable=not progress, unit="run"):
        model, _ = build_tagger(encoder, types, head, seed=seed)
        history = train_head(
            model,
            features["train"],
            gold["train"],
            (features["dev"], gold["dev"]),
            epochs=epochs,
            rate=rate,
            seed=seed,
        )
        rows.append((head, rate, seed, float(history["dev_f1"].max())))
    return pd.DataFrame(rows, columns=["head", "rate", "seed", "dev_f1"])


def main(out: str) -> None:
    """Search on ``newswire`` and write every point and the best rates."""
    threads = devices.set_threads()
    corpus = load_corpus("newswire")
    parts = {"train": corpus.train, "dev": corpus.dev}
    gold = {k: [s.tags for s in part] for k, part in parts.items()}
    model, tokenizer = build_tagger(types=corpus.types, head="linear")
    features = {
        k: frozen_features(model, tokenizer, [s.words for s in part])
        for k, part in parts.items()
    }
    points = search_rates(features, gold, corpus.types, progress=True)
    means = points.groupby(["head", "rate"])["dev_f1"].mean()
    best = {head: means[head].idxmax() for head in HEADS}
    provenance = {
        "command": "python -m qglib.models.rate_search",
        "corpus": corpus.name,
        "epochs": EPOCHS,
        "threads": threads,
        "torch": version("torch"),
        "commit": commit(),
    }
    content = {"best": best, "points": points.to_dict("records")} | provenance
    write_json(out, content)


if __name__ == "__main__":
    main(sys.argv[1])
