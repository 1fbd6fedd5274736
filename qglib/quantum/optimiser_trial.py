"""Optimisers from the same starts: iterations, circuits and seconds to a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from qglib.quantum.descent import Descent, Problem, descend


@dataclass(frozen=True)
class OptimiserTrial:
    """What `compare_optimisers` found.

    Attributes:
        target: loss that counts as reached.
        runs: optimiser to one run per start, starts in the same order.
    """

    target: float
    runs: dict[str, list[Descent]] = field(repr=False)

    def paired(self) -> list[int]:
        """Numbers of the starts from which every optimiser reached the target."""
        counts = range(len(next(iter(self.runs.values()))))
        return [
            k
            for k in counts
            if all(r[k].first(self.target) is not None for r in self.runs.values())
        ]

    def spent(self, method: str, what: str) -> np.ndarray:
        """Cost to the target on the paired starts, shape (starts,).

        ``what``: ``"iterations"``, ``"circuits"`` or ``"seconds"``.
        """
        several = [self.runs[method][k] for k in self.paired()]
        hits = [run.first(self.target) for run in several]
        if what == "iterations":
            return np.array(hits)
        series = [getattr(run, what) for run in several]
        return np.array([s[k] for s, k in zip(series, hits, strict=True)])

    def log10_time(self, method: str, rival: str) -> np.ndarray:
        """log10 of the rival's seconds over those of a method, start by start."""
        return np.log10(self.spent(rival, "seconds") / self.spent(method, "seconds"))

    def table(self, rival: str = "lbfgs") -> pd.DataFrame:
        """Medians per optimiser; time in units of the rival's, to one digit."""
        rows = {}
        for method, several in self.runs.items():
            reached = sum(r.first(self.target) is not None for r in several)
            ratio = np.median(10.0 ** -self.log10_time(method, rival))
            rows[method] = {
                "reached": f"{reached} of {len(several)}",
                "iterations": np.median(self.spent(method, "iterations")),
                "circuits": np.median(self.spent(method, "circuits")),
                f"time, {rival} = 1": f"{ratio:.1g}",
            }
        return pd.DataFrame.from_dict(rows, "index")


def compare_optimisers(
    problem: Problem,
    settings: Mapping[str, tuple[float, float]],
    starts: Sequence[int],
    steps: int = 150,
) -> OptimiserTrial:
    """Run every optimiser from every start, in turns; compiled before the clock runs.

    Args:
        problem: what to lower.
        settings: optimiser to (rate, damping), see `qglib.quantum.descend`.
        starts: seeds of the first weights.
        steps: iterations of each run.

    Raises:
        ValueError: for no optimiser or start, an unknown optimiser.
    """
    if not settings or not len(starts):
        raise ValueError("settings and starts must not be empty")
    runs: dict[str, list[Descent]] = {method: [] for method in settings}
    for method, chosen in settings.items():
        descend(problem, method, *chosen, 0, 3)
    for start in starts:
        for method, chosen in settings.items():
            runs[method].append(descend(problem, method, *chosen, int(start), steps))
    return OptimiserTrial(problem.target, runs)
