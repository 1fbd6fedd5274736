"""Saved outputs: normalised, stamped, and checked against what they came from.

Two hashes are needed.  JupyterLab keeps foreign metadata, so outputs run by hand
over unchanged cells still carry a valid hash of the sources; the hash of the
outputs catches them.
"""

from __future__ import annotations

import copy
import hashlib
import json

import nbformat
from nbformat import NotebookNode

INJECTED = "injected-parameters"  # the tag papermill puts on the cell it adds
KERNEL = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}


def digest(content: object) -> str:
    """Hash anything that JSON can hold, 16 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def hashes(notebook: NotebookNode) -> dict[str, str]:
    """Hash what an author writes (types, sources, tags) and what a run left behind."""
    cells = [c for c in notebook.cells if INJECTED not in c.metadata.get("tags", [])]
    written = [
        [c.cell_type, c.source, sorted(c.metadata.get("tags", []))] for c in cells
    ]
    outputs = [c.outputs for c in cells if c.cell_type == "code"]
    return {"sources": digest(written), "outputs": digest(outputs)}


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
    for cell in clean.cells:
        kept = {k: v for k, v in cell.metadata.items() if k in ("tags", "jupyter")}
        if not kept.get("tags", [""]):
            del kept["tags"]  # papermill adds an empty list
        cell.metadata = nbformat.from_dict(kept)
    code = [c for c in clean.cells if c.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
    clean.metadata["qglib"] = hashes(clean) | {"profile": profile, "device": device}
    return clean


def staleness(notebook: NotebookNode) -> str:
    """Say why the saved outputs are not those of these cells; empty if they are."""
    stamp, found = notebook.metadata.get("qglib", {}), hashes(notebook)
    if not stamp:
        return "it was never refreshed: run `make notebooks`"
    if stamp.get("sources") != found["sources"]:
        return "its cells changed after its outputs were made: run `make notebooks`"
    if stamp.get("outputs") != found["outputs"]:
        return "its outputs were not made by the runner: run `make notebooks`"
    return ""
