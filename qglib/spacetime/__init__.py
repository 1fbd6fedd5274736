"""Causal sets: build, sprinkle, observe, and compare with what is known."""

from __future__ import annotations

from .abundances import (
    expected_interval_abundances,
    expected_ordering_fraction,
    interval_abundances,
)
from .action import action, expected_action
from .causet import Causet
from .chains import (
    LongestChain,
    chain_coefficient,
    chain_counts,
    heights,
    longest_chain,
)
from .content_dimension import ContentDimension, content_dimension
from .controls import kleitman_rothschild, posts, rewired, transitive_percolation
from .dependence_drawing import draw_dependence
from .dependence_network import DependenceNetwork, dependence_network
from .dimension import (
    DimensionEstimate,
    clear_intervals,
    dimension_of_fraction,
    midpoint_dimension,
    myrheim_meyer_dimension,
    ordering_fraction,
)
from .dominance import DominancePosition
from .drawing import (
    draw_abundances,
    draw_against_null,
    draw_names,
    draw_order,
    draw_verdict,
)
from .feature_verdict import FeatureVerdict, verdict_table
from .features import FEATURE_NAMES, causal_set_features
from .independence import (
    IndependenceResult,
    NullTable,
    independence_test,
    null_table,
)
from .judging import judge_features
from .manifold import ManifoldVerdict, largest_interval, manifold_likeness
from .path_sum import path_sum, propagator_amplitudes
from .power import ALTERNATIVES, power_table
from .power_drawing import (
    draw_power,
    power_contests,
    power_differences,
    power_summary,
    recipe_gaps,
)
from .scans import feature_table, gate_table, speed_scan
from .sprinkling import sprinkle_diamond
from .transformer import CausalSetFeatures
from .verdict_drawing import draw_gains

__all__ = [
    "ALTERNATIVES",
    "FEATURE_NAMES",
    "CausalSetFeatures",
    "Causet",
    "ContentDimension",
    "DependenceNetwork",
    "DimensionEstimate",
    "DominancePosition",
    "FeatureVerdict",
    "IndependenceResult",
    "LongestChain",
    "ManifoldVerdict",
    "NullTable",
    "action",
    "causal_set_features",
    "chain_coefficient",
    "chain_counts",
    "clear_intervals",
    "content_dimension",
    "dependence_network",
    "dimension_of_fraction",
    "draw_abundances",
    "draw_against_null",
    "draw_dependence",
    "draw_gains",
    "draw_names",
    "draw_order",
    "draw_power",
    "draw_verdict",
    "expected_action",
    "expected_interval_abundances",
    "expected_ordering_fraction",
    "feature_table",
    "gate_table",
    "heights",
    "independence_test",
    "interval_abundances",
    "judge_features",
    "kleitman_rothschild",
    "largest_interval",
    "longest_chain",
    "manifold_likeness",
    "midpoint_dimension",
    "myrheim_meyer_dimension",
    "null_table",
    "ordering_fraction",
    "path_sum",
    "posts",
    "power_contests",
    "power_differences",
    "power_summary",
    "power_table",
    "propagator_amplitudes",
    "recipe_gaps",
    "rewired",
    "speed_scan",
    "sprinkle_diamond",
    "transitive_percolation",
    "verdict_table",
]
