"""Two words decide together: do two branches of D carry the decision?

Question: on planted negations, read at [CLS] by a head on the frozen encoder, do the
two likeliest branches of D restore more of the logit than two paths with the same
ends (pinned ends), than staying on the two starts, and than one branch?

Protocol: five classifiers (seeds of sentences and head) for each head; the layer is
chosen on 60 pairs of generator 0 (largest lead over pinned ends, all seeds together)
and measured on 60 pairs of generator 1. One number for each classifier and pair;
95 % bootstrap over classifiers (mean over pairs of each), because pairs of one
classifier are not independent. Runtime: about 3 minutes on one thread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from qglib.explain import (
    branch_controls,
    decision,
    decision_graphs,
    interval_table,
    negation_classifier,
    negation_pairs,
)
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/branching.json"
HEADS = ("linear", "bottleneck", "quantum")
SEEDS = range(5)


def measured(model, generator: int, count: int = 60):
    """Accuracy and branch controls of one classifier on pairs of one generator."""
    pairs = negation_pairs(count, np.random.default_rng(generator))
    texts = [(p.clean, p.corrupt) for p in pairs]
    graphs = decision_graphs(*model, texts, [(None, p.label) for p in pairs])
    found = branch_controls(*model, pairs, graphs, np.random.default_rng(generator))
    right = []
    for pair in pairs:
        this = decision(*model, pair.clean, (None, pair.label))
        right.append(this.probabilities(this.inputs)[0] > 0.5)
    return float(np.mean(right)), found


def rows(head: str, rng: np.random.Generator) -> dict:
    """Layer, and mean over classifiers of every number, for one head."""
    chosen, later = [], []
    for seed in SEEDS:
        model = negation_classifier(head, seed=seed)
        chosen.append(measured(model, 0)[1])
        later.append(measured(model, 1))
    last = min(f.by_layer["stay"].shape[1] for f in chosen)
    lead = np.mean(
        [[f.over("pinned ends", n).mean() for n in range(last)] for f in chosen], 0
    )
    layer = int(lead[1 : last - 1].argmax()) + 1
    table: dict[str, list[float]] = {"accuracy": [a for a, _ in later]}
    for _, found in later:
        numbers = {
            "both_starts_right": found.starts_right.mean(),
            "interaction": found.interaction.mean(),
        }
        numbers |= {n: v[:, layer].mean() for n, v in found.by_layer.items()}
        for control in ("one branch", "pinned ends", "stay", "random"):
            numbers[f"two minus {control}"] = found.over(control, layer).mean()
        for name, value in numbers.items():
            table.setdefault(name, []).append(float(value))
    return {
        "head": head,
        "layer": layer,
        "classifiers": len(SEEDS),
        "pairs": [len(found.used) for _, found in later],
        "rows": [
            {"row": name, **{c: round(float(v), 6) for c, v in row.items()}}
            for name, row in interval_table(table, rng).iterrows()
        ],
    }


def main() -> None:
    """Run the study and write its record."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(2)
    write_json(
        OUT,
        {
            "study": "branching",
            "question": "Do two branches of D carry what two words decide together?",
            "settings": {
                "pool": "cls",
                "seeds": list(SEEDS),
                "chosen_on": "pairs of generator 0",
                "measured_on": "pairs of generator 1",
                "unit": "share of the logit difference",
            },
            "versions": versions(),
            "heads": [rows(head, rng) for head in HEADS],
        },
    )


if __name__ == "__main__":
    main()
