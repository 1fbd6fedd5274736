"""Families of random dependent pairs on which independence tests are judged.

Question: does a test that is good on one collection of shapes stay good on others?
The third family (after the published simulations and the training copulas) holds
five types from the literature on independent components and generic networks. The
fourth was written after the recipe of the causal-set test was final, and run once:
six types from insurance (common shock), time series (threshold regression,
stochastic volatility), geometry (projected shells), count regression and real
tables, none of them a published simulation, a training copula or a third type.

Protocol: `structure(family, kind, index)` draws one structure from a seed of its
own; `samples` draws from it, with y permuted for the null of raw-value tests. No
test is run here. Runtime: seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .training_copulas import log_uniform, random_function

Pair = tuple[np.ndarray, np.ndarray]
Sampler = Callable[[np.random.Generator, int], Pair]

SEED = 20_261_203
STRUCTURES = 24  # per kind


# ---------------------------------------------------------------- third family
def _latent_network(rng: np.random.Generator) -> Sampler:
    latent, scale = int(rng.integers(1, 4)), log_uniform(rng, 0.1, 0.8)
    nets = [
        (
            rng.uniform(0.7, 2.5) * rng.normal(size=(latent, 16)),
            rng.normal(size=16),
            rng.normal(size=16) / 4,
        )
        for _ in range(2)
    ]

    def sample(r: np.random.Generator, n: int) -> Pair:
        z = r.normal(size=(n, latent))
        x, y = (np.tanh(z @ w + c) @ v for w, c, v in nets)
        return x + 0.7 * scale * r.normal(size=n), y + scale * r.normal(size=n)

    return sample


def _branch(rng: np.random.Generator) -> Sampler:
    weight = rng.uniform(0.3, 0.7)
    first, second = (random_function(rng, log_uniform(rng, 0.15, 0.8)) for _ in "fh")
    scale = log_uniform(rng, 0.1, 1)

    def sample(r: np.random.Generator, n: int) -> Pair:
        x = r.random(n)
        y = np.where(r.random(n) < weight, first(x), second(x))
        return x, y + scale * r.normal(size=n)

    return sample


_SOURCES: tuple[Callable[[np.random.Generator, int], np.ndarray], ...] = (
    lambda r, n: r.uniform(-1.7, 1.7, n),
    lambda r, n: r.laplace(size=n) / 1.414,
    lambda r, n: 0.9 * r.choice([-1, 1], n) + 0.3 * r.normal(size=n),
    lambda r, n: r.exponential(size=n) - 1,
    lambda r, n: r.standard_t(3, n) / 1.7,
)


def _rotated_sources(rng: np.random.Generator) -> Sampler:
    first, second = (_SOURCES[rng.integers(len(_SOURCES))] for _ in range(2))
    angle = rng.uniform(0.15, 0.78)

    def sample(r: np.random.Generator, n: int) -> Pair:
        s, t = first(r, n), second(r, n)
        c, d = np.cos(angle), np.sin(angle)
        return c * s + d * t, c * t - d * s

    return sample


def _sine_density(rng: np.random.Generator) -> Sampler:
    k, m = rng.integers(1, 4, 2)
    depth = rng.uniform(0.6, 1)

    def sample(r: np.random.Generator, n: int) -> Pair:
        x, y, height = r.random((3, 8 * n + 100))  # rejection: half or more stay
        wave = np.sin(2 * np.pi * k * x) * np.sin(2 * np.pi * m * y)
        kept = np.flatnonzero(height * (1 + depth) < 1 + depth * wave)[:n]
        return x[kept], y[kept]

    return sample


def _chaotic_map(rng: np.random.Generator) -> Sampler:
    growth, lag = rng.uniform(3.7, 4), int(rng.integers(1, 4))
    scale = log_uniform(rng, 0.02, 0.5)

    def sample(r: np.random.Generator, n: int) -> Pair:
        state = r.random(n)
        for _ in range(50):
            state = growth * state * (1 - state)
        x = state
        for _ in range(lag):
            state = growth * state * (1 - state)
        return x + 0.3 * scale * r.normal(size=n), state + scale * r.normal(size=n)

    return sample


# --------------------------------------------------------------- fourth family
def _common_shock(rng: np.random.Generator) -> Sampler:
    """Rare heavy-tailed shocks hit both variables, with or without their sign."""
    share, freedom = rng.uniform(0.1, 0.4), int(rng.integers(1, 4))
    first, second = log_uniform(rng, 1, 4), rng.choice([-1, 1]) * log_uniform(rng, 1, 4)
    signed = rng.random() < 0.5

    def sample(r: np.random.Generator, n: int) -> Pair:
        shock = (r.random(n) < share) * r.standard_t(freedom, n)
        sign = 1 if signed else r.choice([-1, 1], n)
        e, f = r.normal(size=(2, n))
        return e + first * shock, f + second * sign * shock

    return sample


def _threshold_regression(rng: np.random.Generator) -> Sampler:
    """Two regimes of x, each with its own line and noise."""
    flat, cut = rng.random() < 0.5, rng.uniform(-0.8, 0.8)
    slope, level = rng.normal(size=2), 0.7 * rng.normal(size=2)
    scale = [log_uniform(rng, 0.5, 2) for _ in range(2)]

    def sample(r: np.random.Generator, n: int) -> Pair:
        x = r.uniform(-1.7, 1.7, n) if flat else r.normal(size=n)
        regime = (x > cut).astype(int)
        y = level[regime] + slope[regime] * x
        return x, y + np.array(scale)[regime] * r.normal(size=n)

    return sample


def _volatility(rng: np.random.Generator) -> Sampler:
    """Two returns with related log-volatilities, and leverage of the first."""
    size, relation = log_uniform(rng, 0.3, 1.2), rng.uniform(0.6, 1)
    leverage = rng.uniform(0, 0.7)

    def sample(r: np.random.Generator, n: int) -> Pair:
        e, f, g, h = r.normal(size=(4, n))
        later = relation * g + np.sqrt(1 - relation**2) * h
        later = np.sqrt(1 - leverage**2) * later - leverage * e
        return np.exp(size * g) * e, np.exp(size * later) * f

    return sample


def _projected_shell(rng: np.random.Generator) -> Sampler:
    """Two directions of a thick ellipsoidal shell in 3 to 5 dimensions."""
    dimension, thickness = int(rng.integers(3, 6)), log_uniform(rng, 0.05, 0.4)
    axes = np.exp(rng.uniform(np.log(0.6), np.log(1.6), dimension))
    frame = np.linalg.qr(rng.normal(size=(dimension, 2)))[0]

    def sample(r: np.random.Generator, n: int) -> Pair:
        z = r.normal(size=(n, dimension))
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        z *= 1 + thickness * r.normal(size=(n, 1))
        return tuple((z * axes @ frame).T)

    return sample


def _counts(rng: np.random.Generator) -> Sampler:
    """Poisson counts with a common cause, spread evenly within their unit."""
    levels, squared = rng.uniform(-0.5, 1.5, 2), rng.random() < 0.5
    first, second = log_uniform(rng, 0.15, 0.8), log_uniform(rng, 0.15, 0.8)

    def sample(r: np.random.Generator, n: int) -> Pair:
        cause = r.normal(size=n)
        effect = (cause**2 - 1) / np.sqrt(2) if squared else cause
        rates = levels[:, None] + [first * cause, second * effect]
        return tuple(r.poisson(np.exp(np.minimum(rates, 8))) + r.random((2, n)))

    return sample


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, ...]:
    from sklearn import datasets

    return tuple(
        getattr(datasets, f"load_{name}")(return_X_y=True)[0]
        for name in ("breast_cancer", "diabetes", "wine")
    )


def _table_columns(rng: np.random.Generator) -> Sampler:
    """Two columns of a real table, y exchanged among a share of the rows."""
    table = _tables()[rng.integers(3)]
    first, second = rng.choice(table.shape[1], 2, replace=False)
    share = rng.uniform(0.5, 0.95)

    def sample(r: np.random.Generator, n: int) -> Pair:
        rows = r.permutation(len(table))[:n]
        x, y = table[rows, first], table[rows, second].copy()
        moved = np.flatnonzero(r.random(n) < share)
        y[moved] = y[r.permutation(moved)]
        return x, y

    return sample


FAMILIES: dict[str, dict[str, Callable[[np.random.Generator], Sampler]]] = {
    "third": {
        "latent_network": _latent_network,
        "branch": _branch,
        "rotated_sources": _rotated_sources,
        "sine_density": _sine_density,
        "chaotic_map": _chaotic_map,
    },
    "fourth": {
        "common_shock": _common_shock,
        "threshold_regression": _threshold_regression,
        "volatility": _volatility,
        "projected_shell": _projected_shell,
        "counts": _counts,
        "table_columns": _table_columns,
    },
}
"""Family to kind to a function that draws one structure."""


def _key(family: str, kind: str, index: int) -> list[int]:
    kinds = list(FAMILIES[family])
    return [SEED, list(FAMILIES).index(family), kinds.index(kind), index]


def structure(family: str, kind: str, index: int) -> Sampler:
    """One random structure, the same at every call."""
    return FAMILIES[family][kind](np.random.default_rng(_key(family, kind, index)))


def samples(
    family: str, kind: str, index: int, n: int, count: int, null: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Samples of one structure, or fresh ones with y permuted.

    Returns:
        x and y, each float64 of shape (count, n).
    """
    draw = structure(family, kind, index)
    rng = np.random.default_rng([*_key(family, kind, index), n, int(null)])
    x, y = np.empty((2, count, n))
    for k in range(count):
        x[k], y[k] = draw(rng, n)
        if null:
            y[k] = rng.permutation(y[k])
    return x, y
