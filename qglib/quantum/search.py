"""Minimum finding by Grover search, simulated with its exact success probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


def grover_success(n_states: int, n_marked: int, iterations: int) -> float:
    """sin^2((2k+1) theta) with sin^2 theta = marked / states.

    Boyer, Brassard, Hoyer, Tapp, Fortschr. Phys. 46, 493 (1998), equation 1.
    """
    theta = math.asin(math.sqrt(n_marked / n_states))
    return math.sin((2 * iterations + 1) * theta) ** 2


@dataclass(frozen=True)
class MinimumSearch:
    """Outcome of `durr_hoyer`: the state found and the oracle calls it took."""

    index: int
    value: float
    queries_to_best: int
    queries: int


def durr_hoyer(values: np.ndarray, rng: np.random.Generator) -> MinimumSearch:
    """Minimum finding by Grover search under a falling threshold.

    Durr and Hoyer (arXiv:quant-ph/9607014), simulated with the exact success
    probability of every Grover run instead of a circuit. It stops after
    22.5 sqrt(N) + 1.4 log2(N)^2 oracle calls, the paper's bound for success with
    probability at least one half.

    Args:
        values: One number per basis state, at least one.
        rng: Source of the measurement outcomes.

    Raises:
        ValueError: for an empty vector or numbers that are not finite.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError("values must be a non-empty vector of finite numbers")
    size = len(values)
    budget = 22.5 * math.sqrt(size) + 1.4 * math.log2(size) ** 2
    index = int(rng.integers(size))
    queries, at_best, reach = 0, 0, 1.0
    while queries < budget:
        better = np.flatnonzero(values < values[index])
        if not len(better):
            break  # a true run cannot know this; queries_to_best is what it paid
        iterations = int(rng.integers(math.ceil(reach)))
        queries += iterations + 1  # the outcome is checked with one more call
        if rng.random() < grover_success(size, len(better), iterations):
            index, at_best, reach = int(rng.choice(better)), queries, 1.0
        else:
            reach = min(1.2 * reach, math.sqrt(size))
    return MinimumSearch(index, float(values[index]), at_best, queries)
