"""Inside a notebook: settings, seeds and what earlier notebooks left behind."""

import math
import os
import random
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

from qglib import devices
from qglib import record as saved
from qglib.record import ROOT, SESSION, Record, display, read_json, versions, write_json

__all__ = [
    "Record", "artefact", "explore", "read_json", "recorded", "start", "versions",
    "write_json",
]  # fmt: skip

NOTEBOOKS = ROOT / "notebooks"
REFERENCE = ROOT / "data" / "reference"
LAB = "JPY_SESSION_NAME"  # set by the server of JupyterLab in its kernels
OWN = Path("../data/runs/lab")  # where the notebooks write if nobody says otherwise


def folder_of(out_dir: str | Path) -> Path:
    """Return ``out_dir`` as an absolute path; inside ``notebooks`` is a ValueError.

    The notebooks' own, ``../data/runs/lab/<notebook>``, is the folder of this session:
    that of ``make lab``, else one of this very JupyterLab or shell.
    """
    path = Path(out_dir).expanduser()
    if path.parent == OWN:
        return _session() / path.name
    path = Path(os.path.normpath(Path.cwd() / path))
    if path.is_relative_to(NOTEBOOKS):
        remedy = f"name one outside, such as ../data/runs/mine/{path.name}"
        raise ValueError(f"out_dir is {str(out_dir)!r}, inside notebooks/: {remedy}.")
    return path


def _session() -> Path:
    """Run folder of what started this kernel, named by when that began."""
    if SESSION in os.environ:
        return Path(os.environ[SESSION])
    parent = os.getppid()
    kind = "lab" if LAB in os.environ else "shell"
    if kind == "shell" and hasattr(os, "getsid"):
        parent = os.getsid(parent)  # papermill ends with each notebook, a shell stays
    try:
        since = psutil.Process(parent).create_time()
    except psutil.NoSuchProcess:  # it has ended, or stands outside this container
        since = psutil.boot_time()
    began = datetime.fromtimestamp(since)
    return ROOT / "data" / "runs" / f"{kind}-{began:%Y%m%d-%H%M%S}-{parent}"


class Artefact(NamedTuple):
    """What an earlier notebook left behind; displays as its note."""

    path: Path
    origin: str  # "this run" or "reference"
    note: str  # one sentence for the reader, without machine paths

    def __repr__(self) -> str:
        return self.note


def artefact(out_dir: str | Path, notebook: str, name: str) -> Artefact:
    """Find what ``notebook`` wrote: in the same run if it finished, else the reference.

    A FileNotFoundError if neither has it; broken JSON is a ValueError.
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
        profile, seed, device, out_dir: from its parameters cell, see `folder_of`.
        profiles: what each profile sets; every profile sets the same names.
        torch: import torch now if it is not imported yet, so that it is seeded.
        knobs: the other parameters.  0 or ``""`` takes the profile's value; anything
            else replaces it.

    Raises:
        ValueError: for an unknown profile or device, a seed out of range, a knob below
            0 or not finite, profiles that set different names.
    """
    if profile not in profiles:
        known = ", ".join(map(repr, profiles))
        raise ValueError(f"profile is {profile!r}: {name} knows {known}.")
    if len({tuple(sorted(values)) for values in profiles.values()}) > 1:
        raise ValueError(f"profiles must all set the same names: {profiles}")
    devices.require_known(device)
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
    for old in saved.FILES:
        (folder / old).unlink(missing_ok=True)
    asked = {"profile": profile, "seed": seed, "device": device}
    return Record(name, folder, asked | {"out_dir": str(out_dir)} | knobs, settings)


def explore(show: Callable[..., Any], **controls: Any) -> Any:
    """Widgets for the arguments of ``show`` above what it returns, in JupyterLab.

    Elsewhere (papermill, the site) ``show`` is called once, with their first values.
    """
    if LAB not in os.environ:
        return display(show(**{name: one.value for name, one in controls.items()}))
    import ipywidgets
    from IPython.display import Javascript

    # keys go to the control in focus, not to the notebook's own shortcuts
    mark = "e => e.target.setAttribute('data-lm-suppress-shortcuts', 'true')"
    area = f"element.closest('.jp-OutputArea').addEventListener('focusin', {mark})"
    display(Javascript(f"setTimeout(() => {area}, 200)"))  # once it is in the page
    for name, one in controls.items():
        one.description = one.description or name
    busy = ipywidgets.Label()

    def work(**values: Any) -> None:
        busy.value = "working …"
        try:
            display(show(**values))
        finally:
            busy.value = "ready"

    shown = ipywidgets.interactive_output(work, controls)
    return ipywidgets.VBox([*controls.values(), busy, shown])


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
