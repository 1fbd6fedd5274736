"""Which past values cause which present ones: links between time series.

Four ways from the same table of readings at equal steps:

- ``pcmci``: for each variable a first selection of its past causes, conditioning on
  the strongest others, then the momentary conditional independence test, which
  conditions on the selected causes of *both* ends (Runge et al., Sci. Adv. 5
  (2019) eaau4996; linear partial correlation, lags of at least one step);
- ``granger``: one vector autoregression, F test of all lags of one variable
  (statsmodels; Granger, Econometrica 37 (1969) 424);
- ``correlation``: lagged correlation with the p-value of independent rows, the
  naive reading that slow series deceive;
- ``lag_free``: the same without any lag.

All rest on: equal steps, no change of the equations in the record, linear effects,
no effect faster than one step, and no unobserved common cause.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["LaggedLinks", "lagged_links", "shuffled_time"]

METHODS = ("pcmci", "granger", "correlation", "lag_free")
SELECTION = 0.2  # level of the first selection, as in the paper's examples


@dataclass(frozen=True)
class LaggedLinks:
    """Tests of every ordered pair of variables.

    Attributes
    ----------
    table: one row per pair and lag (one per pair for ``granger``, lag 0): ``from``,
        ``to``, ``lag``, ``strength`` (partial correlation; for ``granger`` the F
        statistic), ``p``, and ``q``, p after Benjamini and Hochberg over all rows.
    names: the variables.
    method, max_lag: how it was made.
    parents: for ``pcmci`` the selected (variable, lag) of every variable, itself
        included.
    """

    table: pd.DataFrame
    names: tuple[str, ...]
    method: str
    max_lag: int
    parents: dict[str, list[tuple[str, int]]]

    def significant(self, level: float = 0.05, corrected: bool = True) -> pd.DataFrame:
        """Rows with q (or p) at most `level`, strongest first."""
        kept = self.table[self.table["q" if corrected else "p"] <= level]
        return kept.sort_values("strength", key=np.abs, ascending=False)

    def graph(self, level: float = 0.05, corrected: bool = True) -> nx.DiGraph:
        """One arrow per linked pair, its ``weight`` and ``lag`` the strongest ones."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.names)
        for row in self.significant(level, corrected).itertuples():
            a, b = row[1], row[2]
            if not graph.has_edge(a, b):
                graph.add_edge(a, b, weight=float(row.strength), lag=int(row.lag))
        return graph


def lagged_links(
    data: pd.DataFrame, max_lag: int = 4, method: str = "pcmci"
) -> LaggedLinks:
    """Test every link of every variable's past with every variable's present.

    Parameters
    ----------
    data: (n, d) readings at equal steps, oldest first, one column per variable.
    max_lag: longest lag in steps.
    method: one of 'pcmci', 'granger', 'correlation', 'lag_free'.

    Raises
    ------
    ValueError: an unknown method, `max_lag` < 1, gaps, a constant or duplicated
        column, or too few rows for the number of lagged values.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}.")
    values = check_series(data, max_lag)
    names = tuple(map(str, data.columns))
    now, past = lagged(values, max_lag)
    parents: dict[str, list[tuple[str, int]]] = {}
    if method == "granger":
        rows = _granger(data, names, max_lag)
    elif method == "pcmci":
        chosen = [_select(now[:, j], past) for j in range(len(names))]
        parents = {
            names[j]: [(names[i], lag) for i, lag in chosen[j]]
            for j in range(len(names))
        }
        # the causes of the source reach further back than max_lag
        rows = _momentary(values, names, chosen, max_lag)
    else:
        rows = _correlations(now, past, names, method == "lag_free")
    table = pd.DataFrame(rows, columns=["from", "to", "lag", "strength", "p"])
    table["q"] = stats.false_discovery_control(np.clip(table["p"], 0, 1))
    return LaggedLinks(table, names, method, max_lag, parents)


def check_series(data: pd.DataFrame, max_lag: int) -> np.ndarray:
    """Standardised values (n, d) of a table of readings; see `lagged_links`."""
    if max_lag < 1:
        raise ValueError(f"max_lag must be at least 1, got {max_lag}.")
    values = np.asarray(data, dtype=float)
    names = list(data.columns)
    if len(set(names)) != len(names):
        raise ValueError(f"data has columns of the same name: {names}; rename them.")
    gaps = [k for k, bad in zip(names, ~np.isfinite(values).all(0), strict=True) if bad]
    if gaps:
        raise ValueError(f"columns {gaps} hold NaN or infinity: fill or drop them.")
    spread = values.std(0)
    flat = [k for k, s in zip(names, spread, strict=True) if s < 1e-12]
    if flat:
        raise ValueError(f"columns {flat} are constant: drop them.")
    scaled = (values - values.mean(0)) / spread
    same = np.argwhere(np.triu(np.abs(scaled.T @ scaled) / len(scaled) > 1 - 1e-9, 1))
    if len(same):
        a, b = same[0]
        raise ValueError(f"columns {names[a]!r} and {names[b]!r} are the same series.")
    needed = 2 * (values.shape[1] * max_lag + 2) + 2 * max_lag
    if len(values) < needed:
        raise ValueError(
            f"{len(values)} rows are too few for {values.shape[1]} variables and "
            f"max_lag={max_lag}: give {needed} or lower max_lag."
        )
    return scaled


def lagged(values: np.ndarray, max_lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Present (n - L, d) and past (n - L, d, L); past[..., k] lies k + 1 steps back."""
    n = len(values)
    past = [values[max_lag - k : n - k] for k in range(1, max_lag + 1)]
    return values[max_lag:], np.stack(past, axis=-1)


def partial_correlation(
    x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[float, float]:
    """Correlation of x and y given the columns of z (n, k), and its two-sided p."""
    n = len(x)
    design = np.column_stack([np.ones(n), z])
    both = np.column_stack([x, y])
    rest = both - design @ np.linalg.lstsq(design, both, rcond=None)[0]
    size = np.sqrt((rest**2).sum(0))
    if size.min() < 1e-10:  # nothing is left to correlate
        return 0.0, 1.0
    r = float(np.clip(rest[:, 0] @ rest[:, 1] / size.prod(), -1, 1))
    freedom = n - design.shape[1] - 1
    t = r * np.sqrt(freedom / max(1 - r * r, 1e-15))
    return r, float(2 * stats.t.sf(abs(t), freedom))


def _select(y: np.ndarray, past: np.ndarray) -> list[tuple[int, int]]:
    """Past (variable, lag) that keep a link with y given the k strongest others."""
    left = [(i, k + 1) for i in range(past.shape[1]) for k in range(past.shape[2])]
    weakest = dict.fromkeys(left, np.inf)
    for size in range(len(left)):
        if size >= len(left):
            break
        ordered, gone = list(left), []
        for i, lag in ordered:
            others = [o for o in ordered if o != (i, lag)][:size]
            z = np.column_stack([past[:, a, b - 1] for a, b in others] or [y[:, None]])
            z = z if others else np.empty((len(y), 0))
            r, p = partial_correlation(past[:, i, lag - 1], y, z)
            weakest[i, lag] = min(weakest[i, lag], abs(r))
            if p > SELECTION:
                gone.append((i, lag))
        left = [o for o in left if o not in gone]
        left.sort(key=lambda o: -weakest[o])
    return left


def _momentary(
    values: np.ndarray, names: tuple, chosen: list, max_lag: int
) -> list[tuple]:
    now, past = lagged(values, 2 * max_lag)
    rows = []
    for j, target in enumerate(names):
        for i, source in enumerate(names):
            if i == j:
                continue
            for lag in range(1, max_lag + 1):
                own = [o for o in chosen[j] if o != (i, lag)]
                shifted = [(a, b + lag) for a, b in chosen[i]]
                given = list(dict.fromkeys(own + shifted))
                z = np.array([past[:, a, b - 1] for a, b in given])
                z = z.T if given else np.empty((len(now), 0))
                r, p = partial_correlation(past[:, i, lag - 1], now[:, j], z)
                rows.append((source, target, lag, r, p))
    return rows


def _granger(data: pd.DataFrame, names: tuple, max_lag: int) -> list[tuple]:
    from statsmodels.tsa.api import VAR

    fitted = VAR(np.asarray(data, dtype=float)).fit(max_lag)
    rows = []
    for j, target in enumerate(names):
        for i, source in enumerate(names):
            if i != j:
                test = fitted.test_causality(j, i, kind="f")
                statistic, p = float(test.test_statistic), float(test.pvalue)
                rows.append((source, target, 0, statistic, p))
    return rows


def _correlations(
    now: np.ndarray, past: np.ndarray, names: tuple, lag_free: bool
) -> list[tuple]:
    rows, none = [], np.empty((len(now), 0))
    for j, target in enumerate(names):
        for i, source in enumerate(names):
            if i == j:
                continue
            series = [(0, now[:, i])] if lag_free else list(enumerate(past[:, i].T, 1))
            for lag, x in series:
                rows.append(
                    (source, target, lag, *partial_correlation(x, now[:, j], none))
                )
    return rows


def shuffled_time(data: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every column turned round a circle by its own number of steps: the null.

    Each series keeps its own rhythm and memory; only what ties them together in
    time is broken. Shifts differ by at least a twentieth of the record.
    """
    n, d = data.shape
    gap = max(1, n // 20)
    if d * gap * 2 > n:
        gap = max(1, n // (2 * d))
    while True:
        shifts = np.sort(rng.integers(0, n, d))
        if (np.diff(np.append(shifts, shifts[0] + n)) >= gap).all():
            break
    rng.shuffle(shifts)
    turned = [np.roll(data[c].to_numpy(), s) for c, s in zip(data, shifts, strict=True)]
    return pd.DataFrame(np.column_stack(turned), columns=data.columns)
