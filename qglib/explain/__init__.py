"""Explanations that are tested: attributions, the decision path D, drawings."""

from qglib.explain.attribution import METHODS, Attribution, attributions
from qglib.explain.causal_drawing import draw_causal_graph
from qglib.explain.causal_layout import HasseLayout, hasse_layout
from qglib.explain.controls import (
    PathControls,
    interval_table,
    oracle_agreement,
    path_controls,
)
from qglib.explain.decision import Decision, decision
from qglib.explain.decision_graph import (
    DecisionGraph,
    decision_graph,
    decision_graphs,
)
from qglib.explain.decision_path import (
    DecisionPath,
    decision_path,
    pinned_ends_path,
    random_path,
    rollout_path,
    stay_path,
    visit_probability,
)
from qglib.explain.drawings import (
    draw_attributions,
    draw_curves,
    draw_decision_graph,
)
from qglib.explain.explanation import explanation
from qglib.explain.faithfulness import (
    FaithfulnessCurve,
    faithfulness_curve,
    input_only_scores,
    randomised,
    rank_agreement,
    sanity_check,
)
from qglib.explain.known_truth import (
    KnownCause,
    known_causes,
    right_entities,
    turning_pairs,
)
from qglib.explain.light_cone import LightConeLayout, light_cone_layout
from qglib.explain.patching import exact_patching, restored_logit, restored_logits
from qglib.explain.planted_pairs import PlantedPair, planted_pairs
from qglib.explain.shapley import ShapleyValues, exact_shapley, sampled_shapley

__all__ = [
    "METHODS",
    "Attribution",
    "Decision",
    "DecisionGraph",
    "DecisionPath",
    "FaithfulnessCurve",
    "HasseLayout",
    "KnownCause",
    "LightConeLayout",
    "PathControls",
    "PlantedPair",
    "ShapleyValues",
    "attributions",
    "decision",
    "decision_graph",
    "decision_graphs",
    "decision_path",
    "draw_attributions",
    "draw_causal_graph",
    "draw_curves",
    "draw_decision_graph",
    "exact_patching",
    "exact_shapley",
    "explanation",
    "faithfulness_curve",
    "hasse_layout",
    "input_only_scores",
    "interval_table",
    "known_causes",
    "light_cone_layout",
    "oracle_agreement",
    "path_controls",
    "pinned_ends_path",
    "planted_pairs",
    "random_path",
    "randomised",
    "rank_agreement",
    "restored_logit",
    "restored_logits",
    "right_entities",
    "rollout_path",
    "sampled_shapley",
    "sanity_check",
    "stay_path",
    "turning_pairs",
    "visit_probability",
]
