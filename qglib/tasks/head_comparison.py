"""Heads and ordinary methods on the same splits and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from qglib.tasks.registry import TaskConfig
from qglib.tasks.training import SAME_SIZE, train_task


def compare_heads(
    task: str | TaskConfig,
    heads: Sequence[str] = ("quantum", SAME_SIZE, "linear"),
    seeds: Sequence[int] = (0, 1, 2),
    *,
    reference: str = "",
    folder: str | Path = "",
    epochs: int | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Heads and baselines on the same splits and seeds, with paired differences.

    Parameters
    ----------
    reference : the method that others are compared with, the first head if not
        given; may be a baseline, for instance ``"logistic regression"``.

    Returns
    -------
    DataFrame, one row per method: parameters, mean, sd over seeds, difference
    (reference minus method, mean over seeds), low and high (95 % t interval of the
    difference; NaN with one seed). ``attrs["scores"]``: method to one score per seed.

    Raises
    ------
    ValueError
        no heads or seeds, an unknown reference, and what `train_task` refuses.
    """
    if not len(heads) or not len(seeds):
        raise ValueError(f"heads {list(heads)} and seeds {list(seeds)}: give some")
    scores: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for seed in seeds:
        for number, head in enumerate(heads):
            found = train_task(
                task, head, seed, folder=folder, epochs=epochs, progress=progress
            )
            scores.setdefault(head, []).append(found.test.value)
            sizes[head] = found.parameters
            if not number:
                for name, value in found.baselines.items():
                    scores.setdefault(name, []).append(value.value)
    reference = reference or heads[0]
    if reference not in scores:
        raise ValueError(f"reference is {reference!r}: one of {', '.join(scores)}")
    order = [*heads, *(name for name in scores if name not in heads)]
    rows = []
    for name in order:
        values = np.array(scores[name])
        gaps = np.array(scores[reference]) - values
        low, high = _t_interval(gaps)
        rows.append(
            {
                "method": name,
                "parameters": sizes.get(name, 0),
                "mean": values.mean(),
                "sd": values.std(ddof=1) if len(values) > 1 else np.nan,
                "difference": gaps.mean(),
                "low": low,
                "high": high,
            }
        )
    table = pd.DataFrame(rows).set_index("method")
    table.attrs = {"scores": {name: scores[name] for name in order}}
    return table


def _t_interval(values: np.ndarray) -> tuple[float, float]:
    n = len(values)
    if n < 2:
        return np.nan, np.nan
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return values.mean() - half, values.mean() + half
