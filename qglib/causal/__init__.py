"""Causal structure, optimal paths and interventions on text."""

from __future__ import annotations

from qglib.causal.assumptions import (
    adjusted_effects,
    adjustments_over_class,
    robustness_value,
)
from qglib.causal.augmentation import (
    MARKERS,
    counterfactual_copies,
    cue_by_place,
    plant_cue,
    random_copies,
)
from qglib.causal.classifier_effects import (
    classifier_effects,
    control_effects,
    trained_effects,
)
from qglib.causal.classifier_order import classifier_order_flips, control_flips
from qglib.causal.comparison import compare_methods
from qglib.causal.conditional_independence import CI_TESTS, TestSettings
from qglib.causal.constrained_path import (
    ConstrainedPath,
    budget_graph,
    constrained_path,
    quantum_constrained_path,
)
from qglib.causal.control_tasks import CONTROL_TASKS, control_task
from qglib.causal.data_kernels import GaussianKernel, QuantumKernel
from qglib.causal.discovery import bootstrap_edges, discover
from qglib.causal.discovery_contest import diamond_system, discovery_contest
from qglib.causal.drawing import draw_graph
from qglib.causal.effect_figures import draw_contrast, draw_effects, draw_flips
from qglib.causal.exact_search import exact_search
from qglib.causal.figures import (
    draw_classes,
    draw_confidence,
    draw_path,
    draw_path_products,
    draw_search,
)
from qglib.causal.graphs import compelled_arrows, cpdag, graph_metrics, undirected_edges
from qglib.causal.interventions import Target, intervene_on_context, targets_of
from qglib.causal.kernel_tests import (
    KernelTest,
    KernelTests,
    conditional_test,
    kernel_test,
    unconditional_test,
)
from qglib.causal.label_growth import efficient_tables, label_growth
from qglib.causal.markov_class import (
    Identifiability,
    class_members,
    class_size,
    identifiability,
)
from qglib.causal.melody_path import (
    MelodyPath,
    draw_melody_path,
    hide_tone,
    melody_path,
)
from qglib.causal.naturalness import (
    CausalLanguageModel,
    LanguageModel,
    NgramModel,
    naturalness,
    order_sense,
)
from qglib.causal.networks import BinaryNetwork, load_network, network_names
from qglib.causal.optimal_path import OptimalPath, optimal_path
from qglib.causal.order_counterfactual import (
    OrderCounterfactual,
    minimal_order_change,
    order_counterfactual,
    order_flips,
)
from qglib.causal.orientation import (
    OrientationProblem,
    exact_orientation,
    orientation_problem,
)
from qglib.causal.orientation_search import (
    anneal,
    compare_orientation,
    draw_orientation_table,
)
from qglib.causal.path_effects import (
    PathStability,
    effects_over_class,
    fit_linear_model,
    path_products,
    path_stability,
    total_effects,
)
from qglib.causal.path_report import path_report, path_summary
from qglib.causal.planted_effects import (
    contrast_sentence,
    planted_interventions,
    planted_table_of_errors,
    strata_contrast,
)
from qglib.causal.planted_path import (
    Clutter,
    draw_planted_path,
    plant_path,
    planted_path_power,
)
from qglib.causal.process_figures import draw_assumptions, draw_links, draw_root_cause
from qglib.causal.quantum_causality import (
    causal_witness,
    channel_correlations,
    depolarising_channel,
    order_game,
    process_matrix,
    pseudo_density,
    quantum_causality,
    state_correlations,
    switch_information,
)
from qglib.causal.quantum_path import (
    QuantumPath,
    layered_graph,
    quantum_path,
    search_cost,
    search_scaling,
)
from qglib.causal.robust_training import (
    augmentation_trial,
    augmentation_trials,
    compare_augmentations,
)
from qglib.causal.robustness_figures import draw_augmentation, draw_controls, draw_cue
from qglib.causal.root_cause import LaggedPath, lagged_gains, lagged_path, root_cause
from qglib.causal.scores import additive_ridge_bic, discrete_bic, gaussian_bic
from qglib.causal.spurious_cue import CueTest, spurious_cue_test
from qglib.causal.temporal import LaggedLinks, lagged_links, shuffled_time
from qglib.causal.text_classifier import (
    TextClassifier,
    fit_text_classifier,
    text_features,
)
from qglib.causal.text_effects import (
    TextEffects,
    cluster_interval,
    text_effects,
    whitespace_placebo,
)
from qglib.causal.trackers import (
    TRACKERS,
    ChainSignificance,
    chain_significance,
    chain_track,
    greedy_track,
    viterbi_track,
)
from qglib.causal.validity_card import ValidityCard, calibrated_ridge, validity_card
from qglib.causal.validity_figure import draw_validity_card
from qglib.causal.word_classes import WordClasses, word_class

# fmt: off
__all__ = [
    "CI_TESTS", "CONTROL_TASKS", "MARKERS", "TRACKERS", "BinaryNetwork",
    "CausalLanguageModel", "ChainSignificance", "Clutter", "ConstrainedPath", "CueTest",
    "GaussianKernel", "Identifiability", "KernelTest", "KernelTests", "LaggedLinks",
    "LaggedPath", "LanguageModel", "MelodyPath", "NgramModel", "OptimalPath",
    "OrderCounterfactual", "OrientationProblem", "PathStability", "QuantumKernel",
    "QuantumPath", "Target", "TestSettings", "TextClassifier", "TextEffects",
    "ValidityCard", "WordClasses", "additive_ridge_bic", "adjusted_effects",
    "adjustments_over_class", "anneal", "augmentation_trial", "augmentation_trials",
    "bootstrap_edges", "budget_graph", "calibrated_ridge", "causal_witness",
    "chain_significance", "chain_track", "channel_correlations", "class_members",
    "class_size", "classifier_effects", "classifier_order_flips", "cluster_interval",
    "compare_augmentations", "compare_methods", "compare_orientation",
    "compelled_arrows", "conditional_test", "constrained_path", "contrast_sentence",
    "control_effects", "control_flips", "control_task", "counterfactual_copies",
    "cpdag", "cue_by_place", "depolarising_channel", "diamond_system", "discover",
    "discovery_contest", "discrete_bic", "draw_assumptions", "draw_augmentation",
    "draw_classes", "draw_confidence", "draw_contrast", "draw_controls", "draw_cue",
    "draw_effects", "draw_flips", "draw_graph", "draw_links", "draw_melody_path",
    "draw_orientation_table", "draw_path", "draw_path_products", "draw_planted_path",
    "draw_root_cause", "draw_search", "draw_validity_card", "effects_over_class",
    "efficient_tables", "exact_orientation", "exact_search", "fit_linear_model",
    "fit_text_classifier", "gaussian_bic", "graph_metrics", "greedy_track", "hide_tone",
    "identifiability", "intervene_on_context", "kernel_test", "label_growth",
    "lagged_gains", "lagged_links", "lagged_path", "layered_graph", "load_network",
    "melody_path", "minimal_order_change", "naturalness", "network_names",
    "optimal_path", "order_counterfactual", "order_flips", "order_game", "order_sense",
    "orientation_problem", "path_products", "path_report", "path_stability",
    "path_summary", "plant_cue", "plant_path", "planted_interventions",
    "planted_path_power", "planted_table_of_errors", "process_matrix", "pseudo_density",
    "quantum_causality", "quantum_constrained_path", "quantum_path", "random_copies",
    "robustness_value", "root_cause", "search_cost", "search_scaling", "shuffled_time",
    "spurious_cue_test", "state_correlations", "strata_contrast", "switch_information",
    "targets_of", "text_effects", "text_features", "total_effects", "trained_effects",
    "unconditional_test", "undirected_edges", "validity_card", "viterbi_track",
    "whitespace_placebo", "word_class",
]
# fmt: on
