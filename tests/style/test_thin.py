"""The library stays thin: lines, public names and who uses them only get better."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "qglib"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PACKAGES = sorted(p.parent.name for p in LIBRARY.glob("*/__init__.py"))
SEALED = "engines"  # fast insides; no notebook imports them

# Numbers that only fall: lower them when the library shrinks.
MOST_LINES = 12_881  # without engines
MOST_ENGINE_LINES = 2_119
MOST_NAMES = 90

# Names that users import although the notebooks of one step only use them, by reason.
VERB = "one of the verbs: a reader's own data takes this way"
TRUTH = "truth or known answer of its step, met in every notebook of it"
KIND = "what a verb takes or returns; users annotate and build it"
TOOL = "tool of one step that users import for their own data"
ENTRIES: dict[str, str] = {
    "causal.GaussianKernel": KIND,
    "causal.KernelTests": TOOL,
    "causal.QuantumKernel": KIND,
    "causal.best_path": VERB,
    "causal.change_point": TOOL,
    "causal.class_size": TOOL,
    "causal.cpdag": TOOL,
    "causal.exact_search": TOOL,
    "causal.graph_metrics": TRUTH,
    "causal.identifiability": TRUTH,
    "causal.load_network": TRUTH,
    "data.Corpus": KIND,
    "data.Events": KIND,
    "data.Sentence": KIND,
    "data.Sound": KIND,
    "data.read_conll": TOOL,
    "data.synthetic_partials": TRUTH,
    "explain.decision_graphs": TOOL,
    "explain.decision_path": VERB,
    "explain.draw_decision_graph": TOOL,
    "explain.exact_shapley": TRUTH,
    "explain.head_graph": TOOL,
    "explain.patched_logits": TRUTH,
    "explain.planted_pairs": TRUTH,
    "explain.turning_pairs": TRUTH,
    "models.load_model": TOOL,
    "quantum.circuits": TOOL,
    "spacetime.interval_abundances": TRUTH,
    "spacetime.longest_chain": TOOL,
    "spacetime.manifold_likeness": TOOL,
    "spacetime.myrheim_meyer_dimension": TOOL,
    "spacetime.sprinkle_diamond": TRUTH,
}


def lines(folder: Path) -> int:
    files = folder.rglob("*.py")
    return sum(len(p.read_text(encoding="utf-8").splitlines()) for p in files)


@cache
def public() -> dict[str, str]:
    """Each public name of a package with the package."""
    found = {}
    for package in PACKAGES:
        if package == SEALED:
            continue
        tree = ast.parse((LIBRARY / package / "__init__.py").read_text())
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == (
                "__all__"
            ):
                for name in ast.literal_eval(node.value):
                    found[f"{package}.{name}"] = package
    return found


@cache
def source(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(c.source for c in cells if c.cell_type == "code")


def step(stem: str) -> str:
    """Step of a notebook: 01 and 1x are step 1; 00, 05 and every field count alone."""
    number = stem[:2]
    if number[0] in "56":
        return f"field {number[1]}"  # 5x and 6x are two tasks of one field
    if number in ("00", "05"):
        return number
    return number[1] if number[0] == "0" else number[0]


def users(name: str) -> set[str]:
    """Steps whose notebooks use ``package.name``, by attribute or by import."""
    package, own = name.split(".")
    attribute = re.compile(rf"\b{package}\.{own}\b")
    imported = re.compile(rf"from qglib\.{package}\S* import [^\n]*\b{own}\b")
    listed = re.compile(rf"from qglib\.{package}\S* import \(([^)]*)\)")
    found = set()
    for path in NOTEBOOKS:
        text = source(path)
        several = " ".join(listed.findall(text))
        if (
            attribute.search(text)
            or imported.search(text)
            or re.search(rf"\b{own}\b", several)
        ):
            found.add(step(path.stem))
    return found


def test_the_library_does_not_grow() -> None:
    engines = lines(LIBRARY / SEALED)
    assert engines <= MOST_ENGINE_LINES, f"{engines} lines of engines"
    rest = lines(LIBRARY) - engines
    assert rest <= MOST_LINES, f"{rest} lines without engines"


def test_public_names_are_few() -> None:
    assert len(public()) <= MOST_NAMES, f"{len(public())} names"


@pytest.mark.parametrize("name", sorted(public()))
def test_a_public_name_serves_two_steps_or_says_why_not(name: str) -> None:
    steps = users(name)
    if name in ENTRIES:
        assert ENTRIES[name].strip(), "give the reason"
        assert len(steps) < 2, f"serves steps {sorted(steps)}: no reason is needed"
    else:
        assert len(steps) >= 2, (
            f"serves steps {sorted(steps) or 'none'}: move it into the notebook, "
            "drop it from __all__, or give a reason in ENTRIES"
        )


def test_every_entry_exists() -> None:
    assert ENTRIES.keys() <= public().keys()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_notebook_reaches_into_an_engine(path: Path) -> None:
    assert SEALED not in source(path)


def test_no_function_is_one_experiment() -> None:
    pattern = re.compile(r"^def (\w+_(?:trial|study|contest|benchmark))\(", re.M)
    for path in LIBRARY.rglob("*.py"):
        found = pattern.findall(path.read_text(encoding="utf-8"))
        assert not found, f"{path.name}: {found} belongs into its notebook"


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda p: p.stem)
def test_docstrings_have_one_style(path: Path) -> None:
    """Google style: sections end with a colon, no underlines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            assert not re.search(r"^\s*-{4,}$", text, re.M), node


def test_imports_make_no_circle() -> None:
    """Module by module, not only floor by floor."""
    graph: dict[str, set[str]] = {}
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in LIBRARY.rglob("*.py")
    }
    for path in LIBRARY.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module]
        graph[name] = {
            f"{n.module}.{a.name}" if f"{n.module}.{a.name}" in modules else n.module
            for n in found
            for a in n.names
        }
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name in done or name not in graph:
            return
        for other in graph[name]:
            if other != "qglib":
                visit(other, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


README = ROOT / "data" / "README.md"
RESULTS = sorted((ROOT / "data" / "reference" / "results").glob("*.json"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda p: p.stem)
def test_every_recorded_result_names_its_notebook(path: Path) -> None:
    """One row of the table in data/README.md, and the notebook reads the file."""
    rows = [
        line
        for line in README.read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and f"`reference/results/{path.name}`" in line
    ]
    assert len(rows) == 1, f"data/README.md needs one row for {path.name}"
    named = re.findall(r"\b(\d\d)\b", rows[0].rsplit("|", 2)[-2])
    known = {p.stem[:2]: p for p in NOTEBOOKS}
    assert named and set(named) <= known.keys(), rows[0]
    assert any(path.stem in source(known[number]) for number in named), (
        f"no notebook of {named} reads {path.stem}"
    )


def test_every_row_of_the_ledger_names_a_notebook_that_claims_it() -> None:
    import json

    rows = json.loads((ROOT / "data" / "reference" / "ledger.json").read_text())
    stems = {path.stem: path for path in NOTEBOOKS}
    for row in rows:
        assert row["notebook"] in stems, f"{row['id']}: {row['notebook']}"
        if row["rule"]["kind"] != "descriptive":
            assert row["id"] in source(stems[row["notebook"]]), row["id"]
