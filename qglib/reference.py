"""The small artefacts in ``data/reference`` that let every notebook run alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from qglib.record import ROOT, write_json

REFERENCE = ROOT / "data" / "reference"
LIMIT = 2**20  # bytes of one file: the folder is part of the repository

# notebook -> what it wrote -> what readers look for
KEPT = {
    "00_start_here": {"figures/ledger.png": "ledger.png"},
    "01_data_modelling": {
        "features.parquet": "features.parquet",
        "features.schema.json": "features.schema.json",
    },
    # the head on the frozen encoder: whole models are too large to keep
    "02_model_training": {"head": "model"},
    "03_causal_analysis": {"causal_graph.json": "causal_graph.json"},
    "04_interpretability": {"figures/decision_graph.png": "decision_graph.png"},
    "11_order_and_independence": {"figures/power_by_simulation.png": "power.png"},
    "12_heads_and_optimisers": {"figures/ablation.png": "ablation.png"},
    "13_causes_on_trial": {"figures/validity_cards.png": "validity_cards.png"},
    "14_explanations_on_trial": {"explanation.html": "explanation.html"},
}


def keep(run_folder: str | Path, reference: str | Path = REFERENCE) -> list[Path]:
    """Copy artefacts and records of a finished run over the reference ones.

    Args:
        run_folder: holds one folder per notebook, as ``python -m qglib run`` and
            ``refresh`` leave it; notebooks without a record are left out.
        reference: where the copies go.

    Returns:
        The copied files and folders.

    Raises:
        ValueError: if a file is larger than 1 MiB; nothing of its notebook is
            copied then.
    """
    copied = []
    for notebook, names in KEPT.items():
        source, target = Path(run_folder) / notebook, Path(reference) / notebook
        if not (source / "record.json").exists():
            continue
        for name in names:
            for file in [source / name, *(source / name).rglob("*")]:
                if file.is_file() and file.stat().st_size > LIMIT:
                    raise ValueError(
                        f"{notebook}/{file.name} has {file.stat().st_size} bytes: the "
                        f"reference keeps files up to {LIMIT}"
                    )
        for name, kept in names.items():
            if (source / name).is_dir():
                shutil.rmtree(target / kept, ignore_errors=True)
                shutil.copytree(source / name, target / kept)
            else:
                (target / kept).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, target / kept)
            copied.append(target / kept)
        record = json.loads((source / "record.json").read_text(encoding="utf-8"))
        # where it ran says nothing to a reader of another machine
        record["parameters"]["out_dir"] = f"../data/runs/refresh/{notebook}"
        write_json(target / "record.json", record)
        copied.append(target / "record.json")
    return copied
