"""What a refresh leaves: outputs in the notebooks, artefacts in ``data/reference``.

Outputs are normalised and stamped with two hashes.  JupyterLab keeps foreign metadata,
so outputs run by hand over unchanged cells still carry a valid hash of the sources;
the hash of the outputs catches them.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from qglib.record import ROOT, read_json, write_json, write_text
from qglib.run import REFERENCE

INJECTED = "injected-parameters"  # the tag papermill puts on the cell it adds
KERNEL = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
LIMIT = 2**20  # bytes of one file: the folder is part of the repository

# notebook -> what it wrote -> what readers look for; the record of each is kept too
KEPT = {
    "00_start_here": {"figures/ledger.png": "ledger.png"},
    "01_data_modelling": {
        "features.parquet": "features.parquet",
        "features.schema.json": "features.schema.json",
    },
    # of 02 nothing is copied: 43 to 45 are measured on the head that is kept there
    "03_causal_analysis": {"causal_graph.json": "causal_graph.json"},
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


def keep(run_folder: str | Path, reference: str | Path = REFERENCE) -> list[Path]:
    """Copy artefacts and records of finished notebooks over the reference ones.

    Returns the copied files and folders.  A file of more than 1 MiB is a ValueError,
    and nothing of its notebook is copied.
    """
    copied = []
    for record in sorted(Path(run_folder).glob("*/record.json")):
        source, notebook = record.parent, record.parent.name
        target, names = Path(reference) / notebook, KEPT.get(notebook, {})
        if not (ROOT / "notebooks" / f"{notebook}.ipynb").exists():
            continue  # of an earlier state of the project
        for file in (f for n in names for f in [source / n, *(source / n).rglob("*")]):
            if file.is_file() and file.stat().st_size > LIMIT:
                raise ValueError(
                    f"{notebook}/{file.name} has {file.stat().st_size} bytes: the "
                    f"reference keeps files up to {LIMIT}"
                )
        content = read_json(record, parameters=dict)
        target.mkdir(parents=True, exist_ok=True)
        for name, kept in names.items():
            shutil.rmtree(target / kept, ignore_errors=True)  # of a folder
            copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
            copied.append(Path(copy(source / name, target / kept)))
        # where it ran says nothing to a reader of another machine
        content["parameters"]["out_dir"] = f"../data/runs/refresh/{notebook}"
        write_json(target / "record.json", content)
        copied.append(target / "record.json")
    return copied


def follow(english: str | Path) -> None:
    """Give the Chinese edition of a notebook its code and outputs; texts stay.

    A text belongs to the digest of the English one, in ``metadata.translates``; where
    there is none the English text stands, and a style test asks for a translation.
    """
    chinese = Path(english).parent / "zh" / Path(english).name
    if not chinese.exists():
        return
    old, book = (nbformat.read(path, as_version=4) for path in (chinese, english))
    texts = {c.metadata.get("translates"): c.source for c in old.cells}
    for cell in book.cells:
        if cell.cell_type == "markdown":
            key = digest(cell.source)
            cell.metadata["translates"] = key if key in texts else ""
            cell.source = texts.get(key, cell.source)
    write_text(chinese, nbformat.writes(book) + "\n")
