"""Which part of a quantum head earns its score, and which does it lack?

Question: on frozen encoder features a plain variational head trails a classical one
with the same bottleneck. Is it the read-out of single <Z>, the scale of the inputs,
the initialisation, the missing re-uploading, or the circuit itself?

Protocol: embedded newswire corpus, frozen features computed once, 8 qubits and 3
layers, 12 epochs, batches of 512 words, entity F1 (strict IOB2, Viterbi). The learning
rate of every variant is chosen on dev with seeds 301 and 302 (2e-3 and 4e-3, doubled
or halved while the best lies at an edge); the test set is scored with seeds 401 to
405. Intervals: Student's t over seeds for a mean; for a paired difference to
`bottleneck` the wider of the document bootstrap and the t interval over seeds.
`tiny_slice` repeats two rows of the record. Runtime: about 10 minutes on one core.

Run: python -m bench.studies.head_ablation
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from qglib import models
from qglib.data import Corpus, load_corpus
from qglib.models.head_variants import LAYERS, QUBITS, VARIANTS, Build, train_variant
from qglib.record import versions, write_json

RESULT = Path(__file__).parents[2] / "data/reference/results/head_ablation.json"
RATES = (2e-3, 4e-3)
LIMITS = (5e-4, 6.4e-2)
RATE_SEEDS = (301, 302)
SEEDS = (401, 402, 403, 404, 405)
EPOCHS = 12
RIVAL = "bottleneck"  # steadier than mlp:8, whose few GELU units may die


class Bench:
    """A corpus, its frozen features and one run of a head on them."""

    def __init__(self, corpus: Corpus) -> None:
        parts = {k: getattr(corpus, k) for k in ("train", "dev", "test")}
        self.corpus = corpus
        self.gold = {k: [s.tags for s in part] for k, part in parts.items()}
        self.model, tokenizer = models.build_tagger("", corpus.types, "linear")
        self.features = {
            k: models.frozen_features(self.model, tokenizer, [s.words for s in part])
            for k, part in parts.items()
        }
        named = [s.document for s in corpus.test]
        self.groups = named if len(set(named)) > 1 else None

    def train(
        self,
        build: Build,
        rate: float,
        seed: int,
        epochs: int = EPOCHS,
        rows: list[int] | None = None,
    ) -> float:
        """Train a fresh head on all or some sentences; its best dev F1."""
        features, gold = self.features["train"], self.gold["train"]
        if rows is not None:
            features, gold = features.take(rows), [gold[k] for k in rows]
        dev = (self.features["dev"], self.gold["dev"])
        return train_variant(
            self.model, build, features, gold, dev,
            rate=rate, seed=seed, epochs=epochs,
        )  # fmt: skip

    def test(self) -> tuple[float, list[list[str]]]:
        """Test entity F1 of the head trained last, and its tags."""
        logits = models.head_logits(self.model, self.features["test"])
        tags = models.decode_all(logits, self.corpus.labels)
        return float(models.entity_f1(self.gold["test"], tags)), tags


def choose_rate(bench: Bench, build: Build) -> tuple[float, dict[str, float]]:
    """Rate with the best mean dev F1, and all that were tried."""
    waiting, tried = list(RATES), {}
    while waiting:
        rate = waiting.pop(0)
        tried[rate] = np.mean([bench.train(build, rate, s) for s in RATE_SEEDS])
        best = max(tried, key=tried.get)
        if not waiting and best == max(tried) < LIMITS[1]:
            waiting.append(2 * best)
        elif not waiting and best == min(tried) > LIMITS[0]:
            waiting.append(best / 2)
    return max(tried, key=tried.get), {f"{r:g}": float(f) for r, f in tried.items()}


def ablation(
    bench: Bench,
    variants: Mapping[str, Build] = VARIANTS,
    path: Path | None = None,
    kept: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Rows per variant and seed, chosen rates, means and paired differences.

    Variants of the record ``kept`` are taken over, but the rival is trained again,
    since the differences need its tags.
    """
    rows, rates, dev, predicted = [], {}, {}, {}
    result: dict[str, Any] = {}
    old = {r["head"]: r for r in kept["summary"]} if kept else {}
    for name, build in tqdm(variants.items(), unit="variant"):
        if name in old and name != RIVAL:
            result["summary"].append(old[name])
            rows += [r for r in kept["rows"] if r["head"] == name]
            dev[name] = kept["rates_on_dev"][name]
            continue
        if name in old:
            rates[name], dev[name] = old[name]["rate"], kept["rates_on_dev"][name]
        else:
            rates[name], dev[name] = choose_rate(bench, build)
        predicted[name] = []
        for seed in SEEDS:
            best = bench.train(build, rates[name], seed)
            f1, tags = bench.test()
            predicted[name].append(tags)
            rows.append({"head": name, "seed": seed, "f1": f1, "dev_f1": best})
        mine = [r for r in rows if r["head"] == name]
        mean = models.mean_interval([r["f1"] for r in mine])
        summary = result.setdefault("summary", [])
        summary.append(
            {
                "head": name,
                "parameters": sum(p.numel() for p in bench.model.head.parameters()),
                "rate": rates[name],
                "dev_f1": float(np.mean([r["dev_f1"] for r in mine])),
                "mean": mean.value,
                "low": mean.low,
                "high": mean.high,
            }
        )
        if RIVAL in predicted:
            gain = models.paired_gain(
                bench.gold["test"],
                predicted[name],
                predicted[RIVAL],
                bench.groups,
                np.random.default_rng(7),
            )
            summary[-1] |= {
                "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
            }  # fmt: skip
        result |= {"rows": rows, "rates_on_dev": dev}
        if path is not None:
            write_json(path, rounded(envelope(bench) | result))
    if path is not None:  # rows taken over after the last new one
        write_json(path, rounded(envelope(bench) | result))
    return result


def envelope(bench: Bench) -> dict[str, Any]:
    """What every record of this study says first."""
    return {
        "study": "head_ablation",
        "question": __doc__.splitlines()[0],
        "settings": {
            "corpus": bench.corpus.name, "qubits": QUBITS, "layers": LAYERS,
            "epochs": EPOCHS, "rate_seeds": list(RATE_SEEDS), "seeds": list(SEEDS),
            "rival": RIVAL, "sentences": len(bench.corpus.train),
        },
        "versions": versions(),
    }  # fmt: skip


def rounded(value: Any) -> Any:
    """The same with floats of six digits."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return round(float(value), 6) if isinstance(value, float) else value


def tiny_slice(rates: Mapping[str, float]) -> dict[str, float]:
    """Test F1 of two heads with the first seed, as in the record."""
    bench, found = Bench(load_corpus("newswire")), {}
    for name in ("bottleneck", "quantum"):
        bench.train(VARIANTS[name], rates[name], SEEDS[0])
        found[name] = bench.test()[0]
    return found


def main() -> None:
    """Write the record after every variant; recorded ones are not run again."""
    torch.set_num_threads(1)
    bench, kept = Bench(load_corpus("newswire")), None
    if RESULT.is_file():
        kept = json.loads(RESULT.read_text())
        if kept["settings"] != envelope(bench)["settings"]:
            kept = None
    ablation(bench, path=RESULT, kept=kept)


if __name__ == "__main__":
    main()
