"""Does a quantum head learn from fewer sentences than a classical one of its size?

Question: entity F1 against the number of training sentences, frozen encoder: linear,
`mlp:8` and `bottleneck` (both with the circuit's bottleneck), two quantum heads: the
library's and the one with half the reach and a residual read-out.

Protocol: random training sentences, drawn per seed (401 to 405) and nested; 100, 300
and all 729 of the embedded newswire corpus; with a folder that holds the dev and test
files of UNER English-EWT also 100, 300 and 1000 of those (its dev part serves as
training and dev set, cut between documents; the test part is cut to 1000 sentences).
36, 24 and 12 epochs, so that small samples see enough steps; learning rates are those
chosen on dev with other seeds (`head_rates.json`; `mlp:8` takes that of mlp, the
residual head that of quantum). Features are standardised with the training words in
use. The dev set is the full one for every size, as early stopping for all heads
alike. Intervals: Student's t over seeds; differences are paired by seed.
Runtime: about 5 minutes a corpus on one core.

Run: python -m bench.studies.learning_curve [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from bench.studies.head_ablation import SEEDS, VARIANTS, Bench, rounded
from qglib import models
from qglib.data import Corpus, Sentence, load_corpus
from qglib.record import versions, write_json

RESULT = Path(__file__).parents[2] / "data/reference/results/learning_curve.json"
HEADS = {
    "linear": 1e-2,
    "mlp:8": 5e-3,
    "bottleneck": 5e-3,
    "quantum": 3e-3,
    "residual": 3e-3,
}
EPOCHS = {100: 36, 300: 24}  # others: 12
SIZES = {"newswire": (100, 300, 729), "en_ewt": (100, 300, 1000)}
RIVAL = "bottleneck"


def read_ewt(folder: str | Path) -> Corpus:
    """UNER English-EWT from its dev and test files (columns number, word, tag)."""

    def read(part: str) -> list[Sentence]:
        document, sentences = "", []
        content = Path(folder, f"en_ewt-ud-{part}.iob2").read_text(encoding="utf-8")
        for block in content.strip().split("\n\n"):
            lines = block.splitlines()
            for line in lines:
                if line.startswith("# newdoc id"):
                    document = line.split("=", 1)[1].strip()
            rows = [line.split("\t") for line in lines if not line.startswith("#")]
            words, tags = (tuple(row[k] for row in rows) for k in (1, 2))
            sentences.append(Sentence(words, tags, document=document))
        return sentences

    both = read("dev")
    cut = 1400
    while both[cut].document == both[cut - 1].document:
        cut += 1
    parts = (tuple(both[:cut]), tuple(both[cut:]), tuple(read("test")[:1000]))
    types = {t[2:] for part in parts for s in part for t in s.tags if t != "O"}
    return Corpus("en_ewt", tuple(sorted(types)), *parts)


def subset(bench: Bench, size: int, seed: int) -> list[int]:
    """Numbers of the sentences: the first ``size`` of one shuffle per seed.

    The shuffle is the first that has every label in its first 100 sentences.
    """
    rng = np.random.default_rng(seed)
    tags = bench.gold["train"]
    for _ in range(1000):
        order = rng.permutation(len(tags)).tolist()
        if {t for k in order[:100] for t in tags[k]} >= set(bench.corpus.labels):
            return order[:size]
    raise ValueError("no 100 sentences hold every label: give a larger corpus")


def curve(
    bench: Bench, sizes: Sequence[int], seeds: Sequence[int] = SEEDS
) -> list[dict[str, Any]]:
    """One row per head, size and seed: corpus, head, sentences, seed, f1, dev_f1."""
    points = [(h, n, s) for n in sizes for s in seeds for h in HEADS]
    rows = []
    for head, size, seed in tqdm(points, unit="run", mininterval=5):
        chosen = subset(bench, size, seed)
        epochs = EPOCHS.get(size, 12)
        best = bench.train(VARIANTS[head], HEADS[head], seed, epochs, chosen)
        rows.append(
            {
                "corpus": bench.corpus.name,
                "head": head,
                "sentences": size,
                "seed": seed,
                "f1": bench.test()[0],
                "dev_f1": best,
            }
        )
    return rows


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean F1 with interval, and the paired gain over the rival, per head and size."""
    keys = dict.fromkeys((r["corpus"], r["sentences"], r["head"]) for r in rows)
    scores = {
        key: [r["f1"] for r in rows if key == (r["corpus"], r["sentences"], r["head"])]
        for key in keys
    }
    table = []
    for (corpus, size, head), mine in scores.items():
        rival = scores[corpus, size, RIVAL]
        mean = models.mean_interval(mine)
        gain = models.mean_interval(np.subtract(mine, rival))
        table.append(
            {
                "corpus": corpus, "sentences": size, "head": head,
                "mean": mean.value, "low": mean.low, "high": mean.high,
                "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
            }
        )  # fmt: skip
    return table


def tiny_slice() -> dict[str, float]:
    """Test F1 of the heads at 100 newswire sentences, first seed."""
    rows = curve(Bench(load_corpus("newswire")), (100,), SEEDS[:1])
    return {r["head"]: r["f1"] for r in rows}


def main(folder: str | None = None) -> None:
    """Write the record after every corpus and size."""
    torch.set_num_threads(1)
    corpora = [load_corpus("newswire")]
    if folder is not None:
        corpora.append(read_ewt(folder))
    rows: list[dict[str, Any]] = []
    for corpus in corpora:
        bench = Bench(corpus)
        for size in SIZES[corpus.name]:
            rows += curve(bench, (size,))
            content = {
                "study": "learning_curve",
                "question": __doc__.splitlines()[0],
                "settings": {"rates": HEADS, "seeds": list(SEEDS), "rival": RIVAL},
                "versions": versions(),
                "rows": rows,
                "summary": summary(rows),
            }
            write_json(RESULT, rounded(content))


if __name__ == "__main__":
    main(*sys.argv[1:2])
