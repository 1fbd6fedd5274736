"""One effect under several assumptions: what a table says only if they hold.

Rows of people or machines give associations. A regression coefficient is an effect
only if the adjusted columns close every back door and none of them is caused by the
treatment; the table itself cannot say which set does. So the same coefficient is
shown under each choice, with how strong a hidden common cause would have to be to
explain it away: the robustness value is the share of the remaining variance of both
treatment and outcome that it would have to explain (Cinelli and Hazlett, J. R. Stat.
Soc. B 82 (2020) 39, eq. 18).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
import pandas as pd
from scipy import stats

from qglib.causal.markov_class import class_members

__all__ = ["adjusted_effects", "adjustments_over_class", "robustness_value"]


def robustness_value(t: float, freedom: int) -> float:
    """Share of both remaining variances that a hidden common cause must explain.

    Parameters
    ----------
    t: t statistic of the treatment's coefficient.
    freedom: degrees of freedom of the regression's residuals.

    Returns
    -------
    A number in [0, 1): 0 where there is nothing to explain away. It concerns the
    estimate itself, not its interval.
    """
    f2 = t * t / freedom
    return float((np.sqrt(f2 * f2 + 4 * f2) - f2) / 2)


def adjusted_effects(
    data: pd.DataFrame,
    treatment: str,
    outcome: str,
    adjustments: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Least-squares effect of `treatment` on `outcome` given several column sets.

    Parameters
    ----------
    data: one row per case, numbers without gaps.
    treatment, outcome: columns.
    adjustments: what is assumed -> columns to hold fixed.

    Returns
    -------
    One row per assumption: ``effect`` in standard deviations of the outcome per
    standard deviation of the treatment, ``low`` and ``high`` (95 %, heteroscedastic
    errors of type HC3), ``robustness``, see `robustness_value`, ``held_fixed``.

    Raises
    ------
    ValueError: unknown columns, treatment or outcome among the adjusted ones, gaps,
        a constant column, or fewer rows than columns.
    """
    columns = {treatment, outcome, *(c for some in adjustments.values() for c in some)}
    missing = sorted(columns - set(data.columns))
    if missing:
        raise ValueError(f"data has no columns {missing}; it has {list(data.columns)}.")
    used = data[sorted(columns)].astype(float)
    if not np.isfinite(used.to_numpy()).all():
        raise ValueError("data holds NaN or infinity: fill or drop those rows.")
    flat = [c for c in used if used[c].std() < 1e-12 * (1 + abs(used[c].mean()))]
    if flat:
        raise ValueError(f"columns {flat} are constant: drop them.")
    if len(used) < len(columns) + 3:
        raise ValueError(f"{len(used)} rows are too few for {len(columns)} columns.")
    z = (used - used.mean()) / used.std()
    rows = {}
    for name, held in adjustments.items():
        if {treatment, outcome} & set(held):
            raise ValueError(
                f"{name!r} holds {treatment!r} or {outcome!r} fixed: leave both out."
            )
        x = np.column_stack([np.ones(len(z)), z[[treatment, *held]]])
        y = z[outcome].to_numpy()
        inverse = np.linalg.pinv(x.T @ x)
        slopes = inverse @ x.T @ y
        rest = y - x @ slopes
        leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
        scaled = x * (rest / np.maximum(1 - leverage, 1e-9))[:, None]
        robust = np.sqrt((inverse @ scaled.T @ scaled @ inverse)[1, 1])
        freedom = len(y) - x.shape[1]
        plain = np.sqrt(rest @ rest / freedom * inverse[1, 1])
        half = stats.t.ppf(0.975, freedom) * robust
        rows[name] = {
            "effect": slopes[1],
            "low": slopes[1] - half,
            "high": slopes[1] + half,
            "robustness": robustness_value(slopes[1] / plain, freedom),
            "held_fixed": len(held),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def adjustments_over_class(
    graph: nx.DiGraph, treatment: str, outcome: str | None = None
) -> dict[str, tuple[str, ...]]:
    """Parents of the treatment in every member of a class: sets that close back doors.

    Parameters
    ----------
    graph: equivalence class, see `discover`.
    treatment: a node.
    outcome: a node; members in which it causes the treatment are left out, as the
        effect is zero there. None where the outcome is not in the graph because it
        is known to come later than everything in it.

    Returns
    -------
    Dictionary from a name to the parents, one entry per different set.

    Raises
    ------
    ValueError: treatment or outcome is no node, or no member of the class is left.
    """
    missing = [v for v in (treatment, outcome) if v is not None and v not in graph]
    if missing:
        raise ValueError(f"graph has no nodes {missing}; it has {list(graph)}.")
    found: dict[str, tuple[str, ...]] = {}
    for member in class_members(graph):
        parents = tuple(sorted(member.predecessors(treatment)))
        if outcome is None or treatment not in nx.descendants(member, outcome):
            found["given " + (", ".join(parents) or "nothing")] = parents
    if not found:
        raise ValueError(
            f"{outcome!r} causes {treatment!r} in every member of the class. If it is "
            "measured later, the class is wrong there: learn the graph of the earlier "
            "columns alone and leave outcome out."
        )
    return found
