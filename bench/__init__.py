"""Side-by-side timings: one process, one thread, rotating order.

Only ratios taken in the same run mean anything on a shared machine, so every row
is a ratio of two methods that ran in turns; the gate is judged on the ratio of
minima and the ratio of medians stands beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``ratio`` is rival / ours (or ours / yardstick where ``smaller`` is set) of
    the minima, ``median`` the same of the medians, None where there is none.
    """

    what: str
    ratio: float
    median: float | None
    gate: float
    goal: float
    smaller: bool = False
    unit: str = "x"
    note: str = ""

    @property
    def verdict(self) -> str:
        def reached(limit):
            return self.ratio <= limit if self.smaller else self.ratio >= limit

        return (
            "goal" if reached(self.goal) else "gate" if reached(self.gate) else "MISS"
        )


def interleave(
    methods: Mapping[str, Callable[[], object]], rounds: int = 7, warm: int = 1
) -> dict[str, list[float]]:
    """Seconds of every method in every round, the order rotating by one."""
    names, times = list(methods), {name: [] for name in methods}
    for name in names:
        for _ in range(warm):
            methods[name]()
    for turn in range(rounds):
        for k in range(len(names)):
            name = names[(turn + k) % len(names)]
            start = time.perf_counter()
            methods[name]()
            times[name].append(time.perf_counter() - start)
    return times


def compare(
    what: str,
    rival: Callable[[], object],
    ours: Callable[[], object],
    gate: float,
    goal: float,
    rounds: int = 7,
    smaller: bool = False,
    repeat: int = 1,
) -> Row:
    """Row of rival / ours; with ``smaller``, of ours / rival.

    ``repeat`` runs ours so many times per timing, for calls too short to time.
    """

    def several():
        for _ in range(repeat):
            ours()

    def rival_several():
        for _ in range(repeat if smaller else 1):
            rival()

    times = interleave({"rival": rival_several, "ours": several}, rounds)
    scale = 1 if smaller else repeat
    a = [t * scale for t in times["rival"]]
    b = times["ours"]
    ratio, median = min(a) / min(b), statistics.median(a) / statistics.median(b)
    if smaller:
        ratio, median = 1 / ratio, 1 / median
    per_call = min(b) / repeat
    note = f"ours {1e3 * per_call:.3g} ms, other {1e3 * min(a) / repeat:.3g} ms"
    return Row(what, ratio, median, gate, goal, smaller, note=note)
