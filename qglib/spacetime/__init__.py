"""Causal sets: build, sprinkle, observe, and compare with what is known."""

from __future__ import annotations

from qglib.spacetime.abundances import (
    expected_interval_abundances,
    interval_abundances,
)
from qglib.spacetime.action import action
from qglib.spacetime.adds import adds
from qglib.spacetime.causet import Causet
from qglib.spacetime.chains import longest_chain
from qglib.spacetime.content_dimension import content_dimension
from qglib.spacetime.dependence_network import dependence_network
from qglib.spacetime.dimension import (
    myrheim_meyer_dimension,
    ordering_fraction,
)
from qglib.spacetime.drawing import draw_order
from qglib.spacetime.features import order_features
from qglib.spacetime.independence import independence_test
from qglib.spacetime.manifold import manifold_likeness
from qglib.spacetime.sprinkling import sprinkle_diamond
from qglib.spacetime.table_cache import null_table

__all__ = [
    "Causet",
    "action",
    "adds",
    "content_dimension",
    "dependence_network",
    "draw_order",
    "expected_interval_abundances",
    "independence_test",
    "interval_abundances",
    "longest_chain",
    "manifold_likeness",
    "myrheim_meyer_dimension",
    "null_table",
    "order_features",
    "ordering_fraction",
    "sprinkle_diamond",
]
