"""Attribution patching against exact patching: how much it saves, what it misses.

Question: on 80 planted pairs, is the decision graph at least 10 times faster than
patching every node, and does it point at the same nodes?

Protocol: the reference tagger, pairs of generator 1 whose decision turns. Agreement:
Pearson over all nodes below the last layer of a pair, share of layers with the same
top node, and the exact effect of the node that first order puts on top, as a share
of the layer's largest exact effect. Time: both on the same pairs, one thread, three
rounds, median; the exact side runs all nodes of a pair as one batch. 95 % bootstrap
over pairs. Runtime: about 4 minutes on one thread.
"""

from __future__ import annotations

import platform
import time
from pathlib import Path

import numpy as np
import torch

from bench.studies.curvature import cases, load
from qglib.explain import decision_graphs, exact_patching, interval_table
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/oracle.json"


def agreement(graphs, exact) -> dict[str, list[float]]:
    """Numbers of each pair."""
    out: dict[str, list[float]] = {
        "pearson": [],
        "same_top_node": [],
        "effect_of_first_order_top": [],
    }
    for graph, effects in zip(graphs, exact, strict=True):
        one, two = (graph.sign * x[:-1] for x in (effects, graph.node_scores))
        out["pearson"].append(float(np.corrcoef(one.ravel(), two.ravel())[0, 1]))
        top = two.argmax(1)
        out["same_top_node"].append(float(np.mean(one.argmax(1) == top)))
        rows = np.arange(len(one))
        best = np.maximum(one.max(1), 1e-9)
        out["effect_of_first_order_top"].append(float(np.mean(one[rows, top] / best)))
    return out


def compare(model, count: int = 80, rounds: int = 3) -> dict:
    """Agreement and time ratio on `count` pairs."""
    pairs, _ = cases(model, 1, count)
    texts = [(p.clean, p.corrupt) for p in pairs]
    targets = [p.target for p in pairs]
    seconds: dict[str, list[float]] = {"first order": [], "exact": []}
    for _ in range(rounds):
        began = time.perf_counter()
        graphs = decision_graphs(*model, texts, targets)
        seconds["first order"].append(time.perf_counter() - began)
        began = time.perf_counter()
        exact = [
            exact_patching(*model, *text, target)
            for text, target in zip(texts, targets, strict=True)
        ]
        seconds["exact"].append(time.perf_counter() - began)
    ratios = np.divide(seconds["exact"], seconds["first order"])
    table = interval_table(agreement(graphs, exact), np.random.default_rng(0))
    return {
        "pairs": len(pairs),
        "exact_rows": int(sum(effects.size + 1 for effects in exact)),
        "time_ratio": round(float(np.median(ratios)), 1),
        "time_ratios": [round(float(r), 1) for r in ratios],
        "rows": [
            {"row": name, **{c: round(float(v), 6) for c, v in row.items()}}
            for name, row in table.iterrows()
        ],
    }


def main() -> None:
    """Run the study and write its record."""
    torch.set_num_threads(1)
    write_json(
        OUT,
        {
            "study": "oracle",
            "question": "What does attribution patching save, and what does it miss?",
            "settings": {"pairs": 80, "threads": 1, "rounds": 3},
            "machine": platform.machine(),
            "versions": versions(),
            **compare(load()),
        },
    )


if __name__ == "__main__":
    main()
