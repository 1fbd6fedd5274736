"""Inside a notebook: settings, seeds and what earlier notebooks left behind."""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qglib import devices
from qglib.record import ROOT, Record, read_json, versions, write_json

__all__ = ["Record", "artefact", "recorded", "start", "versions", "write_json"]

NOTEBOOKS = ROOT / "notebooks"
REFERENCE = ROOT / "data" / "reference"


def folder_of(out_dir: str | Path) -> Path:
    """Return ``out_dir`` as an absolute path.

    A relative one counts from the folder of the notebooks wherever the kernel
    stands, so that JupyterLab and papermill's command line mean the same place.
    """
    path = Path(out_dir).expanduser()
    if not path.is_absolute():
        path = (NOTEBOOKS if NOTEBOOKS.is_dir() else Path.cwd()) / path
    return Path(os.path.normpath(path))


class Artefact(NamedTuple):
    """What an earlier notebook left behind, and where it came from."""

    path: Path
    origin: str  # "this run" or "reference"
    note: str  # one sentence for the reader, without machine paths

    def __repr__(self) -> str:
        """Return the note: a path would differ from machine to machine."""
        return self.note


def artefact(out_dir: str | Path, notebook: str, name: str) -> Artefact:
    """Find what ``notebook`` wrote: in the same run, else in ``data/reference``.

    The run's own artefact counts only if that notebook finished, that is, wrote
    its record.

    Raises:
        FileNotFoundError: if neither place has it.
        ValueError: for a broken record, or artefact in JSON.
    """
    folder = folder_of(out_dir).parent / notebook
    places = [REFERENCE / notebook / name, REFERENCE / name]
    origin, note = "reference", "the reference kept with the project"
    if (folder / "record.json").exists() and (folder / name).exists():
        was = read_json(folder / "record.json", parameters=dict)["parameters"]
        places, origin = [folder / name], "this run"
        note = f"from this run (profile {was.get('profile')}, seed {was.get('seed')})"
    for path in filter(Path.exists, places):
        if path.suffix == ".json":
            read_json(path, f"run {notebook} again, or restore it by git checkout")
        return Artefact(path, origin, f"{name} of {notebook}, {note}")
    raise FileNotFoundError(
        f"there is no {name!r} of {notebook}, neither in this run nor in "
        f"data/reference. Run it first: python -m qglib run {notebook[:2]}"
    )


def recorded(study: str) -> dict[str, Any]:
    """Read what the full profile of a study once found; FileNotFoundError if never."""
    path = REFERENCE / "results" / f"{study}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"study is {study!r}: data/reference/results holds no {study}.json. "
            "Run the notebook that makes it in full (data/README.md names it)."
        )
    return read_json(path, "restore it by git checkout")


def start(
    name: str,
    *,
    profile: str,
    seed: int,
    device: str,
    out_dir: str | Path,
    profiles: Mapping[str, Mapping[str, Any]],
    torch: bool = False,
    **knobs: Any,
) -> Record:
    """Resolve the profile, seed everything, forget an old record, start the clock.

    Args:
        name: name of the notebook, ``"02_model_training"``.
        profile: a key of ``profiles``.
        seed: seed of every random choice, from 0.
        device: one of `devices.NAMES`.
        out_dir: where this run writes; relative to the notebooks' folder.
        profiles: what each profile sets; every profile sets the same names.
        torch: import torch now if it is not imported yet, so that it is seeded.
        knobs: the other parameters.  0 or ``""`` takes the profile's value; anything
            else replaces it.  Numbers below 0, infinity and NaN are refused.

    Raises:
        ValueError: for an unknown profile or device, a seed out of range, a
            negative knob, profiles that set different names.
    """
    if profile not in profiles:
        known = ", ".join(map(repr, profiles))
        raise ValueError(f"profile is {profile!r}: {name} knows {known}.")
    if len({tuple(sorted(values)) for values in profiles.values()}) > 1:
        raise ValueError(f"profiles must all set the same names: {profiles}")
    if device not in devices.NAMES:
        known = ", ".join(devices.NAMES)
        raise ValueError(f"device is {device!r}: choose one of {known}.")
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed!r}: give a whole number from 0 to 2**32 - 1.")
    settings = dict(profiles[profile])
    for key, value in knobs.items():
        if not isinstance(value, (bool, str)) and not 0 <= value < math.inf:
            raise ValueError(f"{key} is {value}: give a number from 0.")
        if key not in settings or isinstance(value, bool) or value not in ("", 0):
            settings[key] = value
    devices.set_threads()
    _seed_everything(seed, torch)
    folder = folder_of(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").unlink(missing_ok=True)
    asked = {"profile": profile, "seed": seed, "device": device}
    return Record(name, folder, asked | {"out_dir": str(out_dir)} | knobs, settings)


def _seed_everything(seed: int, with_torch: bool) -> None:
    """Seed the global generators: the one place that may touch them."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (for libraries that use it)
    if with_torch or "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.set_num_threads(devices.default_threads())
