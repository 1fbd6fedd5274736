"""Explanations that are tested: attributions, the decision path D, drawings."""

from qglib.explain.attribution import METHODS, attributions
from qglib.explain.background import background_shapley
from qglib.explain.blank_graphs import blank_graphs
from qglib.explain.branches import BranchControls, branch_controls
from qglib.explain.causal_drawing import draw_causal_graph
from qglib.explain.causal_layout import (
    HasseLayout,
    LayeredGraph,
    hasse_layout,
    layered_graph,
)
from qglib.explain.contribution import Attribution
from qglib.explain.controls import (
    PathControls,
    interval_table,
    oracle_agreement,
    path_controls,
)
from qglib.explain.curvature import attribution_network, ollivier_ricci
from qglib.explain.curvature_truth import curvature_truth
from qglib.explain.decision import Decision, decision
from qglib.explain.decision_graph import (
    DecisionGraph,
    decision_graph,
    decision_graphs,
)
from qglib.explain.decision_path import (
    DecisionPath,
    decision_branches,
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
from qglib.explain.edge_patching import checked_graph, exact_graph
from qglib.explain.edge_rankings import CURVATURES, removal_changes
from qglib.explain.edge_removal import removed_logits
from qglib.explain.explanation import explanation
from qglib.explain.faithfulness import (
    FaithfulnessCurve,
    faithfulness_curve,
    input_only_scores,
    randomised,
    rank_agreement,
    sanity_check,
)
from qglib.explain.gates import draw_gates, gate_shapley, head_gate_shapley
from qglib.explain.graph_figures import draw_curvature, draw_layered, draw_wires
from qglib.explain.intervention_agreement import (
    PathAgreement,
    deletion_effects,
    path_agreement,
    start_shares,
)
from qglib.explain.known_truth import (
    KnownCause,
    first_entities,
    known_causes,
    right_entities,
    turning_pairs,
)
from qglib.explain.light_cone import LightConeLayout, light_cone_layout
from qglib.explain.page import explanation_page, outside_addresses, write_page
from qglib.explain.patching import exact_patching, restored_logit, restored_logits
from qglib.explain.path_search import lost_logits, searched_path
from qglib.explain.planted_classifier import (
    PlantedClassifier,
    negation_accuracy,
    negation_classifier,
)
from qglib.explain.planted_negation import NegationPair, negation_pairs
from qglib.explain.planted_pairs import PlantedPair, planted_pairs
from qglib.explain.qaoa_drawing import QaoaDrawing, qaoa_drawing
from qglib.explain.quantum_wires import WireGraph, WirePath, wire_graph, wire_path
from qglib.explain.shapley import ShapleyValues, exact_shapley, sampled_shapley
from qglib.explain.student import (
    decided_entities,
    shown_words,
    student_agreement,
    student_trial,
)
from qglib.explain.word_rankings import RANKINGS, intervention_trial, word_rankings

__all__ = [
    "CURVATURES",
    "METHODS",
    "RANKINGS",
    "Attribution",
    "BranchControls",
    "Decision",
    "DecisionGraph",
    "DecisionPath",
    "FaithfulnessCurve",
    "HasseLayout",
    "KnownCause",
    "LayeredGraph",
    "LightConeLayout",
    "NegationPair",
    "PathAgreement",
    "PathControls",
    "PlantedClassifier",
    "PlantedPair",
    "QaoaDrawing",
    "ShapleyValues",
    "WireGraph",
    "WirePath",
    "attribution_network",
    "attributions",
    "background_shapley",
    "blank_graphs",
    "branch_controls",
    "checked_graph",
    "curvature_truth",
    "decided_entities",
    "decision",
    "decision_branches",
    "decision_graph",
    "decision_graphs",
    "decision_path",
    "deletion_effects",
    "draw_attributions",
    "draw_causal_graph",
    "draw_curvature",
    "draw_curves",
    "draw_decision_graph",
    "draw_gates",
    "draw_layered",
    "draw_wires",
    "exact_graph",
    "exact_patching",
    "exact_shapley",
    "explanation",
    "explanation_page",
    "faithfulness_curve",
    "first_entities",
    "gate_shapley",
    "hasse_layout",
    "head_gate_shapley",
    "input_only_scores",
    "interval_table",
    "intervention_trial",
    "known_causes",
    "layered_graph",
    "light_cone_layout",
    "lost_logits",
    "negation_accuracy",
    "negation_classifier",
    "negation_pairs",
    "ollivier_ricci",
    "oracle_agreement",
    "outside_addresses",
    "path_agreement",
    "path_controls",
    "pinned_ends_path",
    "planted_pairs",
    "qaoa_drawing",
    "random_path",
    "randomised",
    "rank_agreement",
    "removal_changes",
    "removed_logits",
    "restored_logit",
    "restored_logits",
    "right_entities",
    "rollout_path",
    "sampled_shapley",
    "sanity_check",
    "searched_path",
    "shown_words",
    "start_shares",
    "stay_path",
    "student_agreement",
    "student_trial",
    "turning_pairs",
    "visit_probability",
    "wire_graph",
    "wire_path",
    "word_rankings",
    "write_page",
]
