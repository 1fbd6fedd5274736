"""Null tables kept in memory and on disk: simulated once per number of points."""

from __future__ import annotations

import os
import tempfile
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from qglib.spacetime.null_tables import (
    NullTable,
    members_of,
    metric_members,
    recipe_of,
    simulate,
)
from qglib.spacetime.rank_observables import LARGEST, rank_observables

RECIPE_VERSION = 3  # part of the name of a kept table
SMALLEST = 20  # points; below it the rejection regions are too coarse
_NULL_SEED = 20_260_101  # the kept tables do not depend on the order of calls


def null_table(
    n: int, rng: np.random.Generator | None = None, draws: int | None = None
) -> NullTable:
    """The null for samples of n points, from 2 x draws random permutations.

    Args:
        n: number of points, 20 .. 20 000.
        rng: source of the permutations. Without it the table comes from a seed of
            its own, is simulated once per (n, draws) and kept in memory and in
            the folder `QGLIB_CACHE` (default: the user's cache folder).
        draws: size of each sample, at least 100; default 2000 up to n = 400, 1000
            beyond. Published p-values deserve 100 000.

    Raises:
        ValueError: n out of range, or fewer than 100 draws.
    """
    if draws is None:
        draws = 2000 if n <= 400 else 1000
    if draws < 100:
        raise ValueError(f"draws is {draws}: at least 100 are needed")
    if not SMALLEST <= n <= LARGEST:
        remedy = "collect more points" if n < SMALLEST else "draw a random subset"
        raise ValueError(
            f"n is {n}: the test takes {SMALLEST} to {LARGEST} points; {remedy}"
        )
    return _kept_table(n, draws) if rng is None else simulate(n, rng, draws)


@lru_cache(maxsize=16)
def _kept_table(n: int, draws: int) -> NullTable:
    path = cache_folder() / f"independence-{RECIPE_VERSION}-{n}-{draws}.npz"
    if path.exists():
        try:
            return _read(path, n, draws)
        except Exception as error:  # whatever is wrong with it, it can be rebuilt
            warnings.warn(
                f"the kept null table {path.name} cannot be used ({error}): it is "
                "simulated again",
                stacklevel=3,
            )
    table = simulate(n, np.random.default_rng([_NULL_SEED, n, draws]), draws)
    try:
        _write(path, table)
    except OSError as error:
        warnings.warn(
            f"the null table is not kept ({error}): set QGLIB_CACHE to a folder "
            "that can be written",
            stacklevel=3,
        )
    return table


def cache_folder() -> Path:
    """Folder of the kept tables."""
    folder = os.environ.get("QGLIB_CACHE")
    return Path(folder) if folder else user_cache_path("qglib")


_ARRAYS = ("mean", "sd", "metric_draws", "group_null", "null")


def _write(path: Path, table: NullTable) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(table, name) for name in _ARRAYS}
    arrays |= {f"inverse_{name}": matrix for name, matrix in table.metrics.items()}
    handle, beside = tempfile.mkstemp(suffix=".npz", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, key=[RECIPE_VERSION, table.n, table.draws], **arrays)
        os.replace(beside, path)
    finally:
        Path(beside).unlink(missing_ok=True)


def _read(path: Path, n: int, draws: int) -> NullTable:
    with np.load(path, allow_pickle=False) as file:
        content = {name: file[name] for name in file.files}
    if content["key"].tolist() != [RECIPE_VERSION, n, draws]:
        raise ValueError("it belongs to another recipe, n or number of draws")
    metric = metric_members(n)
    size, groups = len(rank_observables(n).names), len(recipe_of(n))
    shapes = [(size,), (size,), (draws, len(metric)), (groups, draws), (draws,)]
    arrays = [content[name] for name in _ARRAYS]
    metrics = {
        name: content[f"inverse_{name}"]
        for name, (_, form) in recipe_of(n).items()
        if form == "metric"
    }
    shapes += [(len(members_of(n, recipe_of(n)[name][0])),) * 2 for name in metrics]
    for array, shape in zip([*arrays, *metrics.values()], shapes, strict=True):
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"an array of shape {array.shape} is not {shape}, finite")
    return NullTable(n, draws, *arrays, metrics)
