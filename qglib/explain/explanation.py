"""One explanation as plain data, ready for a JSON file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qglib.explain.contribution import Attribution
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import DecisionPath


def explanation(
    attributions: Sequence[Attribution],
    graph: DecisionGraph,
    path: DecisionPath,
    digits: int = 5,
) -> dict[str, Any]:
    """Attributions of one sentence, and one decision graph with its path D.

    Lists, numbers and strings only; edges are rounded to `digits` decimals. The
    order of axes is that of `DecisionGraph`: layer, destination, source.

    Raises:
        ValueError: no attribution, or attributions of different decisions.
    """
    if len({(a.words, a.target) for a in attributions}) != 1:
        raise ValueError("give at least one attribution, all of the same decision")
    first = attributions[0]
    return {
        "sentence": list(first.words),
        "target": list(first.target),
        "attributions": {a.method: a.scores.tolist() for a in attributions},
        "completeness_gap": {a.method: a.completeness_gap for a in attributions},
        "decision_path": {
            "tokens": list(graph.tokens),
            "corrupt_tokens": list(graph.corrupt_tokens),
            "target": list(graph.target),
            "nodes": [list(node) for node in path.nodes],
            "score": path.score,
            "edges": np.round(graph.edges, digits).tolist(),
            "readout": np.round(graph.readout, digits).tolist(),
        },
    }
