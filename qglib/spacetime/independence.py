"""An independence test from causal-set observables, with an exact simulated null.

Under independence the ranks of two continuous variables are a uniform random
permutation, that is a sprinkling of the flat 2d diamond: the null depends on n
only, and one table serves every pair of variables with n points.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from qglib.spacetime.constructions import rank_permutation
from qglib.spacetime.null_tables import NullTable, fisher, null_table


@dataclass(frozen=True)
class IndependenceResult:
    """Outcome of the test; unpacks as ``statistic, pvalue``."""

    statistic: float  # Fisher combination -sum log p over the groups of observables
    pvalue: float  # against the simulated null and its fitted tail
    group_pvalues: dict[str, float]  # what was seen, by group (descriptive)
    draws: int  # calibration draws of the null

    def __iter__(self) -> Iterator[float]:
        """Statistic and p-value, as the results of SciPy's tests."""
        return iter((self.statistic, self.pvalue))


def independence_test(
    x: np.ndarray,
    y: np.ndarray,
    rng: np.random.Generator | None = None,
    draws: int | None = None,
    ties: str = "error",
    null: NullTable | None = None,
) -> IndependenceResult:
    """Test whether two variables are independent, from their causal-set order.

    Groups of observables of the 2d order of the ranks and of its mirror
    (`rank_observables`, `null_tables.RECIPE`) become p-values and are combined.
    Invariant under monotone maps of either variable and under their exchange, to the
    bit. Strong on closed and branched shapes, weaker than Kendall's on trends, nearly
    blind to fine checkerboards. Serial dependence voids the level.

    Args:
        x, y: the variables, shape (n,), 20 <= n <= 20 000.
        rng: breaks ties; needed for ties="random" only.
        draws: calibration draws of the kept table, see `null_table`.
        ties: "error", or "random": the level stays exact for any marginals.
        null: a table from `null_table`, used instead of the kept one.

    Raises:
        TypeError: values that have no order (complex, objects), a wrong rng.
        ValueError: shapes, gaps, a constant, ties, n, or a table of another n.
    """
    x, y = _variable(x, "x"), _variable(y, "y")
    if x.shape != y.shape:
        raise ValueError(f"x has shape {x.shape}, y has {y.shape}: both must be (n,)")
    if ties not in ("error", "random"):
        raise ValueError(f'ties is {ties!r}: choose "error" or "random"')
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}: pass numpy.random.default_rng(seed)")
    if null is not None and null.n != len(x):
        raise ValueError(
            f"the null table is for n = {null.n} and the sample has {len(x)} points: "
            f"pass null_table({len(x)})"
        )
    _, permutation = rank_permutation(x, y, ties, rng)
    table = null_table(len(x), draws=draws) if null is None else null
    pvalues = table.group_pvalues(table.seen(permutation))
    statistic = float(fisher(pvalues))
    groups = dict(zip(table.groups, pvalues.tolist(), strict=True))
    return IndependenceResult(statistic, table.pvalue(statistic), groups, table.draws)


def _variable(values: Any, name: str) -> np.ndarray:
    """Dense ranks of a variable, from its own type: a cast to float may make ties."""
    array = np.asarray(values)
    if array.dtype.kind not in "biufmM":
        raise TypeError(
            f"{name} has the type {array.dtype}, which has no order: pass numbers or "
            "dates (of complex numbers one part, of categories their order)"
        )
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: it must be (n,)")
    broken = np.isnat(array) if array.dtype.kind in "mM" else ~np.isfinite(array)
    broken |= np.ma.getmaskarray(values)
    if broken.any():
        raise ValueError(
            f"{name} holds {broken.sum()} masked, NaN or infinite values, the first "
            f"one in row {broken.argmax()}: drop or fill those rows"
        )
    kinds, ranks = np.unique(array, return_inverse=True)
    if len(kinds) == 1 and len(array) > 1:
        raise ValueError(f"{name} is constant ({kinds[0]}): drop the column")
    return ranks
