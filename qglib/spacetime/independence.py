"""An independence test from causal-set observables, with an exact simulated null.

Under independence the ranks of two continuous variables are a uniform random
permutation, that is a sprinkling of the flat 2d diamond: the null depends on n
only, and one table serves every pair of variables with n points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qglib.spacetime.constructions import _numbers, rank_permutation
from qglib.spacetime.null_tables import NullTable, fisher, null_table


@dataclass(frozen=True)
class IndependenceResult:
    """Outcome of the test.

    Attributes:
        statistic: Fisher combination -sum log p over the groups of observables.
        pvalue: against the simulated null, never below 1 / (draws + 1).
        group_pvalues: what was seen: one p-value per group (descriptive).
        observables: the observables by name.
        n: number of points.
        draws: size of each of the two null samples.
    """

    statistic: float
    pvalue: float
    group_pvalues: dict[str, float]
    observables: dict[str, float]
    n: int
    draws: int


def independence_test(
    x: np.ndarray,
    y: np.ndarray,
    rng: np.random.Generator | None = None,
    draws: int | None = None,
    ties: str = "error",
    null: NullTable | None = None,
) -> IndependenceResult:
    """Test whether two variables are independent, from their causal-set order.

    Groups of observables of the 2d order of the ranks and of its mirror become
    p-values and are combined: number against volume in the regions that the light
    rays of two points cut out (with and without past and future), the fullest
    intervals, chains, the energy of the standing waves of the diamond, and its
    highest peak over scales. Invariant under monotone maps of either variable; no
    bandwidth. An omnibus test: strong on closed and branched shapes, weaker than
    Kendall's on trends. Beyond 1000 points the sums over pairs give way to relations,
    longest chains, boundary and counts on a grid of cells.

    Args:
        x: first variable, shape (n,), 20 <= n <= 20 000.
        y: second variable, shape (n,).
        rng: breaks ties; needed for ties="random" only.
        draws: size of each null sample, see `null_table`; the table is simulated
            once per (n, draws) and kept.
        ties: "error", or "random" to break them with `rng` (the level stays exact
            for any marginals; the p-value then depends on `rng`).
        null: a table from `null_table`, used instead of the kept one.

    Returns:
        `IndependenceResult` with `.statistic` and `.pvalue`.

    Raises:
        ValueError: shapes differ, NaN or infinity, a constant variable, ties under
            "error", n out of range, or a table of another n.

    The level needs independent draws: serial dependence voids it.
    """
    x, y = _variable(x, "x"), _variable(y, "y")
    if x.shape != y.shape:
        raise ValueError(f"x has shape {x.shape}, y has {y.shape}: both must be (n,)")
    if ties not in ("error", "random"):
        raise ValueError(f'ties is {ties!r}: choose "error" or "random"')
    if null is not None and null.n != len(x):
        raise ValueError(
            f"the null table is for n = {null.n} and the sample has {len(x)} points: "
            f"pass null_table({len(x)})"
        )
    _, permutation = rank_permutation(x, y, ties, rng)
    table = null_table(len(x), draws=draws) if null is None else null
    values = table.observables(permutation)
    pvalues = table.group_pvalues(values)
    statistic = float(fisher(pvalues))
    return IndependenceResult(
        statistic,
        table.pvalue(statistic),
        dict(zip(table.groups, pvalues.tolist(), strict=True)),
        dict(zip(table.observables.names, values.tolist(), strict=True)),
        len(x),
        table.draws,
    )


def _variable(values: np.ndarray, name: str) -> np.ndarray:
    array = _numbers(values, name)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: it must be (n,)")
    if len(array) > 1 and (array == array[0]).all():
        raise ValueError(
            f"{name} is constant ({array[0]:g}): independence of a constant cannot be "
            "tested, drop the column"
        )
    return array
