"""Causal structure, optimal paths and interventions on text."""

from __future__ import annotations

from qglib.causal.comparison import compare_methods
from qglib.causal.discovery import bootstrap_edges, discover
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
from qglib.causal.graphs import (
    compelled_arrows,
    cpdag,
    graph_metrics,
    undirected_edges,
)
from qglib.causal.interventions import Target, intervene_on_context, targets_of
from qglib.causal.markov_class import (
    Identifiability,
    class_members,
    class_size,
    identifiability,
)
from qglib.causal.networks import BinaryNetwork, load_network, network_names
from qglib.causal.optimal_path import OptimalPath, optimal_path
from qglib.causal.order_counterfactual import (
    OrderCounterfactual,
    minimal_order_change,
    order_counterfactual,
    order_flips,
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
from qglib.causal.quantum_path import (
    QuantumPath,
    layered_graph,
    quantum_path,
    search_cost,
    search_scaling,
)
from qglib.causal.scores import additive_ridge_bic, discrete_bic, gaussian_bic
from qglib.causal.spurious_cue import CueTest, spurious_cue_test
from qglib.causal.text_effects import (
    TextEffects,
    cluster_interval,
    text_effects,
    whitespace_placebo,
)
from qglib.causal.word_classes import WordClasses, word_class

__all__ = [
    "BinaryNetwork",
    "CueTest",
    "Identifiability",
    "OptimalPath",
    "OrderCounterfactual",
    "PathStability",
    "QuantumPath",
    "Target",
    "TextEffects",
    "WordClasses",
    "additive_ridge_bic",
    "bootstrap_edges",
    "class_members",
    "class_size",
    "cluster_interval",
    "compare_methods",
    "compelled_arrows",
    "contrast_sentence",
    "cpdag",
    "discover",
    "discrete_bic",
    "draw_classes",
    "draw_confidence",
    "draw_contrast",
    "draw_effects",
    "draw_flips",
    "draw_graph",
    "draw_path",
    "draw_path_products",
    "draw_search",
    "effects_over_class",
    "exact_search",
    "fit_linear_model",
    "gaussian_bic",
    "graph_metrics",
    "identifiability",
    "intervene_on_context",
    "layered_graph",
    "load_network",
    "minimal_order_change",
    "network_names",
    "optimal_path",
    "order_counterfactual",
    "order_flips",
    "path_products",
    "path_report",
    "path_stability",
    "path_summary",
    "planted_interventions",
    "planted_table_of_errors",
    "quantum_path",
    "search_cost",
    "search_scaling",
    "spurious_cue_test",
    "strata_contrast",
    "targets_of",
    "text_effects",
    "total_effects",
    "undirected_edges",
    "whitespace_placebo",
    "word_class",
]
