"""One list of packages: pyproject, constraints and environment.yml agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
EXTRAS = PROJECT["optional-dependencies"]
REQUIRED = [
    Requirement(line)
    for line in [*PROJECT["dependencies"], *(p for e in EXTRAS.values() for p in e)]
]
FAST_MOVERS = ("torch", "transformers", "pennylane")


def pins() -> dict[str, Requirement]:
    lines = [ln.strip() for ln in CONSTRAINTS.splitlines()]
    found = [Requirement(ln) for ln in lines if ln and not ln.startswith("#")]
    names = [canonicalize_name(one.name) for one in found]
    assert len(names) == len(set(names)), "a package is pinned twice"
    return dict(zip(names, found, strict=True))


def python_of_environment() -> str:
    (line,) = [
        d
        for d in ENVIRONMENT["dependencies"]
        if isinstance(d, str) and d.startswith("python=")
    ]
    return line.removeprefix("python=")


def test_environment_names_no_package_of_its_own() -> None:
    plain = [d for d in ENVIRONMENT["dependencies"] if isinstance(d, str)]
    assert [name.split("=")[0] for name in plain] == ["python", "pip"]
    (block,) = [d for d in ENVIRONMENT["dependencies"] if not isinstance(d, str)]
    assert list(block) == ["pip"]
    constraints, editable = block["pip"]
    assert constraints == "-c constraints.txt"
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", editable)
    assert extras, editable
    assert set(extras[1].split(",")) <= set(EXTRAS), "an extra is not in pyproject"


def test_environment_takes_a_supported_python() -> None:
    supported = SpecifierSet(PROJECT["requires-python"])
    assert Version(python_of_environment()) in supported
    tested = CONSTRAINTS.splitlines()[0]
    assert tested.startswith("#")
    assert python_of_environment() in tested, "the first comment names its Python"


@pytest.mark.parametrize("required", REQUIRED, ids=lambda r: r.name)
def test_every_package_has_a_tested_version_in_its_range(required: Requirement) -> None:
    pin = pins().get(canonicalize_name(required.name))
    assert pin is not None, f"{required.name} has no line in constraints.txt"
    (exact,) = pin.specifier
    assert exact.operator == "=="
    assert "+" not in exact.version, "a local label refuses the plain build"
    assert Version(exact.version) in required.specifier


@pytest.mark.parametrize("name", FAST_MOVERS)
def test_fast_movers_have_an_upper_bound(name: str) -> None:
    (required,) = [one for one in REQUIRED if one.name == name]
    assert any(one.operator in ("<", "<=", "==") for one in required.specifier)


def test_torch_is_the_pinned_one() -> None:
    assert str(pins()["torch"].specifier) == "==2.13.0"


def test_the_gpu_extra_is_for_linux_only() -> None:
    (required,) = map(Requirement, EXTRAS["gpu"])
    assert required.name == "pennylane-lightning-gpu"
    assert not required.marker.evaluate({"sys_platform": "darwin"})
    assert required.marker.evaluate({"sys_platform": "linux"})


def test_nothing_of_the_constraints_is_editable_or_a_path() -> None:
    for line in CONSTRAINTS.splitlines():
        assert not line.startswith("-"), line
        assert "@" not in line, line
