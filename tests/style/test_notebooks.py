"""Form and freshness of the committed notebooks; no kernel is started."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import nbformat
import pytest

from qglib import parameters
from tests.staleness import staleness

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
STEPS = [path for path in PATHS if path.stem[:2] in ("01", "02", "03", "04")]
STUDIES = [path for path in PATHS if path.stem[0] in "1234"]
EVERYWHERE = ("profile", "seed", "device", "out_dir")
WIDTH = 79
MEGABYTE = 1_000_000
ABSOLUTE = re.compile(
    r"(?<![\w.:/$}])/(?:home|root|work|tmp|usr|opt|mnt|var|private|Users)/\w"
    r"|[A-Z]:\\\\?\w"
)
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
BAR = re.compile(r"\d+%\|")
LINK = re.compile(r"\]\(([^)#\s]+?\.ipynb)(?:#[^)]*)?\)")

every = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
steps = pytest.mark.parametrize("path", STEPS, ids=lambda p: p.stem)
tutorials = pytest.mark.parametrize("path", [*STEPS, *STUDIES], ids=lambda p: p.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    return "\n\n".join(cells)


def outputs(path: Path) -> list[nbformat.NotebookNode]:
    return [output for cell in code_cells(path) for output in cell.outputs]


def shown(path: Path) -> str:
    """All text that the saved outputs show, without the images."""
    parts = []
    for output in outputs(path):
        data = output.get("data", {})
        parts += [v for k, v in data.items() if isinstance(v, str) and "image" not in k]
        parts.append(output.get("text", ""))
    return "\n".join(parts)


def shown_images(path: Path) -> list[nbformat.NotebookNode]:
    return [o for o in outputs(path) if "image/png" in o.get("data", {})]


def start_call(path: Path) -> ast.Call:
    """The one call of run.start."""
    calls = [
        node
        for cell in code_cells(path)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "run.start"
    ]
    assert len(calls) == 1, f"{path.stem} must call run.start once, not {len(calls)}x"
    return calls[0]


@every
def test_the_file_is_a_valid_notebook_of_modest_size(path: Path) -> None:
    nbformat.validate(read(path))
    assert path.stat().st_size <= MEGABYTE, "over 1 MB: fewer or smaller figures"
    ids = [cell["id"] for cell in read(path).cells]
    assert len(ids) == len(set(ids)), "two cells share an id"


@every
def test_outputs_are_fresh(path: Path) -> None:
    assert not staleness(read(path)), staleness(read(path))


@every
def test_cells_were_run_in_order(path: Path) -> None:
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@every
def test_no_error_and_no_warning_is_shown(path: Path) -> None:
    for output in outputs(path):
        assert output.output_type != "error", output.get("evalue")
        assert output.get("name") != "stderr", output.get("text")


@every
def test_the_kernel_is_everybodys(path: Path) -> None:
    assert read(path).metadata.kernelspec.name == "python3"


@every
def test_outputs_show_nothing_of_the_machine(path: Path) -> None:
    text = shown(path)
    for pattern in (ABSOLUTE, ADDRESS, BAR):
        found = pattern.search(text)
        assert not found, f"an output shows {text[found.start() : found.end() + 40]!r}"


@every
def test_sources_stay_inside_the_repository(path: Path) -> None:
    for cell in code_cells(path):
        assert not ABSOLUTE.search(cell.source), cell.source
        assert "../.." not in cell.source, cell.source


@every
def test_the_title_is_the_only_one(path: Path) -> None:
    text = re.sub(r"```.*?```", "", prose(path), flags=re.DOTALL)
    titles = re.findall(r"^# .+$", text, flags=re.MULTILINE)
    assert len(titles) == 1, titles
    assert titles[0].startswith(f"# {int(path.stem[:2])} · ")
    first = read(path).cells[0]
    assert first.source.startswith("# ")
    for part in ("**Question.**", "**What you will have at the end.**", "**Time and"):
        assert part in first.source, f"the first cell lacks {part}"


@every
def test_parameters_are_annotated_and_commented(path: Path) -> None:
    declared = parameters.declared(path)
    assert list(declared)[:4] == list(EVERYWHERE)
    assert all(one["help"] for one in declared.values()), "every line needs a comment"
    first = [one["default"] for one in declared.values()][:4]
    first.pop(1)  # the seed
    assert first == ['"quick"', '"auto"', f'"../data/runs/lab/{path.stem}"']


@every
def test_papermill_reads_every_line_of_the_parameters(path: Path) -> None:
    """It leaves out unions and comments with an equals sign."""
    (cell,) = (
        c for c in code_cells(path) if "parameters" in c.metadata.get("tags", [])
    )
    lines = ast.parse(cell.source).body
    assert all(isinstance(line, ast.AnnAssign) for line in lines), cell.source
    names = [line.target.id for line in lines]
    assert names == list(parameters.declared(path))
    for line in lines:
        ast.literal_eval(line.value)


@every
def test_every_parameter_is_passed_to_the_start(path: Path) -> None:
    call, declared = start_call(path), parameters.declared(path)
    assert call.args, "the first argument of run.start is the notebook's name"
    assert ast.literal_eval(call.args[0]) == path.stem
    passed = {k.arg: ast.unparse(k.value) for k in call.keywords}
    for name in declared:
        assert passed.get(name) == name, f"run.start needs {name}={name}"


@every
def test_the_record_is_finished(path: Path) -> None:
    tagged = [c for c in code_cells(path) if "results" in c.metadata.get("tags", [])]
    assert len(tagged) == 1, "one cell is tagged 'results'"
    assert "record.finish(" in tagged[0].source


@every
def test_code_is_narrow_and_plain(path: Path) -> None:
    for cell in code_cells(path):
        for line in cell.source.splitlines():
            assert len(line) <= WIDTH, f"{len(line)} columns: {line}"
            assert not re.match(r"\s*[!%]", line), f"no magics: {line}"
        assert "globals(" not in cell.source


@every
def test_links_between_notebooks_resolve(path: Path) -> None:
    links = LINK.findall(prose(path))
    for link in links:
        assert (FOLDER / link).exists(), f"{link} does not exist"
    assert "**Next:**" in prose(path), "the last cells link to the next notebook"


@every
def test_every_figure_goes_through_the_record(path: Path) -> None:
    images = shown_images(path)
    calls = sum(cell.source.count("record.figure(") for cell in code_cells(path))
    assert calls, "a notebook shows at least one figure"
    assert len(images) >= calls, "a saved figure is not shown"


@every
def test_cells_are_short(path: Path) -> None:
    """No cell above 20 code lines, half of them at most 8; imports apart."""
    sizes = []
    for cell in code_cells(path):
        lines = [ln for ln in cell.source.splitlines() if ln.strip()]
        if "run.start(" in cell.source or "parameters" in cell.metadata.get("tags", []):
            continue  # a list of names grows with the notebook
        sizes.append(len(lines))
        assert len(lines) <= 20, f"{len(lines)} lines:\n{cell.source}"
    assert statistics.median(sizes) <= 8, sorted(sizes)


@tutorials
def test_the_size_is_that_of_a_tutorial(path: Path) -> None:
    """No cap on code: a cap once pushed the methods into the library."""
    study = path in STUDIES
    words, figures = len(prose(path).split()), len(shown_images(path))
    assert (250 if study else 700) <= words <= (1500 if study else 2250), words
    assert (1 if study else 4) <= figures <= (6 if study else 10), figures


@tutorials
def test_findings_exercises_and_checks(path: Path) -> None:
    text = prose(path)
    assert "## What we found" in text
    if path in STEPS:
        assert re.search(r"^## Exercises", text, flags=re.MULTILINE)
        assert "<details>" in text, "answers to the exercises are folded"
    assert re.search(r"^## References", text, flags=re.MULTILINE)
    asserts = [
        node
        for cell in code_cells(path)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Assert)
    ]
    assert asserts, "a notebook checks its own numbers"
    assert all(node.msg is not None for node in asserts), "an assert needs a message"
