"""Known independences and dependences on which a kernel test is tried.

Five cases in which the null is true (two without, three with a condition, two of
these non-linear) and eight in which it is false. A test that is valid rejects the
first at its level; its power is the rate on the second.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["ALTERNATIVES", "NULLS", "simulate"]

Noise = Callable[[], np.ndarray]
Sample = tuple[np.ndarray, ...]


def _expo(rng: np.random.Generator, shape: tuple[int, ...]) -> Noise:
    return lambda: rng.exponential(size=shape)


def _u0_gauss(e: Noise, expo: Noise) -> Sample:
    return e(), e()


def _u0_expo(e: Noise, expo: Noise) -> Sample:
    return expo(), expo()


def _c0_lin(e: Noise, expo: Noise) -> Sample:
    z = e()
    return 0.8 * z + 0.6 * e(), 0.8 * z + 0.6 * e(), z


def _c0_nl(e: Noise, expo: Noise) -> Sample:
    z = e()
    return np.sin(1.5 * z) + 0.4 * e(), z**2 + 0.5 * e(), z


def _c0_expo(e: Noise, expo: Noise) -> Sample:
    z = e()
    return np.tanh(2 * z) + 0.5 * expo(), np.cos(1.5 * z) + 0.5 * expo(), z


def _u1_lin(e: Noise, expo: Noise) -> Sample:
    x = e()
    return x, 0.5 * x + e()


def _u1_quad(e: Noise, expo: Noise) -> Sample:
    x = e()
    return x, 0.6 * (x**2 - 1) + 0.7 * e()


def _u1_sin(e: Noise, expo: Noise) -> Sample:
    x = e()
    return x, np.sin(3 * x) + 0.5 * e()


def _u1_mult(e: Noise, expo: Noise) -> Sample:
    x = e()
    return x, x * e()


def _c1_lin(e: Noise, expo: Noise) -> Sample:
    z = e()
    x = 0.8 * z + 0.6 * e()
    return x, 0.6 * z + 0.5 * x + 0.6 * e(), z


def _c1_nl(e: Noise, expo: Noise) -> Sample:
    z = e()
    x = np.sin(1.5 * z) + 0.5 * e()
    return x, 0.5 * z + np.sin(2 * x) + 0.4 * e(), z


def _c1_coll(e: Noise, expo: Noise) -> Sample:
    x, y = e(), e()
    return x, y, np.sin(x) + 0.7 * y**2 + 0.3 * e()


def _c1_mult(e: Noise, expo: Noise) -> Sample:
    z = e()
    x = 0.5 * z + e()
    return x, 0.5 * z + 0.8 * x * e(), z


NULLS: dict[str, Callable[[Noise, Noise], Sample]] = {
    "u0_gauss": _u0_gauss,
    "u0_expo": _u0_expo,
    "c0_lin": _c0_lin,
    "c0_nl": _c0_nl,
    "c0_expo": _c0_expo,
}
"""Independent pairs (u0) and pairs independent given z (c0)."""

ALTERNATIVES: dict[str, Callable[[Noise, Noise], Sample]] = {
    "u1_lin": _u1_lin,
    "u1_quad": _u1_quad,
    "u1_sin": _u1_sin,
    "u1_mult": _u1_mult,
    "c1_lin": _c1_lin,
    "c1_nl": _c1_nl,
    "c1_coll": _c1_coll,
    "c1_mult": _c1_mult,
}
"""Dependent pairs (u1) and pairs dependent given z (c1)."""


def simulate(
    name: str, n: int, replicates: int, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Samples x, y and for the conditional cases z, each (replicates, n).

    Raises
    ------
    ValueError: an unknown scenario.
    """
    scenarios = NULLS | ALTERNATIVES
    if name not in scenarios:
        raise ValueError(f"scenario {name!r} is unknown: use one of {list(scenarios)}.")
    shape = (replicates, n)
    return scenarios[name](lambda: rng.normal(size=shape), _expo(rng, shape))
