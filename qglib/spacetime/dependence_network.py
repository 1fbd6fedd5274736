"""All pairs of columns of a table, tested for dependence with one null.

The null of the causal-set test depends on the number of rows only, so a single
table of null draws serves every pair of columns.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, kendalltau

from qglib.spacetime.independence import independence_test
from qglib.spacetime.null_tables import NullTable
from qglib.spacetime.table_cache import null_table


def dependence_network(
    data: pd.DataFrame | np.ndarray,
    rng: np.random.Generator | None = None,
    level: float = 0.05,
    correction: str = "by",
    ties: str = "error",
    null: NullTable | None = None,
) -> pd.DataFrame:
    """Test all pairs of columns for dependence, beside Kendall's test.

    Both sets of p-values are adjusted to control the false discovery rate, over
    all pairs and each test by itself. The causal-set p-value is never below
    1 / (draws + 1), so a table with few dependent pairs needs more draws: with m
    pairs, a single one can be found only if draws exceed m / level.

    Args:
        data: shape (n, d), 20 <= n <= 20 000, d >= 2; numbers without NaN.
        rng: breaks ties; needed for ties="random" only.
        level: false discovery rate.
        correction: "by" (Benjamini and Yekutieli 2001, any dependence between the
            tests) or "bh" (Benjamini and Hochberg 1995).
        ties: see `independence_test`.
        null: a table for n rows; the kept one if left out.

    Returns:
        One row per pair, indexed by (first, second): `statistic`, `pvalue` and
        `adjusted` of the causal-set test, `tau`, `kendall_pvalue` and
        `kendall_adjusted` of Kendall's, and `seen_by`: "both", "causal set",
        "Kendall" or "neither".

    Raises:
        ValueError: fewer than two columns, columns of one name, columns that are
            not numbers, a level outside (0, 1), an unknown correction, or what
            `independence_test` refuses, with the names of the two columns.
    """
    table = data if isinstance(data, pd.DataFrame) else pd.DataFrame(np.asarray(data))
    names = [str(name) for name in table.columns]
    if len(names) < 2:
        raise ValueError(f"data has {len(names)} columns: a pair needs two")
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"data has several columns named {', '.join(twice)}: rename")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: it must lie between 0 and 1")
    if correction not in ("by", "bh"):
        raise ValueError(f'correction is {correction!r}: choose "by" or "bh"')
    for name, kind in zip(names, table.dtypes, strict=True):
        if not pd.api.types.is_numeric_dtype(kind):
            raise ValueError(f"column {name} holds {kind}: numbers are needed")
    values = table.to_numpy(dtype=float)
    null = null_table(len(values)) if null is None else null
    rows = []
    for i, j in combinations(range(len(names)), 2):
        x, y = values[:, i], values[:, j]
        try:
            ours = independence_test(x, y, rng, ties=ties, null=null)
        except ValueError as error:
            raise ValueError(f"x = {names[i]}, y = {names[j]}: {error}") from error
        known = kendalltau(x, y)
        row = names[i], names[j], ours.statistic, ours.pvalue
        rows.append((*row, known.statistic, known.pvalue))
    columns = ["first", "second", "statistic", "pvalue", "tau", "kendall_pvalue"]
    pairs = pd.DataFrame(rows, columns=columns).set_index(["first", "second"])
    for kind in ("", "kendall_"):
        adjusted = false_discovery_control(pairs[f"{kind}pvalue"], method=correction)
        pairs[f"{kind}adjusted"] = adjusted
    ours, known = pairs.adjusted <= level, pairs.kendall_adjusted <= level
    pairs["seen_by"] = np.select(
        [ours & known, ours, known], ["both", "causal set", "Kendall"], "neither"
    )
    return pairs
