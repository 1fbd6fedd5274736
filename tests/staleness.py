"""Whether the saved outputs of a notebook are those of its cells."""

from __future__ import annotations

from nbformat import NotebookNode

from qglib.freshness import hashes


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
