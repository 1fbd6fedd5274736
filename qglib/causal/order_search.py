"""The smallest permutation whose score is negative: exact levels, then a beam.

A level holds all orders that so many moves, and no fewer, lead to. The search is a
generator that hands out levels and takes scores, so that many searches can be scored
in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

__all__ = [
    "MOVES",
    "Found",
    "Levels",
    "Permutation",
    "minimal_order_change",
    "order_levels",
    "search_together",
]

Permutation = tuple[int, ...]
MOVES = ("adjacent", "transposition", "block")
"""Neighbours exchanged; any two units exchanged; two neighbouring blocks of at most
three units exchanged."""


class Found(NamedTuple):
    """A permutation with a negative score and how it was found."""

    order: Permutation
    swaps: int
    exact: bool
    score: float
    n_scored: int


def order_levels(
    n: int,
    *,
    exact_to: int = 3,
    beam: int = 32,
    max_swaps: int = 6,
    movable: Sequence[bool] | None = None,
    moves: str = "adjacent",
    budget: int = 20_000,
) -> Generator[list[Permutation], np.ndarray, Found | None]:
    """Yield levels of orders, take their scores, return as `minimal_order_change`.

    Raises
    ------
    ValueError: see `minimal_order_change`.
    """
    small = {"n": n, "exact_to": exact_to, "beam": beam, "max_swaps": max_swaps}
    for name, value in (small | {"budget": budget}).items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    if moves not in MOVES:
        raise ValueError(f"moves must be one of {MOVES}, got {moves!r}.")
    free = [True] * n if movable is None else list(movable)
    if len(free) != n:
        raise ValueError(f"movable has {len(free)} entries for n={n} units.")
    start = tuple(range(n))
    frontier, seen = [start], {start}
    complete, scored = True, 0
    scores = np.zeros(1)
    for swaps in range(1, max_swaps + 1):
        level = _next(frontier, free, moves, seen)
        if complete and (swaps > exact_to or len(level) > budget):
            complete = False
            if swaps > 1:
                kept = [frontier[k] for k in np.argsort(scores, kind="stable")[:beam]]
                level = _next(kept, free, moves, seen)
            level = level[:budget]
        if not level:
            return None
        seen.update(level)
        scores = np.asarray((yield level), dtype=float)
        scored += len(level)
        best = int(np.argsort(scores, kind="stable")[0])
        if scores[best] < 0:
            return Found(level[best], swaps, complete, float(scores[best]), scored)
        frontier = level
        if not complete:
            order = np.argsort(scores, kind="stable")[:beam]
            frontier = [level[int(k)] for k in order]
            scores = scores[order]
    return None


def minimal_order_change(
    n: int, score: Callable[[list[Permutation]], np.ndarray], **settings: object
) -> Found | None:
    """Smallest permutation of ``range(n)`` whose score is negative.

    Parameters
    ----------
    n: number of units.
    score: maps permutations to scores; called once per level.
    settings:
        ``exact_to`` (3): levels that are enumerated in full;
        ``beam`` (32): permutations kept per level beyond;
        ``max_swaps`` (6): moves at which the search stops;
        ``movable`` (all): units that may move; a swap needs two of them;
        ``moves`` ('adjacent'): see `MOVES`;
        ``budget`` (20000): a larger level is not enumerated: the beam starts there.

    Returns
    -------
    (permutation, moves, exact, score, candidates scored), or None. Among several at
    the same distance the lowest score wins; ``exact`` says that no smaller change
    exists.

    Raises
    ------
    ValueError: a number below 1, unknown `moves`, or `movable` of another length.
    """

    def together(levels: Levels) -> dict[int, np.ndarray]:
        return {k: score(level) for k, level in levels.items()}

    return search_together([order_levels(n, **settings)], together)[0]


Levels = dict[int, list[Permutation]]


def search_together(
    searches: Sequence[Generator[list[Permutation], np.ndarray, Found | None]],
    score: Callable[[Levels], Mapping[int, np.ndarray]],
) -> list[Found | None]:
    """Run several `order_levels` side by side.

    Parameters
    ----------
    searches: fresh generators.
    score: maps the levels of all running searches, keyed by their number, to scores.
    """
    found: list[Found | None] = [None] * len(searches)
    levels: Levels = {}

    def step(k: int, scores: np.ndarray | None) -> None:
        try:
            levels[k] = searches[k].send(scores)
        except StopIteration as stop:
            levels.pop(k, None)
            found[k] = stop.value

    for k in range(len(searches)):
        step(k, None)
    while levels:
        for k, scores in score(dict(levels)).items():
            step(k, scores)
    return found


def _next(
    frontier: Sequence[Permutation],
    free: Sequence[bool],
    moves: str,
    seen: set[Permutation],
) -> list[Permutation]:
    found: set[Permutation] = set()
    for p in frontier:
        n = len(p)
        if moves == "adjacent":
            # only a swap that makes a new inversion leads one level up
            pairs = ((i, i + 1) for i in range(n - 1) if p[i] < p[i + 1])
        elif moves == "transposition":
            pairs = ((i, j) for i in range(n) for j in range(i + 1, n))
        else:
            found.update(_blocks(p, free))
            continue
        for i, j in pairs:
            if free[p[i]] and free[p[j]]:
                q = list(p)
                q[i], q[j] = q[j], q[i]
                found.add(tuple(q))
    return sorted(found - seen)


def _blocks(p: Permutation, free: Sequence[bool]) -> list[Permutation]:
    out = []
    for i in range(len(p)):
        for a in (1, 2, 3):
            for b in (1, 2, 3):
                stop = i + a + b
                if stop <= len(p) and all(free[k] for k in p[i:stop]):
                    out.append(p[:i] + p[i + a : stop] + p[i : i + a] + p[stop:])
    return out
