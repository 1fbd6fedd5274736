"""What a refresh leaves: outputs in the notebooks, artefacts in ``data/reference``.

Outputs are normalised and stamped with two hashes: outputs run by hand over unchanged
cells still carry a valid hash of the sources, and the other one catches them.
"""

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
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
LIMIT = 2**20  # bytes of one file: the folder is part of the repository

# Files that readers look for, by notebook; the record of each is kept too.  Of 02 none
# is copied: 43 to 45 are measured on the head that is kept there.
KEPT = {
    "00_start_here": ("figures/ledger.png",),
    "01_data_modelling": ("features.parquet", "features.schema.json"),
    "03_causal_analysis": ("causal_graph.json",),
}


def digest(content: object) -> str:
    """Hash anything that JSON can hold, 16 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def hashes(notebook: NotebookNode) -> dict[str, str]:
    """Hash what an author writes (types, sources, tags) and what a run left behind."""
    cells = [c for c in notebook.cells if INJECTED not in c.metadata.get("tags", [])]
    tags = [sorted(c.metadata.get("tags", [])) for c in cells]
    written = [[c.cell_type, c.source, t] for c, t in zip(cells, tags, strict=True)]
    outputs = [c.outputs for c in cells if c.cell_type == "code"]
    return {"sources": digest(written), "outputs": digest(outputs)}


def normalise(notebook: NotebookNode, *, profile: str, device: str) -> NotebookNode:
    """Return a stamped copy without anything that differs between two equal runs.

    Timings, papermill's metadata, widget state and the injected cell go, so cells are
    numbered anew; cell ids stay, because diff tools need them.
    """
    clean = copy.deepcopy(notebook)
    clean.cells = [c for c in clean.cells if INJECTED not in c.metadata.get("tags", [])]
    for cell in clean.cells:
        own = ("tags", "jupyter")  # papermill adds an empty list of tags
        kept = {k: v for k, v in cell.metadata.items() if k in own and v}
        cell.metadata = nbformat.from_dict(kept)
    code = [c for c in clean.cells if c.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
    stamp = hashes(clean) | {"profile": profile, "device": device}
    clean.metadata = nbformat.from_dict(METADATA | {"qglib": stamp})
    return clean


def keep(run_folder: str | Path, reference: str | Path = REFERENCE) -> list[Path]:
    """Copy artefacts and records of finished notebooks over the reference; return them.

    A file of more than 1 MiB is a ValueError, and nothing of its notebook is copied.
    """
    copied = []
    for record in sorted(Path(run_folder).glob("*/record.json")):
        notebook = record.parent.name
        target = Path(reference) / notebook
        if not (ROOT / "notebooks" / f"{notebook}.ipynb").exists():
            continue  # of an earlier state of the project
        files = [record.parent / name for name in KEPT.get(notebook, ())]
        for file in files:
            if (size := file.stat().st_size) > LIMIT:
                raise ValueError(
                    f"{notebook}/{file.name} has {size} bytes: the reference keeps "
                    f"files up to {LIMIT}"
                )
        content = read_json(record, parameters=dict)
        target.mkdir(parents=True, exist_ok=True)
        copied += [Path(shutil.copy(file, target)) for file in files]
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
