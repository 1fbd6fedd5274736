"""The small artefacts in ``data/reference`` that let every notebook run alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from qglib.record import ROOT, write_json

REFERENCE = ROOT / "data" / "reference"
LIMIT = 2**20  # bytes of one file: the folder is part of the repository

# notebook -> what it wrote -> what readers look for; the record of each is kept too
KEPT = {
    "00_start_here": {"figures/ledger.png": "ledger.png"},
    "01_data_modelling": {
        "features.parquet": "features.parquet",
        "features.schema.json": "features.schema.json",
    },
    # the head on the frozen encoder: whole models are too large to keep
    "02_model_training": {"head": "model"},
    "03_causal_analysis": {"causal_graph.json": "causal_graph.json"},
}


def keep(run_folder: str | Path, reference: str | Path = REFERENCE) -> list[Path]:
    """Copy artefacts and records of finished notebooks over the reference ones.

    Returns:
        The copied files and folders.

    Raises:
        ValueError: if a file is larger than 1 MiB; nothing of its notebook is
            copied then.
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
        target.mkdir(parents=True, exist_ok=True)
        for name, kept in names.items():
            shutil.rmtree(target / kept, ignore_errors=True)  # of a folder
            copy = shutil.copytree if (source / name).is_dir() else shutil.copyfile
            copied.append(Path(copy(source / name, target / kept)))
        content = json.loads(record.read_text(encoding="utf-8"))
        # where it ran says nothing to a reader of another machine
        content["parameters"]["out_dir"] = f"../data/runs/refresh/{notebook}"
        write_json(target / "record.json", content)
        copied.append(target / "record.json")
    return copied
