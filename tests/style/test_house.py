"""The rules of the house, read from the sources: floors, imports, small modules."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = sorted((ROOT / "qglib").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_LINES = 300

ABOVE = {  # what a floor may import, itself apart
    "engines": set(),
    "data": set(),
    "spacetime": {"engines"},
    "quantum": {"engines"},
    "models": {"quantum", "data"},
    "causal": {"quantum", "models", "data"},
    "explain": {"models", "data", "quantum"},
}
DOORS = {"predict.py", "serve.py"}  # above all floors: a saved model at work
PLUMBING = {path.stem for path in (ROOT / "qglib").glob("*.py")} - {"__init__"}
SPEAKING = {"__main__", "progress"}  # the command line may print
SEEDING = {"run"}  # may touch global generators
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "core", "misc", "common"}
PICKLES = {
    "torch.load",
    "torch.save",
    "pd.read_pickle",
    "pandas.read_pickle",
    "joblib.load",
    "joblib.dump",
    "np.save",
}
GLOBAL_SEEDS = {
    "random.seed",
    "np.random.seed",
    "numpy.random.seed",
    "torch.manual_seed",
    "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.use_deterministic_algorithms",
    "transformers.set_seed",
    "set_seed",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


module = pytest.mark.parametrize("path", LIBRARY, ids=name)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(root: ast.AST) -> set[str]:
    """Dotted names of all imports, those inside functions too."""
    found = set()
    for node in ast.walk(root):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1, "a relative import stays in its own folder"
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
            if node.module == "qglib":
                found |= {f"qglib.{alias.name}" for alias in node.names}
    return found


def calls(path: Path) -> set[str]:
    nodes = ast.walk(tree(path))
    return {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}


def own(path: Path) -> set[str]:
    """Parts of qglib that a module imports, by the first name."""
    names = {n for n in imports(tree(path)) if n.startswith("qglib.")}
    return {n.split(".")[1] for n in names} - {"__version__"}


@module
def test_a_module_holds_one_idea(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{lines} lines"
    assert path.stem not in FORBIDDEN_NAMES, "name it by the field's word"


@module
def test_nothing_imports_upward(path: Path) -> None:
    parts = path.relative_to(ROOT / "qglib").parts
    floor = parts[0] if len(parts) > 1 else None
    if floor is None and path.name not in DOORS:
        assert not own(path) & ABOVE.keys(), "the plumbing imports no science"
    elif floor is not None:
        assert floor in ABOVE, f"{floor} is no floor of the house"
        assert own(path) - {floor} - PLUMBING <= ABOVE[floor]


@module
def test_only_the_start_seeds_global_generators(path: Path) -> None:
    if path.stem not in SEEDING or path.parent != ROOT / "qglib":
        assert not calls(path) & GLOBAL_SEEDS - _inside_fork(path)


def _inside_fork(path: Path) -> set[str]:
    """Calls under ``torch.random.fork_rng``, which leaves the global state alone."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.With) and any(
            "fork_rng" in ast.unparse(item.context_expr) for item in node.items
        ):
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
            found |= {ast.unparse(n.func) for n in inner}
    return found


@module
def test_nothing_unpickles_or_runs_foreign_code(path: Path) -> None:
    assert not calls(path) & PICKLES
    assert not imports(tree(path)) & {"pickle", "dill", "cloudpickle", "shelve"}
    text = path.read_text(encoding="utf-8")
    for word in ("trust_remote_code=True", "allow_pickle=True", "weights_only=False"):
        assert word not in text
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef):
            inside = ast.unparse(node)
            if ".from_pretrained(" in inside:
                assert re.search(r"trust_remote_code\W+False", inside), node.name


@module
def test_the_library_is_silent(path: Path) -> None:
    if path.stem not in SPEAKING:
        assert "print" not in calls(path)


@module
def test_no_profile_in_the_science(path: Path) -> None:
    if path.parent != ROOT / "qglib":
        assert not re.search(r"profile\s*[=!]=", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*LIBRARY, *TESTS], ids=name)
def test_no_path_of_one_machine(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if path == Path(__file__) or path.name == "test_notebooks.py":
                continue
            assert not re.search(r"(?<!\w)/(home|root|work)/\w", node.value)


@pytest.mark.parametrize("path", [*LIBRARY, *TESTS], ids=name)
def test_every_import_is_declared(path: Path) -> None:
    _declared_or_fail(imports(tree(path)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_every_import_of_a_notebook_is_declared(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for cell in cells:
        if cell.cell_type == "code":
            _declared_or_fail(imports(ast.parse(cell.source)))


@cache
def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return {canonicalize_name(Requirement(line).name) for line in lines} | {"qglib"}


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _declared_or_fail(names: set[str]) -> None:
    for top in {dotted.split(".")[0] for dotted in names} - {"__future__"}:
        if top in sys.stdlib_module_names or top in ("qglib", "bench", "tests"):
            continue
        makers = {canonicalize_name(d) for d in _distributions().get(top, [top])}
        assert makers & _declared(), f"{top} is imported but not in pyproject.toml"


def test_make_knows_every_command_of_the_readme() -> None:
    targets = set(
        re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"```.*?```|`[^`\n]+`", readme, flags=re.DOTALL)
    used = {target for c in code for target in re.findall(r"\bmake ([a-z][\w-]*)", c)}
    assert {"run", "test"} <= used, "the README shows the two commands"
    assert used <= targets, f"the Makefile lacks {used - targets}"


def test_continuous_integration_calls_make_test() -> None:
    script = ROOT / ".ci" / "run"
    lines = [ln.strip() for ln in script.read_text().splitlines()]
    assert lines[-1] == "make test"
