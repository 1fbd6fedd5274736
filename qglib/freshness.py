"""Saved outputs: normalised, stamped, and checked against what they came from.

Two hashes are needed.  JupyterLab keeps foreign metadata, so outputs run by hand
over unchanged cells still carry a valid hash of the sources; the hash of the
outputs catches them.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

INJECTED = "injected-parameters"  # the tag papermill puts on the cell it adds
KERNEL = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
STALE = "run `make notebooks`"


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sources_hash(notebook: NotebookNode) -> str:
    """Hash what an author writes: cell types, sources and tags, not outputs."""
    return _digest(
        [
            [cell.cell_type, cell.source, sorted(cell.metadata.get("tags", []))]
            for cell in notebook.cells
            if INJECTED not in cell.metadata.get("tags", [])
        ]
    )


def outputs_hash(notebook: NotebookNode) -> str:
    """Hash what a run left behind: the outputs of every code cell."""
    return _digest([c.outputs for c in notebook.cells if c.cell_type == "code"])


def normalise(notebook: NotebookNode, *, profile: str, device: str) -> NotebookNode:
    """Return a stamped copy without anything that differs between two equal runs.

    Timings, papermill's metadata, widget state and the injected cell go; cell ids
    stay, because diff tools need them.  Without the injected cell the execution
    counts have a gap, so they are numbered anew.
    """
    clean = copy.deepcopy(notebook)
    clean.cells = [c for c in clean.cells if INJECTED not in c.metadata.get("tags", [])]
    clean.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    count = itertools.count(1)
    for cell in clean.cells:
        kept = {k: v for k, v in cell.metadata.items() if k in ("tags", "jupyter")}
        if not kept.get("tags", [""]):
            del kept["tags"]  # papermill adds an empty list
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            cell.execution_count = next(count)
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = cell.execution_count
    clean.metadata["qglib"] = {
        "sources": sources_hash(clean),
        "outputs": outputs_hash(clean),
        "profile": profile,
        "device": device,
    }
    return clean


def staleness(notebook: NotebookNode) -> str:
    """Say why the saved outputs are not those of these cells; empty if they are."""
    stamp = notebook.metadata.get("qglib", {})
    if not stamp:
        return f"it was never refreshed: {STALE}"
    if stamp.get("sources") != sources_hash(notebook):
        return f"its cells changed after its outputs were made: {STALE}"
    if stamp.get("outputs") != outputs_hash(notebook):
        return f"its outputs were not made by the runner: {STALE}"
    return ""


def write(notebook: NotebookNode, path: Path | str) -> None:
    """Write a notebook so that the file appears complete or not at all."""
    path = Path(path)
    nbformat.validate(notebook)
    beside = path.with_name(f".{path.name}.new")
    try:
        nbformat.write(notebook, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
