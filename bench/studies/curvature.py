"""Are negatively curved edges of the attribution graph the ones that matter?

Question: does removing the attention edges of most negative Ollivier-Ricci curvature
change a tagger's logit more than removing those of highest betweenness, those of
largest flow, or random ones?

Protocol: planted pairs whose decision turns. The 60 busiest edges of each decision
graph make an undirected graph; curvature (idleness 0 or 1/2, measures even or by
flow) and edge betweenness are taken on it. Each rule removes k attention edges
between different sub-words from the clean run, all from the same candidates, and the
absolute change of the logit is divided by clean minus corrupt logit. The variant of
curvature and k are chosen on pairs of seed 0 and measured on pairs of seed 1; rivals
are measured at the same k. 95 % bootstrap intervals over pairs, differences paired.
Runtime: about 2 minutes on one thread.
"""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np

from qglib import text
from qglib.explain import (
    decision,
    decision_graphs,
    interval_table,
    planted_pairs,
    turning_pairs,
)
from qglib.explain.curvature import LABEL, attribution_network, ollivier_ricci
from qglib.explain.edge_removal import removed_logits
from qglib.run import versions, write_json

ROOT = Path(__file__).parents[2]
OUT = ROOT / "data/reference/results/curvature.json"
MODEL = ROOT / "data/reference/02_model_training/model"
KS = (1, 3, 5, 8)
VARIANTS = {
    "even": {"idleness": 0.0},
    "lazy": {"idleness": 0.5},
    "flow": {"idleness": 0.0, "weight": "flow"},
    "lazy_flow": {"idleness": 0.5, "weight": "flow"},
}


def load():
    """The reference tagger and its tokenizer."""
    return text.load_tagger(MODEL)


def cases(model, seed: int, count: int):
    """`count` turning pairs of a seed with their decision graphs."""
    offered = planted_pairs(model[1], 5 * count, np.random.default_rng(seed))
    pairs = turning_pairs(*model, offered)[:count]
    texts = [(p.clean, p.corrupt) for p in pairs]
    return pairs, decision_graphs(*model, texts, [p.target for p in pairs])


def changes(model, pairs, graphs, rng, most: int = 60, random_draws: int = 10):
    """Rule -> (pairs, k): share of the logit difference that a removal moves."""
    found: dict[str, list] = {}
    for pair, graph in zip(pairs, graphs, strict=True):
        network = attribution_network(graph, most)
        plain = nx.Graph(network)
        candidates = [(a, b) for a, b in network.edges if b != LABEL and a[1] != b[1]]
        if not candidates:
            continue
        busy = nx.edge_betweenness_centrality(plain)
        busy |= {(b, a): v for (a, b), v in busy.items()}
        score = {"betweenness": {e: busy[e] for e in candidates}}
        score["flow"] = {e: network.edges[e]["flow"] for e in candidates}
        for name, options in VARIANTS.items():
            curved = ollivier_ricci(plain, **options)
            curved |= {(b, a): v for (a, b), v in curved.items()}
            score[f"curvature_{name}"] = {e: -curved[e] for e in candidates}
        for n in range(random_draws):
            noise = rng.random(len(candidates))
            score[f"random_{n}"] = dict(zip(candidates, noise, strict=True))
        # ties are broken by a draw, so that the order of nodes plays no part
        luck = dict(zip(candidates, rng.random(len(candidates)), strict=True))
        sets = []
        for values in score.values():
            order = sorted(candidates, key=lambda e: (-round(values[e], 9), luck[e]))
            sets += [[(a[0], b[1], a[1]) for a, b in order[:k]] for k in KS]
        this = decision(*model, pair.clean, pair.target)
        logits = removed_logits(this, [[], *sets])
        gap = graph.clean_logit - graph.corrupt_logit
        moved = np.abs(logits[1:] - logits[0]).reshape(-1, len(KS)) / abs(gap)
        for name, row in zip(score, moved, strict=True):
            if not name.startswith("random"):
                found.setdefault(name, []).append(row)
        found.setdefault("random", []).append(moved[-random_draws:].mean(0))
    return {name: np.array(rows) for name, rows in found.items()}


def compare(model, chosen_on: int = 60, measured_on: int = 120) -> dict:
    """Choose variant and k on seed 0, measure on seed 1."""
    first = changes(model, *cases(model, 0, chosen_on), np.random.default_rng(10))
    names = [f"curvature_{name}" for name in VARIANTS]
    lead = np.array([(first[n] - first["betweenness"]).mean(0) for n in names])
    best, k = np.unravel_index(lead.argmax(), lead.shape)
    second = changes(model, *cases(model, 1, measured_on), np.random.default_rng(11))
    chosen = second[names[best]][:, k]
    rng = np.random.default_rng(12)
    means = {n: second[n][:, k] for n in second}
    rivals = ("betweenness", "flow", "random")
    gaps = {f"minus_{n}": chosen - second[n][:, k] for n in rivals}
    table = interval_table(means | gaps, rng)
    return {
        "variant": names[best],
        "k": KS[k],
        "pairs": len(chosen),
        "chosen_lead": round(float(lead.max()), 6),
        "rows": [
            {"row": name, **{c: round(float(v), 6) for c, v in row.items()}}
            for name, row in table.iterrows()
        ],
        "by_k": {
            n: {str(j): round(float(v), 6) for j, v in zip(KS, x.mean(0), strict=True)}
            for n, x in second.items()
        },
    }


def main() -> None:
    """Run the study and write its record."""
    result = compare(load())
    write_json(
        OUT,
        {
            "study": "curvature",
            "question": "Do the most negatively curved edges matter most?",
            "settings": {
                "edges": 60,
                "ks": KS,
                "chosen_on": "seed 0",
                "measured_on": "seed 1",
                "unit": "share of the logit difference",
            },
            "versions": versions(),
            **result,
        },
    )


if __name__ == "__main__":
    main()
