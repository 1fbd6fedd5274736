"""Causal sets: build, sprinkle, observe, and compare with what is known."""

from qglib.spacetime.adds import adds
from qglib.spacetime.causet import Causet
from qglib.spacetime.drawing import draw_order
from qglib.spacetime.features import order_features
from qglib.spacetime.independence import independence_test
from qglib.spacetime.manifold import manifold_likeness
from qglib.spacetime.null_tables import null_table
from qglib.spacetime.observables import (
    interval_abundances,
    longest_chain,
    myrheim_meyer_dimension,
    ordering_fraction,
)
from qglib.spacetime.sprinkling import sprinkle_diamond

__all__ = [
    "Causet", "adds", "draw_order", "independence_test", "interval_abundances",
    "longest_chain", "manifold_likeness", "myrheim_meyer_dimension", "null_table",
    "order_features", "ordering_fraction", "sprinkle_diamond",
]  # fmt: skip
