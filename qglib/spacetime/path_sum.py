"""Sums over chains: Johnston's propagator and Wright's total effect.

Both are the same matrix identity. A path is a sequence of related elements; its
weight is the product of its edge weights; the sum over all paths is a geometric
series that ends, because the relation is strictly triangular.
"""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
from scipy.linalg import solve_triangular

from . import bits
from .causet import Causet
from .sprinkling import check_dimension


def path_sum(
    order: Causet | np.ndarray,
    hop: complex = 1.0,
    stop: complex = 1.0,
    steps: str = "relations",
) -> np.ndarray:
    """Sum over all paths of the products of their weights.

    K = a W (1 - a b W)^(-1), with a = `hop` for every step, b = `stop` for every
    element passed on the way, and W the relation of a `Causet` or a matrix of
    edge weights.

    Args:
        order: a `Causet`, or weights (N, N) where entry (i, j) belongs to the edge
            from i to j and the edges have no cycle.
        hop: amplitude of one step.
        stop: amplitude of one intermediate element.
        steps: what counts as a step in a `Causet`: "relations" or "links".

    Returns:
        Array (N, N); entry (i, j) sums the paths from i to j with at least one
        step. With hop = stop = 1 it is (1 - W)^(-1) - 1: the total effects of a
        linear structural model, without the path of length zero.

    Raises:
        ValueError: not square, not finite, a cycle, or unknown steps.
        MemoryError: six dense matrices would not fit.

    Source: Johnston, Class. Quantum Grav. 25 (2008) 202001; Wright, J. Agric.
    Res. 20 (1921) 557.
    """
    if not np.isfinite([hop, stop]).all():
        raise ValueError(f"hop is {hop} and stop {stop}: amplitudes must be finite")
    if steps not in ("relations", "links"):
        raise ValueError(f'steps is {steps!r}: choose "relations" or "links"')
    weights = None if isinstance(order, Causet) else _checked(order)
    size = order.size if weights is None else len(weights)
    item = np.result_type(0.0 if weights is None else weights, hop, stop).itemsize
    remedy = "take an interval or another subset"
    bits.require_bytes(6 * item * size**2, f"a path sum over {size} elements", remedy)
    if weights is None:
        position = np.arange(size)
        if steps == "relations":
            weights = order.matrix().astype(float)
        else:
            weights = np.zeros((size, size))
            weights[tuple(order.links().T)] = 1
    else:
        position = _topological(weights)
    step = hop * weights[np.ix_(position, position)]
    operator = np.eye(size) - stop * step
    # K (1 - a b W) = a W, solved from the right: transpose, lower triangular.
    result = solve_triangular(operator.T, step.T, lower=True, unit_diagonal=True).T
    inverse = np.argsort(position)
    return result[np.ix_(inverse, inverse)]


def _checked(order: np.ndarray) -> np.ndarray:
    weights = np.asarray(order)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
        raise ValueError(f"order has shape {weights.shape}: it must be (N, N)")
    if not np.isfinite(weights).all():
        raise ValueError("order holds values that are not finite: drop those edges")
    return weights


def _topological(weights: np.ndarray) -> np.ndarray:
    """Order of the elements in which every edge points forward."""
    graph = nx.DiGraph(weights != 0)
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [int(edge[0]) for edge in nx.find_cycle(graph)]
        raise ValueError(
            f"order has the cycle {cycle}: the sum over paths would not end. Remove "
            "an edge of it."
        )
    return np.array(list(nx.topological_sort(graph)), dtype=np.int64)


def propagator_amplitudes(
    dimension: int, density: float, mass: float
) -> tuple[float, float]:
    """Johnston's (hop, stop) for a massive scalar field.

    In two dimensions steps are relations and hop = 1/2; in four they are links
    (`steps="links"` of `path_sum`) and hop = sqrt(density) / (2 pi sqrt 6).
    stop = -mass^2 / density. The mean over sprinklings of the 2d path sum is
    J_0(mass tau) / 2.

    Raises:
        ValueError: a dimension other than 2 or 4, or a density not positive.
    """
    if check_dimension(dimension) == 3:
        raise ValueError("dimension is 3: the amplitudes are known for 2 and 4")
    if not density > 0:
        raise ValueError(f"density is {density}: it must be positive")
    four = math.sqrt(density) / (2 * math.pi * math.sqrt(6))
    return (0.5 if dimension == 2 else four), -(mass**2) / density
