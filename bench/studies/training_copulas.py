"""Random dependent pairs on which the recipe of the independence test is chosen.

Question: which pairs may a recipe look at before it is judged? Eight families of
random structures, none of them a simulation of a published benchmark; 60
structures of each family for training and 30 others for validation.

Protocol: `structure(family, index, split)` draws one structure from a seed of its
own; the same structure is sampled at every n. `permutations` returns the y-ranks
in the order of x, which is all that a rank test sees. Runtime: seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]
Sampler = Callable[[np.random.Generator, int], Pair]

SEED = 20_261_124
SPLITS = {"training": 60, "validation": 30}  # structures per family
SAMPLES = 50  # per structure and n
SIZES = (50, 100, 200)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One draw whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_function(rng: np.random.Generator, length: float) -> Callable:
    """Smooth random function of unit variance with correlation length `length`."""
    frequency = rng.normal(size=64) / length
    phase = rng.uniform(0, 2 * np.pi, 64)
    weight = rng.normal(size=64) * np.sqrt(2 / 64)
    return lambda x: np.cos(np.outer(x, frequency) + phase) @ weight


def _swapped(rng: np.random.Generator, sampler: Sampler) -> Sampler:
    if rng.random() < 0.5:
        return sampler
    return lambda r, n: sampler(r, n)[::-1]


def _gp(rng: np.random.Generator) -> Sampler:
    flat, normal = rng.random() < 0.6, rng.random() < 0.7
    function = random_function(rng, log_uniform(rng, 0.05, 0.7))
    scale = log_uniform(rng, 0.3, 3)

    def sample(r: np.random.Generator, n: int) -> Pair:
        x = r.random(n) if flat else r.normal(0.5, 0.4, n)
        noise = r.normal(size=n) if normal else r.laplace(size=n) / 1.4
        return x, function(x) + scale * noise

    return _swapped(rng, sample)


def _hetero(rng: np.random.Generator) -> Sampler:
    function = random_function(rng, log_uniform(rng, 0.1, 1))
    scale = log_uniform(rng, 0.3, 1.5)

    def sample(r: np.random.Generator, n: int) -> Pair:
        x = r.random(n)
        return x, r.normal(size=n) * np.exp(scale * function(x))

    return _swapped(rng, sample)


def _copula(rng: np.random.Generator) -> Sampler:
    kind = ("gaussian", "student", "clayton", "frank")[rng.integers(4)]
    t, sign = rng.uniform(0.05, 0.45), rng.choice([-1, 1])
    freedom = int(rng.integers(1, 5))

    def sample(r: np.random.Generator, n: int) -> Pair:
        if kind in ("gaussian", "student"):
            rho = np.sin(np.pi * t / (2 if kind == "gaussian" else 4))
            x, e = r.normal(size=(2, n))
            y = rho * x + np.sqrt(1 - rho * rho) * e
            if kind == "student":
                common = np.sqrt(r.chisquare(freedom, n) / freedom)
                x, y = x / common, y / common
            return x, sign * y
        u, w = r.random((2, n))
        if kind == "clayton":
            theta = 2 * t / (1 - t)
            v = ((w ** (-theta / (1 + theta)) - 1) * u**-theta + 1) ** (-1 / theta)
        else:
            theta = 9 * t
            fall = np.exp(-theta * u)
            v = -np.log1p(w * np.expm1(-theta) / (w + (1 - w) * fall)) / theta
        return u, sign * v

    return sample


def _gmix(rng: np.random.Generator) -> Sampler:
    parts = int(rng.integers(2, 7))
    centres = rng.normal(size=(parts, 2))
    sd = log_uniform(rng, 0.25, 1.5)
    weights = rng.dirichlet(np.full(parts, 3.0))

    def sample(r: np.random.Generator, n: int) -> Pair:
        at = centres[r.choice(parts, n, p=weights)]
        return tuple((at + sd * r.normal(size=(n, 2))).T)

    return sample


def _closed(rng: np.random.Generator) -> Sampler:
    amplitude = rng.normal(size=(2, 3)) / np.arange(1, 4)
    amplitude[:, 1:] *= rng.uniform(0.7, 2)
    phase = rng.uniform(0, 2 * np.pi, (2, 3))
    scale = log_uniform(rng, 0.1, 0.8)

    def sample(r: np.random.Generator, n: int) -> Pair:
        angle = np.outer(r.uniform(0, 2 * np.pi, n), np.arange(1, 4))
        x, y = (
            np.cos(angle + f) @ a + scale * r.normal(size=n)
            for a, f in zip(amplitude, phase, strict=True)
        )
        return x, y

    return sample


def _frechet(rng: np.random.Generator) -> Sampler:
    strips = int(rng.integers(1, 7))
    target, flipped = rng.permutation(strips), rng.random(strips) < 0.5
    scale, weight = log_uniform(rng, 0.003, 0.05), log_uniform(rng, 0.06, 0.5)

    def sample(r: np.random.Generator, n: int) -> Pair:
        x = r.random(n)
        strip = np.minimum((x * strips).astype(int), strips - 1)
        place = x * strips - strip
        place = np.where(flipped[strip], 1 - place, place)
        y = (target[strip] + place) / strips + scale * r.normal(size=n)
        return x, np.where(r.random(n) < weight, y, r.random(n))

    return sample


def _checker(rng: np.random.Generator) -> Sampler:
    cells = int(rng.integers(2, 9))
    mass = np.exp(log_uniform(rng, 0.25, 2) * rng.normal(size=(cells, cells)))
    for _ in range(200):  # Sinkhorn: both margins become uniform
        mass /= mass.sum(axis=0)
        mass /= mass.sum(axis=1, keepdims=True)
    mass = (mass / mass.sum()).ravel()

    def sample(r: np.random.Generator, n: int) -> Pair:
        cell = r.choice(cells * cells, n, p=mass)
        return cell // cells + r.random(n), cell % cells + r.random(n)

    return sample


def _patch(rng: np.random.Generator) -> Sampler:
    width = rng.uniform(0.15, 0.6)
    a, b = rng.uniform(0, 1 - width, 2)
    falls = rng.random() < 0.5
    scale = log_uniform(rng, 0.01, 0.3) * width

    def sample(r: np.random.Generator, n: int) -> Pair:
        x = r.random(n)
        place = x - a if not falls else a + width - x
        inside = (x >= a) & (x <= a + width)
        off = r.random(n) * (1 - width)
        off = np.where(off < b, off, off + width)
        y = np.where(inside, b + place + scale * r.normal(size=n), off)
        return x, np.where(r.random(n) < 0.5, y, r.random(n))

    return sample


FAMILIES: dict[str, Callable[[np.random.Generator], Sampler]] = {
    "gp": _gp,
    "copula": _copula,
    "closed": _closed,
    "frechet": _frechet,
    "checker": _checker,
    "hetero": _hetero,
    "gmix": _gmix,
    "patch": _patch,
}
"""Family name to a function that draws one structure, in the order of the table."""


def _key(family: str, index: int, split: str) -> list[int]:
    return [SEED, list(FAMILIES).index(family), list(SPLITS).index(split), index]


def structure(family: str, index: int, split: str) -> Sampler:
    """One random structure of a family, the same at every call."""
    return FAMILIES[family](np.random.default_rng(_key(family, index, split)))


def permutations(
    family: str, index: int, split: str, n: int, samples: int = SAMPLES
) -> np.ndarray:
    """Samples of one structure as rankings.

    Returns:
        int64 array (samples, n): the y-ranks of the points sorted by x.
    """
    sampler = structure(family, index, split)
    rng = np.random.default_rng([*_key(family, index, split), n])
    result = np.empty((samples, n), np.int64)
    for row in result:
        x, y = sampler(rng, n)
        row[:] = np.argsort(np.argsort(np.asarray(y)[np.argsort(x)]))
    return result
