"""The record of one run: ``record.json`` means "this notebook finished".

Times live only there: in a cell they would make two equal runs differ.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qglib import devices

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SCHEMA = 1
ROOT = Path(__file__).resolve().parents[1]
RUN_KEY = "QGLIB_RUN_KEY"  # set by the runner, read back when a run resumes
SESSION = "QGLIB_SESSION"  # set by `make lab`: the run folder of its notebooks
# A run that reports its steps, and the file that ends it at the next one.
RECORD, STEPS, STOP = FILES = "record.json", "steps.jsonl", "stop"
PACKAGES = (
    "qglib numpy scipy pandas scikit-learn networkx torch transformers pennylane "
    "pennylane-lightning pennylane-lightning-gpu"
).split()


def write_text(path: str | Path, text: str) -> None:
    """Write a file so that it appears complete or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """`write_text` of JSON; a ValueError for NaN and infinity, which it lacks."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def read_json(
    path: str | Path, remedy: str = "make it again", rows: bool = False, **fields: Any
) -> Any:
    """A JSON object with ``fields`` (name=type), or a list of such ``rows``.

    Anything else is a ValueError that names file, fault and remedy.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, list if rows else dict):
            wanted = "a list" if rows else "an object"
            raise TypeError(f"a {type(content).__name__}, expected {wanted}")
        for number, one in enumerate(content if rows else [content], 1):
            row = f"row {number}: " if rows else ""
            if not isinstance(one, dict):
                raise TypeError(f"{row}a {type(one).__name__}, expected an object")
            for name, kind in fields.items():
                if not isinstance(value := one.get(name), kind):
                    raise TypeError(f"{row}{name} is {value!r}, expected {kind}")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: not the JSON expected: {error}; {remedy}") from error
    return content


class Pruned(RuntimeError):
    """A run that was stopped because others do better."""


@dataclass(repr=False)
class Record:
    """One run of one notebook, as `qglib.run.start` begins it."""

    name: str
    folder: Path
    parameters: dict[str, Any]  # what was asked
    settings: dict[str, Any]  # what that means in this profile
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)
    _device: tuple[str, str] = ("none", "")
    _before: Counter = field(default_factory=lambda: Counter(devices.executed()))
    _generators: set[str] = field(default_factory=set)
    _torch_seeded: bool = field(default_factory=lambda: "torch" in sys.modules)
    _began: float = field(default_factory=time.perf_counter)

    def __repr__(self) -> str:
        """Return one line without paths."""
        asked = self.parameters
        return f"{self.name}: profile {asked['profile']}, seed {asked['seed']}"

    def rng(self, use: str) -> np.random.Generator:
        """Return the generator of one named use.

        Its numbers depend on the seed and the name only, so a cell can be run twice.
        """
        self._generators.add(use)
        digest = hashlib.sha256(use.encode()).digest()
        words = tuple(int(w) for w in np.frombuffer(digest[:16], dtype="<u4"))
        sequence = np.random.SeedSequence(self.parameters["seed"], spawn_key=words)
        return np.random.default_rng(sequence)

    def use_device(self, device: devices.Device) -> devices.Device:
        """Note which simulator the circuits ran on and why; return it for display."""
        self._device = (device.name, device.reason)
        return device

    def report(self, step: int, **values: float) -> None:
        """Leave the values of one step, such as an epoch, for who searches settings.

        `Pruned` where a search (`qglib.tune`) has seen enough; NaN is a ValueError.
        """
        plain = {"step": step} | {k: _plain(k, v) for k, v in values.items()}
        with (self.folder / STEPS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain) + "\n")
        if (self.folder / STOP).exists():
            raise Pruned(f"stopped at step {step}: behind the other trials")

    def figure(self, fig: Figure, name: str) -> None:
        """Show the figure once (`plots.small_png`), save ``figures/<name>.png``."""
        _check_name("figure name", name)
        path = self.folder / "figures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        fig.savefig(path, dpi=150, bbox_inches="tight", metadata={"Software": None})
        display(fig)
        if path.name not in self.figures:
            self.figures.append(path.name)

    def claim(
        self,
        row: str,
        *,
        effect: float,
        low: float,
        high: float,
        unit: str,
        rival: float | str | None = None,
        detail: str = "",
    ) -> None:
        """Give the number that decides a row of ``data/reference/ledger.json``.

        Args:
            row: id of the row.
            effect, low, high, unit: the number, its interval, the unit of the three;
                not finite, or not in the interval, is a ValueError.
            rival: the rival's number, or what it was compared with.
            detail: sample size, kind of interval, seeds.
        """
        _check_name("claim id", row)
        numbers = {"effect": effect, "low": low, "high": high}
        plain = {key: _plain(f"{row}.{key}", n) for key, n in numbers.items()}
        if not low <= effect <= high:
            raise ValueError(f"claim {row!r}: {effect} is not in [{low}, {high}].")
        rival = None if rival is None else _plain(f"{row}.rival", rival)
        self.claims[row] = plain | {"unit": unit, "rival": rival, "detail": detail}

    def finish(self, results: Mapping[str, Any], *, headline: str) -> pd.DataFrame:
        """Write ``record.json`` and return the results as a table to show.

        Args:
            results: snake_case names to finite numbers, strings or truth values; else a
                ValueError or TypeError.
            headline: the one finding, with its number, at most 120 characters.
        """
        import pandas as pd

        if not headline.strip() or len(headline) > 120 or "\n" in headline:
            raise ValueError(
                f"headline must be one line of 1 to 120 characters, not {headline!r}."
            )
        for key in results:
            _check_name("result", key)
        plain = {key: _plain(key, value) for key, value in results.items()}
        content = {"schema": SCHEMA, "notebook": self.name, "headline": headline}
        content |= {"parameters": self.parameters, "settings": self.settings}
        content |= {"results": plain, "claims": self.claims, "figures": self.figures}
        content["provenance"] = self._provenance()
        write_json(self.folder / RECORD, content)
        shown = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in plain.values()]
        return pd.DataFrame({"value": shown}, index=pd.Index(plain, name="result"))

    def _provenance(self) -> dict[str, Any]:
        torch = sys.modules.get("torch")
        ran = Counter(devices.executed()) - self._before
        device, reason = self._device
        return {
            "device": device,
            "device_reason": reason,
            "circuits": dict(sorted(ran.items())),
            "threads": devices.default_threads(),
            "versions": versions(),
            "python": platform.python_version(),
            "platform": platform.platform(terse=True),
            "seed": self.parameters["seed"],
            "generators": sorted(self._generators),
            "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
            "deterministic": torch is None
            or (self._torch_seeded and torch.are_deterministic_algorithms_enabled()),
            "commit": commit(),
            "key": os.environ.get(RUN_KEY, ""),
            "seconds": round(time.perf_counter() - self._began, 2),
        }


def display(content: Any) -> None:
    """Show anything in a notebook; a figure once, small, with an alternative text."""
    import IPython.display
    from IPython import get_ipython
    from matplotlib.figure import Figure

    from qglib import plots

    if isinstance(content, Figure):
        plots.plt.close(content)  # or the end of the cell would show it again
        said = [a.get_title("left") or a.get_title() for a in content.axes]
        said += [f"{a.get_xlabel()} / {a.get_ylabel()}" for a in content.axes]
        once = dict.fromkeys([content.get_suptitle(), *said])
        alt = "; ".join(text for text in once if text.strip(" /"))
        content = IPython.display.Image(plots.small_png(content), alt=alt)
    if get_ipython() is not None:
        IPython.display.display(content)


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide the numbers."""
    found = {}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def commit() -> str:
    """Return git's short commit, with ``-dirty`` after a change; else ``unknown``."""
    call = "git --no-optional-locks describe --always --exclude=* --dirty".split()
    options = dict[str, Any](cwd=ROOT, capture_output=True, text=True, timeout=20)
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(call, **options).stdout.strip() or "unknown"
    return "unknown"


def _check_name(what: str, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{what} {name!r}: use lower-case letters, digits and _.")


def _plain(key: str, value: Any) -> float | int | str | bool:
    """Return a JSON scalar; name the key if it is none."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (bool, str, int, float)):
        raise TypeError(
            f"{key} is a {type(value).__name__}: record numbers, strings or truth "
            "values, and write tables as files into record.folder."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is {value}: only finite numbers are recorded.")
    return value
