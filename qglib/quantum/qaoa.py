"""QAOA on a diagonal cost, by exact statevector, with exact gradients.

The alternating ansatz of Farhi, Goldstone, Gutmann (arXiv:1411.4028): a phase
exp(-i gamma C) and a mixer exp(-i beta A), ``depth`` times, on the uniform state.
The basis is a register of digits; A is the complete graph on each digit (Hadfield
et al., arXiv:1709.03489), which for two levels is Pauli X: qubits with the usual
mixer are digits of two levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from qglib.memory import require

_FUSED = 16  # largest matrix made of neighbouring digits' mixers


@dataclass(frozen=True)
class QaoaResult:
    """Outcome of one QAOA optimisation at its last depth.

    Attributes:
        success: Probability that one shot gives *an* optimum.
        uniform: The same for uniform guessing: optima / states.
        expected: Mean cost of a shot.
        gammas, betas: Angles, in radians per unit of cost and radians.
        probabilities: Of all basis states.
        evaluations: Cost-and-gradient evaluations spent, all starts and depths.
        by_depth: (depth, success, expected) of every depth on the way.
    """

    success: float
    uniform: float
    expected: float
    gammas: np.ndarray
    betas: np.ndarray
    probabilities: np.ndarray
    evaluations: int
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
        values: Cost of every basis state; the first digit is the most significant.
        depth: Number of phase-mixer layers, at least 1.
        rng: Source of the random angles.
        starts: Number of random starts.
        widths: Levels of every digit; by default qubits with the X mixer.

    Raises:
        ValueError: for costs that are not finite or whose number is not the
            product of the widths, and for depth or starts below 1.
        MemoryError: before allocating, when the states would not fit.
    """
    values = np.asarray(values, float)
    if depth < 1 or starts < 1:
        raise ValueError(f"depth={depth}, starts={starts}: both must be at least 1")
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("values must be a vector of finite costs")
    widths = _qubits(len(values)) if widths is None else tuple(widths)
    if math.prod(widths) != len(values):
        raise ValueError(
            f"{len(values)} values, but widths {widths} make {math.prod(widths)} states"
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
    best, by_depth = None, []
    for p in range(1, depth + 1):
        if best is None:
            guesses = rng.uniform([0.0, 0.0], [math.pi, math.pi], (starts, 2))
        else:
            guesses = [np.concatenate([_stretch(half) for half in np.split(best, 2)])]
        found = [minimize(objective, g, jac=True, method="L-BFGS-B") for g in guesses]
        best = min(found, key=lambda r: r.fun).x
        state = evolve(scaled, best[:p], best[p:], widths)
        chance = state.real**2 + state.imag**2
        by_depth.append((p, float(chance[optima].sum()), float(chance @ values)))
    return QaoaResult(
        success=by_depth[-1][1],
        uniform=float(optima.mean()),
        expected=by_depth[-1][2],
        gammas=best[:depth] / spread,
        betas=best[depth:],
        probabilities=chance,
        evaluations=count,
        by_depth=tuple(by_depth),
    )


def _qubits(size: int) -> tuple[int, ...]:
    """Two levels for every qubit of ``size`` = 2**n states."""
    qubits = size.bit_length() - 1
    if size < 2 or 2**qubits != size:
        raise ValueError(
            f"{size} values are no power of two: pass the widths of the digits"
        )
    return (2,) * qubits


def _stretch(angles: np.ndarray) -> np.ndarray:
    """Angles of p layers read at p + 1 layers, linearly."""
    p = len(angles)
    old, new = np.linspace(0, 1, p) if p > 1 else [0.0], np.linspace(0, 1, p + 1)
    return np.interp(new, old, angles)


def evolve(
    values: np.ndarray, gammas: np.ndarray, betas: np.ndarray, widths: Sequence[int]
) -> np.ndarray:
    """Final state of QAOA, complex128 (N,)."""
    groups = _groups(widths)
    state = np.full(len(values), len(values) ** -0.5, complex)
    for gamma, beta in zip(gammas, betas, strict=True):
        state = _mix(np.exp(-1j * gamma * values) * state, beta, groups)
    return state


def energy_and_gradient(
    values: np.ndarray, gammas: np.ndarray, betas: np.ndarray, widths: Sequence[int]
) -> tuple[float, np.ndarray]:
    """Mean cost and its gradient by (gammas, betas), by the adjoint method.

    Only the final state is kept; the layers are undone on the way back, with
    dE = 2 Im <lambda|G|psi> for a layer exp(-i angle G) and lambda = C psi.
    """
    groups = _groups(widths)
    state = evolve(values, gammas, betas, widths)
    adjoint = values * state
    energy = np.vdot(state, adjoint).real
    slopes = np.zeros((2, len(gammas)))
    for k in reversed(range(len(gammas))):
        for place, (graph, _, _) in enumerate(groups):
            turned = _apply(graph, state, groups, place)
            slopes[1, k] += 2 * np.vdot(adjoint, turned).imag
        state, adjoint = (_mix(one, -betas[k], groups) for one in (state, adjoint))
        slopes[0, k] = 2 * np.vdot(adjoint, values * state).imag
        phase = np.exp(1j * gammas[k] * values)
        state, adjoint = state * phase, adjoint * phase
    return float(energy), slopes.ravel()


def _groups(widths: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Mixers A of neighbouring digits as one matrix: A, eigenvalues, eigenvectors."""
    graphs = [np.zeros((1, 1))]
    for width in widths:
        graph = np.ones((width, width)) - np.eye(width)
        if len(graphs[-1]) * width > _FUSED:
            graphs.append(np.zeros((1, 1)))
        before = graphs[-1]
        beside = np.kron(before, np.eye(width))
        graphs[-1] = beside + np.kron(np.eye(len(before)), graph)
    return [(graph, *np.linalg.eigh(graph)) for graph in graphs]


def _mix(state: np.ndarray, beta: float, groups: list) -> np.ndarray:
    """exp(-i beta A) of a state."""
    for place, (_, levels, vectors) in enumerate(groups):
        matrix = (vectors * np.exp(-1j * beta * levels)) @ vectors.T
        state = _apply(matrix, state, groups, place)
    return state


def _apply(
    matrix: np.ndarray, state: np.ndarray, groups: list, place: int
) -> np.ndarray:
    """A symmetric matrix on one group of digits."""
    k = len(matrix)
    after = math.prod(len(graph) for graph, _, _ in groups[place + 1 :])
    if after == 1:  # one product instead of many with a single column
        return (state.reshape(-1, k) @ matrix).ravel()
    return (matrix @ state.reshape(-1, k, after)).ravel()
