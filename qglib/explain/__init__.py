"""Explanations that are tested: attributions, the decision path D, a drawing."""

from qglib.explain.attribution import attribute, faithfulness
from qglib.explain.decision_graph import decision_graphs
from qglib.explain.decision_path import decision_path, draw_decision_graph
from qglib.explain.encoder import patched_logits
from qglib.explain.games import exact_shapley
from qglib.explain.head_graph import head_graph
from qglib.explain.planted_pairs import planted_pairs, turning_pairs

__all__ = [
    "attribute", "decision_graphs", "decision_path", "draw_decision_graph",
    "exact_shapley", "faithfulness", "head_graph", "patched_logits", "planted_pairs",
    "turning_pairs",
]  # fmt: skip
