"""Which rule finds the edges that a decision needs: curvature and its rivals.

Each rule ranks the attention edges among the busiest edges of a decision graph; the
k first are taken out of the clean run, and the change of the logit is counted in
shares of the difference between clean and corrupt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
import torch

from qglib.explain.curvature import LABEL, attribution_network, ollivier_ricci
from qglib.explain.decision import decision
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.edge_removal import removed_logits
from qglib.explain.planted_pairs import PlantedPair

CURVATURES: Mapping[str, Mapping[str, Any]] = {
    "even": {"idleness": 0.0},
    "lazy": {"idleness": 0.5},
    "flow": {"idleness": 0.0, "weight": "flow"},
    "lazy_flow": {"idleness": 0.5, "weight": "flow"},
}


def removal_changes(
    model: torch.nn.Module,
    tokenizer: Any,
    pairs: Sequence[PlantedPair],
    graphs: Sequence[DecisionGraph],
    rng: np.random.Generator,
    *,
    ks: Sequence[int] = (1, 3, 5, 8),
    curvatures: Mapping[str, Mapping[str, Any]] = CURVATURES,
    most: int = 60,
    random_draws: int = 10,
) -> dict[str, np.ndarray]:
    """Rule -> (pairs, len(ks)): share of the logit difference that a removal moves.

    Rules: ``betweenness``, ``flow``, ``curvature_<name>`` for each of `curvatures`
    (most negative first) and ``random`` (mean of `random_draws`). Ties are broken by
    one draw for all rules. Pairs without an edge between two sub-words are left out.

    Raises:
        ValueError: as `ollivier_ricci` and `removed_logits`; `ks` below 1.
    """
    if not ks or min(ks) < 1:
        raise ValueError(f"ks={tuple(ks)}: remove at least one edge")
    found: dict[str, list[np.ndarray]] = {}
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
        for name, options in curvatures.items():
            curved = ollivier_ricci(plain, **options)
            curved |= {(b, a): v for (a, b), v in curved.items()}
            score[f"curvature_{name}"] = {e: -curved[e] for e in candidates}
        for n in range(random_draws):
            noise = rng.random(len(candidates))
            score[f"random_{n}"] = dict(zip(candidates, noise, strict=True))
        luck = dict(zip(candidates, rng.random(len(candidates)), strict=True))
        sets = []
        for values in score.values():
            order = sorted(
                candidates,
                key=lambda e, v=values, u=luck: (-round(v[e], 9), u[e]),
            )
            sets += [[(a[0], b[1], a[1]) for a, b in order[:k]] for k in ks]
        this = decision(model, tokenizer, pair.clean, pair.target)
        logits = removed_logits(this, [[], *sets])
        gap = graph.clean_logit - graph.corrupt_logit
        moved = np.abs(logits[1:] - logits[0]).reshape(-1, len(ks)) / abs(gap)
        for name, row in zip(score, moved, strict=True):
            if not name.startswith("random"):
                found.setdefault(name, []).append(row)
        if random_draws:
            found.setdefault("random", []).append(moved[-random_draws:].mean(0))
    return {name: np.array(rows) for name, rows in found.items()}
