"""QAOA on a diagonal cost, by exact statevector, with exact gradients.

The ansatz of Farhi, Goldstone, Gutmann (arXiv:1411.4028): a phase exp(-i gamma C) and a
mixer exp(-i beta A), ``depth`` times, on the uniform state. A is the complete graph on
each digit (Hadfield et al., arXiv:1709.03489), which for two levels is Pauli X.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize

from qglib.memory import require

LARGEST = 16  # levels of digits that are mixed together


@dataclass(frozen=True)
class QaoaResult:
    """Outcome of one QAOA optimisation at its last depth."""

    gammas: np.ndarray  # angles, radians per unit of cost
    betas: np.ndarray  # angles, radians
    probabilities: np.ndarray  # of all basis states
    evaluations: int  # of cost and gradient, all starts and depths
    # of every depth: depth, chance of an optimum in one shot, mean cost of a shot
    by_depth: tuple[tuple[int, float, float], ...]


def qaoa(
    values: np.ndarray,
    depth: int,
    rng: np.random.Generator,
    starts: int = 12,
    widths: Sequence[int] | None = None,
) -> QaoaResult:
    """Minimise a diagonal cost with QAOA.

    Depth 1 is optimised from ``starts`` random angles by L-BFGS; each further
    depth starts from the best angles of the last one, interpolated (Zhou et al.,
    Phys. Rev. X 10, 021067, 2020). The optimiser minimises the *mean* cost, so
    the success probability may fall with depth while the mean improves.

    Args:
        values: Finite cost of every basis state, first digit most significant; another
            number of costs than of states is a ValueError.
        depth, starts: Phase-mixer layers and random starts, at least 1.
        rng: Source of the random angles.
        widths: Levels of every digit; by default qubits with the X mixer.
    """
    values = np.asarray(values, float)
    if depth < 1 or starts < 1:
        raise ValueError(f"depth={depth}, starts={starts}: both must be at least 1")
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("values must be a vector of finite costs")
    if widths is None:  # qubits
        widths = (2,) * (len(values).bit_length() - 1)
    if math.prod(widths) != len(values):
        raise ValueError(
            f"{len(values)} values, but widths {tuple(widths)} make "
            f"{math.prod(widths)} states: pass the widths of the digits"
        )
    what = f"QAOA of depth {depth} on {len(values)} states"
    require(128 * len(values), "cpu", what, "use fewer or narrower digits")
    spread = values.std() or 1.0
    scaled = (values - values.mean()) / spread
    count = 0

    def objective(angles):
        nonlocal count
        count += 1
        gammas, betas = np.split(angles, 2)
        return energy_and_gradient(scaled, gammas, betas, widths)

    optima = values <= values.min() + 1e-12 * max(1.0, abs(values).max())
    best, chance, by_depth = np.empty(0), np.empty(0), []
    for p in range(1, depth + 1):
        if p == 1:
            guesses = rng.uniform([0.0, 0.0], [math.pi, math.pi], (starts, 2))
        else:
            guesses = np.hstack([_stretch(half) for half in np.split(best, 2)])[None]
        found = [minimize(objective, g, jac=True, method="L-BFGS-B") for g in guesses]
        best = min(found, key=lambda r: r.fun).x
        state = evolve(scaled, best[:p], best[p:], widths)
        chance = np.real(state) ** 2 + np.imag(state) ** 2
        by_depth.append((p, float(chance[optima].sum()), float(chance @ values)))
    gammas, betas = best[:depth] / spread, best[depth:]
    return QaoaResult(gammas, betas, chance, count, tuple(by_depth))


def _stretch(angles: np.ndarray) -> np.ndarray:
    """Angles of p layers read at p + 1 layers, linearly."""
    p = len(angles)
    old, new = np.linspace(0, 1, p) if p > 1 else [0.0], np.linspace(0, 1, p + 1)
    return np.interp(new, old, angles)


def evolve(
    values: np.ndarray, gammas: np.ndarray, betas: np.ndarray, widths: Sequence[int]
) -> np.ndarray:
    """Final state of QAOA, complex128 (N,)."""
    state = np.full(len(values), len(values) ** -0.5, complex)
    for gamma, beta in zip(gammas, betas, strict=True):
        state = _mix(np.exp(-1j * gamma * values) * state, beta, widths)
    return state


def energy_and_gradient(
    values: np.ndarray, gammas: np.ndarray, betas: np.ndarray, widths: Sequence[int]
) -> tuple[float, np.ndarray]:
    """Mean cost and its gradient by (gammas, betas), by the adjoint method."""
    # dE = 2 Im <lambda|G|psi> for a layer exp(-i angle G) and lambda = C psi
    state = evolve(values, gammas, betas, widths)
    adjoint = values * state
    energy = np.vdot(state, adjoint).real
    slopes = np.zeros((2, len(gammas)))
    for k in reversed(range(len(gammas))):
        slopes[1, k] = _slope(adjoint, state, widths)
        state, adjoint = (_mix(one, -betas[k], widths) for one in (state, adjoint))
        slopes[0, k] = 2 * np.vdot(adjoint, values * state).imag
        phase = np.exp(1j * gammas[k] * values)
        state, adjoint = state * phase, adjoint * phase
    return float(energy), slopes.ravel()


@lru_cache(maxsize=32)
def _mixers(widths: tuple[int, ...]) -> list[tuple[np.ndarray, ...]]:
    """A of neighbouring digits taken together, with its eigenvalues and vectors."""
    parts, joint = [], np.zeros((1, 1))
    for width in widths:
        if len(joint) > 1 and len(joint) * width > LARGEST:
            parts.append((joint, *np.linalg.eigh(joint)))
            joint = np.zeros((1, 1))
        own = np.ones((width, width)) - np.eye(width)
        joint = np.kron(joint, np.eye(width)) + np.kron(np.eye(len(joint)), own)
    return [*parts, (joint, *np.linalg.eigh(joint))]


def _mix(state: np.ndarray, beta: float, widths: Sequence[int]) -> np.ndarray:
    """exp(-i beta A) of a state."""
    for _, values, vectors in _mixers(tuple(widths)):
        mixer = (vectors * np.exp(-1j * beta * values)) @ vectors.T
        # mixes the first digits and makes them the last
        state = (mixer @ state.reshape(len(mixer), -1)).T.ravel()
    return state


def _slope(adjoint: np.ndarray, state: np.ndarray, widths: Sequence[int]) -> float:
    """2 Im <adjoint|A|state>."""
    total = 0.0
    for joint, _, _ in _mixers(tuple(widths)):
        one, other = (v.reshape(len(joint), -1) for v in (adjoint, state))
        total += 2 * np.vdot(one, joint @ other).imag
        adjoint, state = one.T.ravel(), other.T.ravel()
    return total
