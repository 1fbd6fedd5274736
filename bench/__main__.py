"""Run every bench module and print one table each: ``python -m bench [names]``."""

from __future__ import annotations

import os

for name in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{name}_NUM_THREADS"] = "1"  # read once, before numpy and torch load

import importlib
import pkgutil
import sys
import warnings
from importlib.metadata import version

import bench


def main(wanted: list[str]) -> int:
    """Print the tables; the exit code counts the rows that miss their gate."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = [
        m.name
        for m in pkgutil.iter_modules(bench.__path__)
        if not m.name.startswith("_")
    ]
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        print(f"no bench module {', '.join(unknown)}: there are {', '.join(found)}")
        return 2
    versions = ", ".join(f"{p} {version(p)}" for p in ("torch", "pennylane", "numpy"))
    print(
        f"1 thread, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {versions}"
    )
    missed = 0
    for name in wanted or found:
        print(f"\n{name}\n{'ratio':>9} {'median':>9} {'gate':>7} {'goal':>7}")
        for row in importlib.import_module(f"bench.{name}").rows():
            missed += row.verdict == "MISS"
            median = "" if row.median is None else f"{row.median:.3g}{row.unit}"
            sign = "<" if row.smaller else ">"
            print(
                f"{row.ratio:8.3g}{row.unit} {median:>9} {sign}{row.gate:>6g} "
                f"{sign}{row.goal:>6g}  {row.verdict:4}  {row.what}  [{row.note}]",
                flush=True,
            )
    print(f"\n{missed} rows missed their gate" if missed else "\nevery gate was met")
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
